window.YTD.ip_audit.part0 = [
  {
    "ipAudit" : {
      "accountId" : "900000001",
      "createdAt" : "2026-01-12T07:30:00.000Z",
      "loginIp" : "192.0.2.10",
      "loginPortNumber" : "0"
    }
  },
  {
    "ipAudit" : {
      "accountId" : "900000001",
      "createdAt" : "2026-01-03T07:30:00.000Z",
      "loginIp" : "2001:db8::7"
    }
  }
]
