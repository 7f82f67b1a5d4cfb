package activity

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

var update = flag.Bool("update", false, "write the golden files anew")

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// same compares what activities say: an empty list is an absent one.
func same(t *testing.T, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("differs (-want +got):\n%s", diff)
	}
}

func TestGolden(t *testing.T) {
	a := full()
	data := AppendActivity(nil, &a)
	golden(t, "full.json", append(data, '\n'))

	d := Decoder{Strict: true}
	var got Activity
	if err := d.Activity(data, &got); err != nil {
		t.Fatal(err)
	}
	same(t, a, got)
}

func TestGoldenBatch(t *testing.T) {
	b := Batch{
		Backfill: true, Cursor: []byte(`{"since_id": "17"}`), Recent: []uint64{1, 1 << 63, 3, 4},
		Activities: []Activity{usual(), {}},
	}
	data := AppendBatch(nil, &b)
	golden(t, "batch.json", append(data, '\n'))

	d := Decoder{Strict: true}
	var got Batch
	if err := d.Batch(data, &got); err != nil {
		t.Fatal(err)
	}
	same(t, b, got)
}

// TestFullIsFull holds full to its name, so that the golden covers a field
// that is added later.
func TestFullIsFull(t *testing.T) {
	a := full()
	data := string(AppendActivity(nil, &a))
	lists := map[string][]string{
		"activity": activityNames(), "geo": geoNames(), "media": mediaNames(),
		"approval": approvalNames(), "outcome": outcomeNames(), "poll": pollNames(), "verdict": verdictNames(),
	}
	for object, names := range lists {
		for _, n := range names {
			if !strings.Contains(data, `"`+n+`":`) {
				t.Errorf("%s.%s is not in the encoded activity", object, n)
			}
			if got := nameOf(n).String(); got != n {
				t.Errorf("name %q is numbered as %q", n, got)
			}
		}
	}
	for n := range nEnd {
		if nameOf(n.String()) != n {
			t.Errorf("name %d, %q, is not found by its text", n, n)
		}
	}
}

func TestDecodeDocumentedExample(t *testing.T) {
	const doc = `{"id":"1800000000000000001","account":"x/acme","kind":"post","time":"2026-03-01T12:00:00Z","text":"Hello"}`
	var a Activity
	if err := new(Decoder).Activity([]byte(doc), &a); err != nil {
		t.Fatal(err)
	}
	same(t, Activity{
		ID: "1800000000000000001", Network: "x", Account: "x/acme", Kind: KindPost,
		Time: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Text: "Hello",
	}, a)
	if err := a.Validate(); err != nil {
		t.Error(err)
	}
}

