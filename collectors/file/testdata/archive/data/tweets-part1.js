window.YTD.tweets.part1 = [
  {
    "tweet" : {
      "source" : "",
      "entities" : {
        "hashtags" : [ ], "symbols" : [ ], "urls" : [ ],
        "user_mentions" : [ { "name" : "Mill", "screen_name" : "mill", "indices" : [ "3", "8" ], "id_str" : "78", "id" : "78" } ]
      },
      "id_str" : "1001",
      "created_at" : "Thu Jan 01 12:00:00 +0000 2026",
      "full_text" : "RT @mill: Flour: now cheaper",
      "lang" : "en"
    }
  }
]
