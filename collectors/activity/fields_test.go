package activity

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func str(list ...string) []Value {
	var values []Value
	for _, s := range list {
		values = append(values, Value{Str: s})
	}
	return values
}

func num(v float64) []Value { return []Value{{Num: v, IsNum: true}} }

type fieldRow struct {
	field string
	want  []Value
}

// fixedRows holds every field of fixed name against the full activity.
func fixedRows() []fieldRow {
	return []fieldRow{
		{"id", str("1800000000000000001")},
		{"network", str("x")},
		{"account", str("x/acme")},
		{"kind", str("approval")},
		{"time", str("2026-03-01T12:00:00Z")},
		{"seen", str("2026-03-01T12:00:02.345678901Z")},
		{"actor", str("dana@acme.example")},
		{"app", str("Buffer")},
		{"ip", str("2001:db8::7")},
		{"geo.country", str("DE")},
		{"geo.region", str("DE-BE")},
		{"geo.city", str("Berlin")},
		{"geo.lat", num(52.52)},
		{"geo.lon", num(-13.405)},
		{"geo.asn", num(3320)},
		{"geo.as_org", str(`Telekom "AG"`)},
		{"geo.proxy", str("none")},
		{"geo.radius", num(20)},
		{"device", str("iPhone 15")},
		{"user_agent", str("Mozilla/5.0 (X11; Linux x86_64)")},
		{"text", str("Größe 🚀\nzweite \"Zeile\" \\ \t\x01 <b>&")},
		{"lang", str("de-DE")},
		{"links", str("https://acme.example/a?b=1&c=2", "https://other.example/")},
		{"link_domains", str("acme.example", "other.example")},
		{"mentions", str("bob")},
		{"hashtags", str("grün", "2026")},
		{"media", str("sha256:ab12", "3_99")},
		{"media.hash", str("sha256:ab12", "3_99")},
		{"media.type", str("image")},
		{"media.url", str("https://cdn.example/1.jpg")},
		{"reply_to", str("1799999999999999999")},
		{"object", str("1799999999999999998")},
		{"changed", str("bio", "name")},
		{"approval.text", str("Größe")},
		{"approval.links", str("https://acme.example/a")},
		{"approval.media", str("sha256:ab12")},
		{"approval.approvers", str("dana", "eli")},
		{"approval.from", str("2026-03-01T00:00:00Z")},
		{"approval.until", str("2026-03-02T00:00:00.5Z")},
		{"approval.max_uses", num(3)},
		{"approval.tool", str("picket approve")},
		{"outcome", str("failure")},
		{"outcome.result", str("failure")},
		{"outcome.reason", str("INVALID_CREDENTIALS")},
		{"poll.state", str("gap")},
		{"poll.reason", str("retention")},
		{"poll.from", str("2026-02-01T00:00:00Z")},
		{"poll.until", str("2026-02-02T00:00:00Z")},
		{"poll.last_ok", str("2026-02-03T00:00:00Z")},
		{"poll.clock_skew", num(-0.75)},
		{"verdict.alert", str("3fa29c00")},
		{"verdict.rule", str("6ee3b0c8")},
		{"verdict.says", str("expected")},
		{"verdict.values", str("RO", "FR")},
		{"verdict.until", str("2026-04-01T00:00:00Z")},
		{"verdict.by", str("jane")},
		{"verdict.reason", str("holiday")},
		{"drill", str("drill-7")},
	}
}

func TestFieldValues(t *testing.T) {
	a := full()
	open := []fieldRow{
		{"profile.bio", str("")},
		{"profile.name", str("Acme GmbH")},
		{"profile.url", nil},
		{"old.name", str("Acme")},
		{"metrics.followers", num(123456)},
		{"metrics.posts", nil},
		{"raw.eventType", str("user.session.start")},
	}
	for _, tt := range append(fixedRows(), open...) {
		t.Run(tt.field, func(t *testing.T) {
			ref, err := LookupField(tt.field)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, ref.Values(&a, nil)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if got := ref.Values(&Activity{}, nil); got != nil {
				t.Errorf("an empty activity gives %v, want nothing", got)
			}
		})
	}
}

func TestFieldNames(t *testing.T) {
	var tested []string
	for _, row := range fixedRows() {
		tested = append(tested, row.field)
	}
	want := append(tested, "profile.<name>", "old.<name>", "metrics.<name>", "raw.<path>")
	if diff := cmp.Diff(want, FieldNames()); diff != "" {
		t.Errorf("names that are tested, and names that exist (-tested +exist):\n%s", diff)
	}
	// Whatever an activity's objects are made of is a field, too.
	for prefix, names := range map[string][]string{
		"": activityNames(), "geo.": geoNames(), "media.": mediaNames(),
		"approval.": approvalNames(), "outcome.": outcomeNames(), "poll.": pollNames(),
	} {
		for _, n := range names {
			open := func(known string) bool { return known == prefix+n || strings.HasPrefix(known, prefix+n+".") }
			if !slices.ContainsFunc(FieldNames(), open) {
				t.Errorf("%s%s has no field", prefix, n)
			}
		}
	}
}

