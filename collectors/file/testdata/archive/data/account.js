window.YTD.account.part0 = [
  {
    "account" : {
      "email" : "owner@acme.example",
      "createdVia" : "web",
      "username" : "acme_bakery",
      "accountId" : "900000001",
      "createdAt" : "2019-05-01T08:00:00.000Z",
      "accountDisplayName" : "Acme Bakery"
    }
  }
]