func TestDecodeForms(t *testing.T) {
	at := func(nanos int) time.Time { return time.Date(2024, 2, 29, 23, 30, 0, nanos, time.UTC) }
	tests := []struct {
		name, in string
		want     Activity
	}{
		{"empty", `{}`, Activity{}},
		{"white space everywhere", "\n{ \"id\" :\t\"1\" ,\r\n \"links\" : [ \"a\" , \"b\" ] , \"geo\" : { \"lat\" : 1 , \"lon\" : 2 } } \n", Activity{ID: "1", Links: []string{"a", "b"}, Geo: Geo{Lat: Some(1), Lon: Some(2)}}},
		{"null is absent", `{"id":null,"time":null,"geo":null,"links":null,"media":null,"profile":null,"metrics":{"a":null},"old":{"a":null},"approval":{"max_uses":null,"from":null},"outcome":null,"poll":{"clock_skew":null},"raw":null,"kind":null}`, Activity{}},
		{"escapes", `{"text":"a\"\\\/\b\f\n\r\tz\u00e4\u20AC\ud83d\ude80 end of a long text"}`, Activity{Text: "a\"\\/\b\f\n\r\tzä€🚀 end of a long text"}},
		{"escaped names", `{"\u0069d":"1","geo":{"l\u0061t":1},"metrics":{"\u0061":1}}`, Activity{ID: "1", Geo: Geo{Lat: Some(1)}, Metrics: []Metric{{"a", 1}}}},
		{"all lengths of UTF-8", `{"text":"é€😀߿ࠀ퟿\ud7ff�𐀀\udbff\udfff"}`, Activity{Text: "é€😀߿ࠀ\ud7ff\ud7ff�𐀀\U0010ffff"}},
		{"zero numbers are present", `{"geo":{"lat":0,"lon":-0,"asn":0}}`, Activity{Geo: Geo{Lat: Some(0), Lon: Some(0), ASN: Some(0)}}},
		{"numbers", `{"metrics":{"a":1e3,"b":-0.5,"c":12345678901234567890,"d":1E-2,"e":0.1,"f":9007199254740993,"g":123456789.123456789}}`, Activity{Metrics: []Metric{{"a", 1000}, {"b", -0.5}, {"c", 12345678901234567890}, {"d", 0.01}, {"e", 0.1}, {"f", 9007199254740993}, {"g", 123456789.123456789}}}},
		{"names are sorted", `{"profile":{"b":"2","a":"1","c":""},"metrics":{"z":1,"y":2}}`, Activity{Profile: []Field{{"a", "1"}, {"b", "2"}, {"c", ""}}, Metrics: []Metric{{"y", 2}, {"z", 1}}}},
		{"time with offset", `{"time":"2024-03-01T01:15:00+01:45"}`, Activity{Time: at(0)}},
		{"time west of UTC", `{"time":"2024-02-29T15:30:00-08:00"}`, Activity{Time: at(0)}},
		{"time with nanoseconds", `{"time":"2024-02-29T23:30:00.000000001Z"}`, Activity{Time: at(1)}},
		{"time with tenths", `{"time":"2024-02-29T23:30:00.5Z"}`, Activity{Time: at(500_000_000)}},
		{"network from account", `{"account":"okta/a/b"}`, Activity{Network: "okta", Account: "okta/a/b"}},
		{"network and account agree", `{"network":"x","account":"x/acme"}`, Activity{Network: "x", Account: "x/acme"}},
		{"network alone", `{"network":"x"}`, Activity{Network: "x"}},
		{"unknown names are read over", `{"new":{"a":[1,"\ud800",true,false,null,{}]},"id":"1","country":"DE"}`, Activity{ID: "1"}},
		{"unknown kinds are read", `{"kind":"teleport"}`, Activity{Kind: "teleport"}},
		{"raw as it stands", `{"raw": {"a" : [ 1 ]} }`, Activity{Raw: []byte(`{"a" : [ 1 ]}`)}},
	}
	var d Decoder // one for all, so that what it learned is put to the test
	var got Activity
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time by what was learned
				if err := d.Activity([]byte(tt.in), &got); err != nil {
					t.Fatal(err)
				}
				same(t, tt.want, got)
			}
		})
	}
}

