window.YTD.tweets.part0 = [
  {
    "tweet" : {
      "edit_info" : {
        "edit" : {
          "initialTweetId" : "1103",
          "editControlInitial" : {
            "editTweetIds" : [ "1103", "1104" ],
            "editableUntil" : "2026-01-11T10:30:00.000Z",
            "editsRemaining" : "4",
            "isEditEligible" : true
          }
        }
      },
      "retweeted" : false,
      "source" : "<a href=\"https://mobile.example.com\" rel=\"nofollow\">Web App</a>",
      "entities" : { "hashtags" : [ ], "symbols" : [ ], "user_mentions" : [ ], "urls" : [ ] },
      "display_text_range" : [ "0", "22" ],
      "favorite_count" : "2",
      "id_str" : "1104",
      "truncated" : false,
      "retweet_count" : "0",
      "id" : "1104",
      "created_at" : "Sun Jan 11 10:05:00 +0000 2026",
      "favorited" : false,
      "full_text" : "Open until 6 on Sunday",
      "lang" : "en"
    }
  },
  {
    "tweet" : {
      "edit_info" : {
        "initial" : {
          "editTweetIds" : [ "1103", "1104" ],
          "editableUntil" : "2026-01-11T10:30:00.000Z",
          "editsRemaining" : "5",
          "isEditEligible" : true
        }
      },
      "source" : "<a href=\"https://mobile.example.com\" rel=\"nofollow\">Web App</a>",
      "entities" : { "hashtags" : [ ], "symbols" : [ ], "user_mentions" : [ ], "urls" : [ ] },
      "id_str" : "1103",
      "id" : "1103",
      "created_at" : "Sun Jan 11 10:00:00 +0000 2026",
      "full_text" : "Open until 5 on Sunday",
      "lang" : "en"
    }
  },
  {
    "tweet" : {
      "source" : "<a href=\"http://tools.example/press\" rel=\"nofollow\">Press &amp; Post</a>",
      "entities" : {
        "hashtags" : [ { "text" : "bread", "indices" : [ "20", "26" ] } ],
        "symbols" : [ ],
        "user_mentions" : [ ],
        "urls" : [
          {
            "url" : "https://t.co/aaaaaaaaaa",
            "expanded_url" : "https://Acme.example/loaves",
            "display_url" : "acme.example/loaves",
            "indices" : [ "27", "50" ]
          }
        ],
        "media" : [
          {
            "expanded_url" : "https://x.com/acme_bakery/status/1101/photo/1",
            "url" : "https://t.co/bbbbbbbbbb",
            "media_url_https" : "https://img.example/one.jpg",
            "id_str" : "5001",
            "type" : "photo"
          }
        ]
      },
      "extended_entities" : {
        "media" : [
          { "url" : "https://t.co/bbbbbbbbbb", "media_url_https" : "https://img.example/one.jpg", "id_str" : "5001", "type" : "photo" },
          { "url" : "https://t.co/bbbbbbbbbb", "media_url_https" : "https://img.example/two.png", "id_str" : "5002", "type" : "animated_gif" }
        ]
      },
      "id_str" : "1101",
      "id" : "1101",
      "created_at" : "Mon Jan 05 06:00:00 +0000 2026",
      "full_text" : "Rye &amp; wheat, 2 &lt; 3: #bread https://t.co/aaaaaaaaaa https://t.co/bbbbbbbbbb",
      "lang" : "en"
    }
  },
  {
    "tweet" : {
      "source" : "<a href=\"https://mobile.example.com\" rel=\"nofollow\">Web App</a>",
      "entities" : {
        "hashtags" : [ ], "symbols" : [ ], "urls" : [ ],
        "user_mentions" : [ { "name" : "Ann", "screen_name" : "ann", "indices" : [ "0", "4" ], "id_str" : "77", "id" : "77" } ]
      },
      "in_reply_to_status_id_str" : "1050",
      "in_reply_to_screen_name" : "ann",
      "id_str" : "1102",
      "created_at" : "Mon Jan 05 06:00:00 +0000 2026",
      "full_text" : "@ann Yes, with seeds",
      "lang" : "und"
    }
  }
]
