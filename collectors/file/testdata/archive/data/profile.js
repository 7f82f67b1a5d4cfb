window.YTD.profile.part0 = [
  {
    "profile" : {
      "description" : {
        "bio" : "Bread since 1901.",
        "website" : "https://acme.example",
        "location" : "Ghent"
      },
      "avatarMediaUrl" : "https://img.example/avatar.jpg",
      "headerMediaUrl" : "https://img.example/header.jpg"
    }
  }
]
