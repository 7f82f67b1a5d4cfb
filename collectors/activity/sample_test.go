package activity

import "time"

// full is an activity in which every field is set; not a plausible one.
func full() Activity {
	return Activity{
		ID: "1800000000000000001", Network: "x", Account: "x/acme", Kind: KindApproval,
		Time:  time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Seen:  time.Date(2026, 3, 1, 12, 0, 2, 345678901, time.UTC),
		Actor: "dana@acme.example", App: "Buffer", IP: "2001:db8::7",
		Geo: Geo{
			Country: "DE", Region: "DE-BE", City: "Berlin", Lat: Some(52.52), Lon: Some(-13.405),
			ASN: Some(3320), ASOrg: `Telekom "AG"`, Proxy: "none", Radius: Some(20),
		},
		Device: "iPhone 15", UserAgent: "Mozilla/5.0 (X11; Linux x86_64)",
		Text: "Größe 🚀\nzweite \"Zeile\" \\ \t\x01 <b>&", Lang: "de-DE",
		Links:       []string{"https://acme.example/a?b=1&c=2", "https://other.example/"},
		LinkDomains: []string{"acme.example", "other.example"},
		Mentions:    []string{"bob"}, Hashtags: []string{"grün", "2026"},
		Media: []Media{
			{Hash: "sha256:ab12", Type: "image", URL: "https://cdn.example/1.jpg"},
			{},
			{Hash: "3_99"},
		},
		ReplyTo: "1799999999999999999", Object: "1799999999999999998",
		Profile: []Field{{"bio", ""}, {"name", "Acme GmbH"}}, Changed: []string{"bio", "name"},
		Old:     []Field{{"bio", "We make things"}, {"name", "Acme"}},
		Metrics: []Metric{{"followers", 123456}, {"ratio", 0.25}, {"temperature", -1.5e-9}},
		Approval: Approval{
			Text: "Größe", Links: []string{"https://acme.example/a"}, Media: []string{"sha256:ab12"},
			Approvers: []string{"dana", "eli"}, From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC),
			Until: time.Date(2026, 3, 2, 0, 0, 0, 500_000_000, time.UTC), MaxUses: 3, Tool: "picket approve",
		},
		Outcome: Outcome{Result: "failure", Reason: "INVALID_CREDENTIALS"},
		Poll: Poll{
			State: PollGap, Reason: "retention", From: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
			Until: time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC), LastOK: time.Date(2026, 2, 3, 0, 0, 0, 0, time.UTC),
			ClockSkew: Some(-0.75),
		},
		Verdict: Verdict{
			Alert: "3fa29c00", Rule: "6ee3b0c8", Says: VerdictExpected, Values: []string{"RO", "FR"},
			Until: time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC), By: "jane", Reason: "holiday",
		},
		Drill: "drill-7",
		Raw:   []byte(`{"eventType":"user.session.start","n":[1,{"deep":true}],"half":"\ud83d"}`),
	}
}

// usual is an activity such as a collector yields for a post, about 900 bytes
// encoded.
func usual() Activity {
	return Activity{
		ID: "1800000000000000001", Network: "x", Account: "x/acme_europe", Kind: KindPost,
		Time:  time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		Seen:  time.Date(2026, 3, 1, 12, 0, 2, 345678901, time.UTC),
		Actor: "dana@acme.example", App: "Buffer", IP: "203.0.113.77",
		Geo: Geo{
			Country: "DE", Region: "DE-BE", City: "Berlin", Lat: Some(52.52), Lon: Some(13.405),
			ASN: Some(3320), ASOrg: "Deutsche Telekom AG", Proxy: "none", Radius: Some(20),
		},
		UserAgent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
		Text:      "We’re opening our new office in Berlin 🎉 next week!\nCome by on Thursday, meet the team and see what we have been building: https://acme.example/berlin-opening @acme #berlin #hiring",
		Lang:      "en",
		Links:     []string{"https://acme.example/berlin-opening"}, LinkDomains: []string{"acme.example"},
		Mentions: []string{"acme"}, Hashtags: []string{"berlin", "hiring"},
		Media:   []Media{{Hash: "3_1800000000000000009", Type: "image", URL: "https://pbs.example.com/media/GabcdefXYZ.jpg"}},
		ReplyTo: "1799999999999999999",
		Metrics: []Metric{{"followers", 123456}, {"following", 310}, {"posts", 8123}},
	}
}
