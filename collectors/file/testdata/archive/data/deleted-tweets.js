window.YTD.deleted_tweets.part0 = [
  {
    "tweet" : {
      "source" : "<a href=\"https://mobile.example.com\" rel=\"nofollow\">Web App</a>",
      "entities" : { "hashtags" : [ ], "symbols" : [ ], "user_mentions" : [ ], "urls" : [ ] },
      "id_str" : "1105",
      "created_at" : "Mon Jan 12 08:00:00 +0000 2026",
      "deleted_at" : "2026-01-20T09:00:00.000Z",
      "full_text" : "Closed today",
      "lang" : "en"
    }
  }
]