func TestEncodeMends(t *testing.T) {
	tests := []struct {
		name string
		in   Activity
		want string
	}{
		{"nothing", Activity{}, `{}`},
		{"network contradicts account", Activity{Network: "okta", Account: "x/acme"}, `{"network":"x","account":"x/acme"}`},
		{"invalid UTF-8", Activity{ID: "a\xffb\xf0\x9f"}, `{"id":"a\ufffdb\ufffd\ufffd"}`},
		{"not a number", Activity{Geo: Geo{Lat: Some(math.NaN())}, Metrics: []Metric{{"a", math.Inf(1)}}}, `{}`},
		{"names out of order, given twice, invalid", Activity{Profile: []Field{{"b", "1"}, {"a", "2"}, {"b", "3"}, {"\xff", "4"}, {"\xfe", "5"}}}, `{"profile":{"a":"2","b":"1","�":"4"}}`},
		{"metrics out of order", Activity{Metrics: []Metric{{"b", 1}, {"a", 1e21}}}, `{"metrics":{"a":1e+21,"b":1}}`},
		{"year beyond RFC 3339", Activity{Time: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, `{}`},
		{"time in another zone", Activity{Time: time.Date(2026, 3, 1, 1, 0, 0, 0, time.FixedZone("", 3600))}, `{"time":"2026-03-01T00:00:00Z"}`},
		{"raw over several lines", Activity{Raw: []byte("{\n  \"a\": \"\\n\"\r\n}")}, `{"raw":{  "a": "\n"}}`},
		{"raw is no object", Activity{Raw: []byte("not\njson")}, `{"raw":{"unparsed":"not\njson"}}`},
		{"raw is cut off", Activity{Raw: []byte(`{"a":`)}, `{"raw":{"unparsed":"{\"a\":"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			want := strings.ReplaceAll(tt.want, `\ufffd`, "\uFFFD")
			if got := string(AppendActivity(nil, &tt.in)); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
	if got, want := string(AppendBatch(nil, &Batch{Cursor: []byte("{oops")})), `{"v":1,"cursor":"{oops","activities":[]}`; got != want {
		t.Errorf("batch with broken cursor: got %s, want %s", got, want)
	}
}

// TestEncodeAlwaysDecodes throws everything at the encoder that the types
// allow.
func TestEncodeAlwaysDecodes(t *testing.T) {
	for seed := range uint64(2000) {
		a := anything(seed)
		checkRoundTrip(t, &a)
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// checkRoundTrip checks that what is encoded decodes, and encodes the same.
func checkRoundTrip(t *testing.T, a *Activity) {
	t.Helper()
	first := AppendActivity(nil, a)
	d := Decoder{Strict: true}
	var back Activity
	if err := d.Activity(first, &back); err != nil {
		t.Fatalf("%s: %v", first, err)
	}
	if second := AppendActivity(nil, &back); !bytes.Equal(first, second) {
		t.Fatalf("encoded, decoded, encoded:\n%s\n%s", first, second)
	}
	if !json.Valid(first) || bytes.ContainsAny(first, "\r\n") {
		t.Fatalf("not one line of JSON: %q", first)
	}
}

// anything is an activity of texts, numbers and times that are often bad.
func anything(seed uint64) Activity {
	r := rand.New(rand.NewPCG(seed, 1))
	text := func() string {
		parts := []string{"", "a", "abcdefgh", "\x00\x1f", "\"\\/", "\xff", "\xed\xa0\x80", "ä€🚀", "\u2028\n\r\t", "\x7f", "0123456789abcdef"}
		s := ""
		for range r.IntN(4) {
			s += parts[r.IntN(len(parts))]
		}
		return s
	}
	num := func() float64 {
		nums := []float64{0, -1, 52.52, 1e300, 5e-324, math.NaN(), math.Inf(-1), 1 << 53, 0.1, -1e15, r.Float64()}
		return nums[r.IntN(len(nums))]
	}
	opt := func() Opt { return Opt{num(), r.IntN(2) == 0} }
	at := func() time.Time {
		times := []time.Time{{}, time.Unix(0, 1), time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.FixedZone("", -3600)), time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Unix(r.Int64N(4e9), r.Int64N(1e9))}
		return times[r.IntN(len(times))]
	}
	a := Activity{Kind: Kind(text()), Time: at(), Seen: at()}
	network := "n" + text()
	for _, s := range a.strings() {
		*s = text()
	}
	a.Account = network + "/" + text()
	a.Geo.Lat, a.Geo.Lon, a.Geo.ASN, a.Poll.ClockSkew = opt(), opt(), opt(), opt()
	for _, l := range []*[]string{&a.Links, &a.LinkDomains, &a.Mentions, &a.Hashtags, &a.Changed, &a.Approval.Links, &a.Approval.Media, &a.Approval.Approvers} {
		for range r.IntN(3) {
			*l = append(*l, text())
		}
	}
	for range r.IntN(4) {
		a.Profile = append(a.Profile, Field{text(), text()})
		a.Old = append(a.Old, Field{text(), text()})
		a.Metrics = append(a.Metrics, Metric{text(), num()})
		a.Media = append(a.Media, Media{text(), text(), text()})
	}
	a.Approval.From, a.Approval.Until, a.Approval.MaxUses = at(), at(), r.IntN(1<<31)
	a.Poll.From, a.Poll.Until, a.Poll.LastOK = at(), at(), at()
	raws := []string{"", "{}", "{\n\"a\":\r\n[1,\"\\ud800\"]}", "null", "{", text(), `{"a":"` + text() + `"}`}
	a.Raw = []byte(raws[r.IntN(len(raws))])
	return a
}

func TestMarshalJSON(t *testing.T) {
	type envelope struct{ Activity Activity }
	a := full()
	data, err := json.Marshal(envelope{a})
	if err != nil {
		t.Fatal(err)
	}
	var got envelope
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	clear(data) // what was unmarshalled must not alias the input
	same(t, a, got.Activity)
}

func TestDecoderDoesNotAllocate(t *testing.T) {
	a, b := usual(), full()
	small, large := AppendActivity(nil, &a), AppendActivity(nil, &b)
	batch := AppendBatch(nil, &Batch{
		Cursor: []byte(`{"a":1}`), Recent: []uint64{1, 2, 3}, Activities: []Activity{a, b, a, {}, b},
	})
	shuffled := shuffle(large, rand.New(rand.NewPCG(1, 1)))
	var d Decoder
	var into Activity
	var page Batch
	for name, decode := range map[string]func() error{
		"usual":    func() error { return d.Activity(small, &into) },
		"full":     func() error { return d.Activity(large, &into) },
		"shuffled": func() error { return d.Activity(shuffled, &into) },
		"batch":    func() error { return d.Batch(batch, &page) },
	} {
		allocs := testing.AllocsPerRun(100, func() {
			if err := decode(); err != nil {
				t.Fatal(err)
			}
		})
		if allocs != 0 {
			t.Errorf("%s: %v allocations, want 0", name, allocs)
		}
	}
	buf := large
	if n := testing.AllocsPerRun(100, func() { buf = AppendActivity(buf[:0], &b) }); n != 0 {
		t.Errorf("encode: %v allocations, want 0", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = a.Validate() }); n != 0 {
		t.Errorf("validate: %v allocations, want 0", n)
	}
}

// TestDecoderReuse decodes the full activity, then an empty one into the same
// memory: nothing of the first may be left.
func TestDecoderReuse(t *testing.T) {
	a := full()
	in := AppendBatch(nil, &Batch{Backfill: true, Cursor: []byte("1"), Recent: []uint64{7}, Activities: []Activity{a, a}})
	var d Decoder
	var b Batch
	if err := d.Batch(in, &b); err != nil {
		t.Fatal(err)
	}
	if err := d.Batch([]byte(`{"activities":[{},{}],"v":1}`), &b); err != nil {
		t.Fatal(err)
	}
	same(t, Batch{Activities: []Activity{{}, {}}}, b)
	if err := d.Batch([]byte(`{"v":1,"recent":"AQAAAAAAAAA=","activities":[{"id":"1"},{"id":2}]}`), &b); err == nil {
		t.Fatal("an id that is a number was accepted")
	}
	same(t, Batch{}, b)
}

func TestCloneSharesNothing(t *testing.T) {
	a := full()
	in := AppendActivity(nil, &a)
	var d Decoder
	var decoded Activity
	if err := d.Activity(in, &decoded); err != nil {
		t.Fatal(err)
	}
	kept := decoded.Clone()
	clear(in)
	clear(d.arena[:cap(d.arena)])
	if decoded.ID == a.ID || decoded.Text == a.Text {
		t.Fatal("the decoded activity does not alias its input, so this test shows nothing")
	}
	for _, s := range [][]string{decoded.Links, decoded.LinkDomains, decoded.Mentions, decoded.Hashtags, decoded.Changed, decoded.Approval.Links, decoded.Approval.Media, decoded.Approval.Approvers} {
		clear(s)
	}
	clear(decoded.Profile)
	clear(decoded.Old)
	clear(decoded.Metrics)
	clear(decoded.Media)
	same(t, a, kept)
}

func TestCloneOfEmptyKeepsNoSlice(t *testing.T) {
	a := Activity{Links: make([]string, 0, 8), Media: make([]Media, 0, 8), Raw: make([]byte, 0, 8)}
	if c := a.Clone(); c.Links != nil || c.Media != nil || c.Raw != nil {
		t.Errorf("clone keeps empty slices: %v %v %v", c.Links, c.Media, c.Raw)
	}
}

// TestEveryPrefixFails decodes input that is cut off at each byte.
func TestEveryPrefixFails(t *testing.T) {
	a := full()
	data := AppendActivity(nil, &a)
	var d Decoder
	var into Activity
	if err := d.Activity(data, &into); err != nil { // to learn
		t.Fatal(err)
	}
	for n := range data {
		if err := d.Activity(bytes.Clone(data[:n]), &into); err == nil {
			t.Fatalf("the first %d bytes were accepted", n)
		}
	}
}

// TestKey pins values that are stored in journals. They can be
// checked against any 64-bit FNV-1a: of kind, a zero byte and id.
func TestKey(t *testing.T) {
	tests := []struct {
		kind Kind
		id   string
		want uint64
	}{
		{KindPost, "1", 0xff8df9d7b6c7787c},
		{KindPost, "", 0xcaf64935761f0fa5},
		{KindRepost, "1", 0x631b3fc70c862d},
	}
	for _, tt := range tests {
		a := Activity{Kind: tt.kind, ID: tt.id}
		if got := a.Key(); got != tt.want {
			t.Errorf("key of %s %q is %#x, want %#x", tt.kind, tt.id, got, tt.want)
		}
	}
}

func TestUnmarshalJSONRefuses(t *testing.T) {
	a := Activity{ID: "before"}
	err := json.Unmarshal([]byte(`{"id":"after","kind":1}`), &a)
	var syntax *SyntaxError
	if !errors.As(err, &syntax) || syntax.Field != "kind" {
		t.Errorf("got %v, want a *SyntaxError about kind", err)
	}
	same(t, Activity{ID: "before"}, a)
}