func TestRawValues(t *testing.T) {
	const raw = `{
		"eventType": "user.session.start", "n": 12.5, "yes": true, "no": false, "nothing": null, "empty": "",
		"actor": {"id": "00u1", "tags": ["a", "b"], "nested": [["c"], [{"d": "e"}]]},
		"target": [{"type": "User", "detail": {"x": 1}}, {"type": "App"}, "text", {"type": null}],
		"a.b": {"c.d": "dotted"}, "a": {"b": {"c": {"d": "walked"}}},
		"esc\u0061ped": "\u00e4\ud83d\ude80\n", "half": "x\ud83dy"
	}`
	tests := []fieldRow{
		{"raw.eventType", str("user.session.start")},
		{"raw.n", num(12.5)},
		{"raw.yes", str("true")},
		{"raw.no", str("false")},
		{"raw.nothing", nil},
		{"raw.empty", str("")},
		{"raw.missing", nil},
		{"raw.event", nil},
		{"raw.EVENTTYPE", nil},
		{"raw.eventType.deeper", nil},
		{"raw.actor.id", str("00u1")},
		{"raw.actor.tags", str("a", "b")},
		{"raw.actor.nested", str("c", `{"d": "e"}`)},
		{"raw.actor.nested.d", str("e")},
		{"raw.target.type", str("User", "App")},
		{"raw.target.detail.x", num(1)},
		{"raw.target.detail", str(`{"x": 1}`)},
		{"raw.a.b.c.d", str("dotted", "walked")},
		{"raw.escaped", str("ä🚀\n")},
		{"raw.half", str("x\uFFFDy")},
	}
	a := Activity{Raw: []byte(raw)}
	for _, tt := range tests {
		t.Run(tt.field, func(t *testing.T) {
			ref, err := LookupField(tt.field)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, ref.Values(&a, nil)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLookupFieldErrors(t *testing.T) {
	tests := []struct{ name, want string }{
		{"txt", `unknown field "txt"; did you mean "text"?`},
		{"Text", `unknown field "Text"; did you mean "text"?`},
		{"geo.contry", `unknown field "geo.contry"; did you mean "geo.country"?`},
		{"country", `unknown field "country"; did you mean "geo.country"?`},
		{"outcome.resaon", `unknown field "outcome.resaon"; did you mean "outcome.reason"?`},
		{"profil.name", `unknown field "profil.name"; did you mean "profile.name"?`},
		{"metric.followers", `unknown field "metric.followers"; did you mean "metrics.followers"?`},
		{"profile", `field "profile" needs a name after "profile", such as "profile.name"`},
		{"old.", `field "old." needs a name after "old", such as "old.name"`},
		{"metrics", `field "metrics" needs a name after "metrics", such as "metrics.followers"`},
		{"raw", `field "raw" needs a name after "raw", such as "raw.eventType"`},
		{"geo", `field "geo" is an object; expected one of geo.country, geo.region, geo.city, geo.lat, geo.lon, geo.asn, geo.as_org, geo.proxy, geo.radius`},
		{"poll", `field "poll" is an object; expected one of poll.state, poll.reason, poll.from, poll.until, poll.last_ok, poll.clock_skew`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := LookupField(tt.name)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
	if _, err := LookupField("xyzzyxyzzy"); err == nil || !strings.HasPrefix(err.Error(), `unknown field "xyzzyxyzzy"; expected one of id, network, account, `) {
		t.Errorf("got %v, want the list of names", err)
	}
}

func TestValuesDoNotAllocate(t *testing.T) {
	a := full()
	dst := make([]Value, 0, 8)
	// A time is not held as text, so its text must be made.
	const times = " time seen approval.from approval.until poll.from poll.until poll.last_ok verdict.until "
	names := []string{"profile.name", "old.name", "metrics.followers", "raw.eventType", "raw.n.deep", "raw.missing"}
	for _, row := range fixedRows() {
		names = append(names, row.field)
	}
	for _, name := range names {
		ref, err := LookupField(name)
		if err != nil {
			t.Fatal(err)
		}
		want := 0.0
		if strings.Contains(times, " "+name+" ") {
			want = 1
		}
		if got := testing.AllocsPerRun(100, func() { dst = ref.Values(&a, dst[:0]) }); got != want {
			t.Errorf("%s: %v allocations, want %v", name, got, want)
		}
	}
}

// FuzzRawValues walks arbitrary bytes at an arbitrary path: it may find
// nothing, but must return.
func FuzzRawValues(f *testing.F) {
	f.Add([]byte(`{"a":{"b":[1,{"c":"d"}]}}`), "a.b.c")
	f.Add([]byte(`{"a":"\ud83d\\`), "a")
	f.Add([]byte(`[[[`), "")
	f.Fuzz(func(t *testing.T, raw []byte, path string) {
		a := Activity{Raw: raw}
		ref, err := LookupField("raw." + path)
		if err != nil {
			if path != "" {
				t.Fatal(err)
			}
			return
		}
		for _, v := range ref.Values(&a, nil) {
			if v.IsNum && v.Str != "" {
				t.Fatalf("%+v is text and number", v)
			}
		}
	})
}
