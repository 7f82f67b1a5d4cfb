window.__THAR_CONFIG = {
  "userInfo" : {
    "accountId" : "900000001",
    "userName" : "acme_bakery",
    "displayName" : "Acme Bakery"
  },
  "archiveInfo" : {
    "sizeBytes" : "7215",
    "generationDate" : "2026-02-01T10:00:00.000Z",
    "isPartialArchive" : false,
    "maxPartSizeBytes" : "53687091200"
  }
}
