package activity

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// oracle decodes an activity slowly, on encoding/json alone. It accepts what
// Decoder accepts, and nothing else.
func oracle(data []byte) (a Activity, err error) {
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(refusal)
			if !ok {
				panic(r)
			}
			err = e
		}
	}()
	demand(utf8.Valid(data), "UTF-8")
	demand(json.Valid(data), "JSON")
	oracleActivity(&a, data)
	return a, nil
}

type refusal string

func (r refusal) Error() string { return string(r) }

func demand(ok bool, what string) {
	if !ok {
		panic(refusal(what))
	}
}

type pair struct {
	name string
	raw  []byte
}

// pairs returns an object's members in order.
func pairs(object []byte) []pair {
	dec := json.NewDecoder(bytes.NewReader(object))
	open, err := dec.Token()
	demand(err == nil && open == json.Delim('{'), "object")
	var list []pair
	for dec.More() {
		from := dec.InputOffset()
		tok, err := dec.Token()
		demand(err == nil, "name")
		key := bytes.TrimLeft(object[from:dec.InputOffset()], ", \t\r\n")
		demand(!halfPair(key), "whole surrogate pairs in name")
		var raw json.RawMessage
		demand(dec.Decode(&raw) == nil, "value")
		name, ok := tok.(string)
		demand(ok, "name")
		list = append(list, pair{name, raw})
	}
	return list
}

// eachMember calls set for each member that is not null, and refuses names of the
// format that come twice.
func eachMember(raw []byte, known func(string, []byte) bool) {
	var seen []string
	for _, p := range pairs(raw) {
		if nameOf(p.name) != nUnknown {
			demand(!slices.Contains(seen, p.name), "once")
			seen = append(seen, p.name)
		}
		value := p.raw
		if string(value) == "null" {
			continue
		}
		if !known(p.name, value) {
			demand(depth(value) <= maxDepth, "depth")
		}
	}
}

// halfPair reports half a surrogate pair among a JSON string's escapes.
func halfPair(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if i++; raw[i] != 'u' {
			continue
		}
		hi := hexadecimal(raw[i+1 : i+5])
		i += 4
		if hi < 0xd800 || hi > 0xdfff {
			continue
		}
		if hi > 0xdbff || len(raw)-i < 7 || raw[i+1] != '\\' || raw[i+2] != 'u' {
			return true
		}
		if lo := hexadecimal(raw[i+3 : i+7]); lo < 0xdc00 || lo > 0xdfff {
			return true
		}
		i += 6
	}
	return false
}

func hexadecimal(digits []byte) uint64 {
	v, err := strconv.ParseUint(string(digits), 16, 32)
	demand(err == nil, "hexadecimal")
	return v
}

func depth(raw []byte) int {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber() // in what is read over, any size of number will do
	deepest, now := 0, 0
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return deepest
		}
		demand(err == nil, "tokens")
		switch tok {
		case json.Delim('{'), json.Delim('['):
			now++
			deepest = max(deepest, now)
		case json.Delim('}'), json.Delim(']'):
			now--
		}
	}
}

func oText(raw []byte) (s string) {
	demand(raw[0] == '"' && !halfPair(raw), "text")
	demand(json.Unmarshal(raw, &s) == nil, "text")
	return s
}

func oTexts(raw []byte) (list []string) {
	var elements []json.RawMessage
	demand(json.Unmarshal(raw, &elements) == nil, "list")
	for _, e := range elements {
		list = append(list, oText(e))
	}
	return list
}

func oNumber(raw []byte) (v float64) {
	demand(json.Unmarshal(raw, &v) == nil, "number")
	return v
}

func oTime(raw []byte) time.Time {
	s := oText(raw)
	demand(regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`).MatchString(s), "time")
	t, err := time.Parse(time.RFC3339Nano, s)
	demand(err == nil && !strings.HasPrefix(s, "0000"), "time")
	t = t.UTC()
	demand(t.Year() >= 1 && t.Year() <= 9999, "year")
	return t
}

func oFields(raw []byte) (list []Field) {
	for _, p := range pairs(raw) {
		if string(p.raw) != "null" {
			list = append(list, Field{p.name, oText(p.raw)})
		}
	}
	slices.SortFunc(list, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(list); i++ {
		demand(list[i].Name != list[i-1].Name, "once")
	}
	return list
}

func oMetrics(raw []byte) (list []Metric) {
	for _, p := range pairs(raw) {
		if string(p.raw) != "null" {
			list = append(list, Metric{p.name, oNumber(p.raw)})
		}
	}
	slices.SortFunc(list, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	for i := 1; i < len(list); i++ {
		demand(list[i].Name != list[i-1].Name, "once")
	}
	return list
}

// set puts raw where a table of pointers says, by the pointer's type.
func set(table map[string]any) func(string, []byte) bool {
	return func(name string, raw []byte) bool {
		switch p := table[name].(type) {
		case nil:
			return false
		case *string:
			*p = oText(raw)
		case *Kind:
			*p = Kind(oText(raw))
		case *[]string:
			*p = oTexts(raw)
		case *time.Time:
			*p = oTime(raw)
		case *Opt:
			*p = Some(oNumber(raw))
		case *int:
			v := oNumber(raw)
			demand(v == math.Trunc(v) && v >= 0 && v <= math.MaxInt32, "count")
			*p = int(v)
		case *[]Field:
			*p = oFields(raw)
		case *[]Metric:
			*p = oMetrics(raw)
		case *[]byte:
			demand(raw[0] == '{' && depth(raw) <= maxDepth, "raw")
			*p = raw
		case *[]Media:
			var elements []json.RawMessage
			demand(json.Unmarshal(raw, &elements) == nil, "list")
			for _, e := range elements {
				var m Media
				eachMember(e, set(map[string]any{"hash": &m.Hash, "type": &m.Type, "url": &m.URL}))
				*p = append(*p, m)
			}
		case map[string]any:
			eachMember(raw, set(p))
		default:
			panic(fmt.Sprintf("no setter for %T", p))
		}
		return true
	}
}

func oracleActivity(a *Activity, data []byte) {
	g, p, l, v := &a.Geo, &a.Approval, &a.Poll, &a.Verdict
	eachMember(data, set(map[string]any{
		"id": &a.ID, "network": &a.Network, "account": &a.Account, "kind": &a.Kind, "time": &a.Time, "seen": &a.Seen,
		"actor": &a.Actor, "app": &a.App, "ip": &a.IP,
		"geo": map[string]any{
			"country": &g.Country, "region": &g.Region, "city": &g.City, "lat": &g.Lat, "lon": &g.Lon,
			"asn": &g.ASN, "as_org": &g.ASOrg, "proxy": &g.Proxy, "radius": &g.Radius,
		},
		"device": &a.Device, "user_agent": &a.UserAgent, "text": &a.Text, "lang": &a.Lang, "links": &a.Links,
		"link_domains": &a.LinkDomains, "mentions": &a.Mentions, "hashtags": &a.Hashtags, "media": &a.Media,
		"reply_to": &a.ReplyTo, "object": &a.Object, "profile": &a.Profile, "changed": &a.Changed, "old": &a.Old,
		"metrics": &a.Metrics,
		"approval": map[string]any{
			"text": &p.Text, "links": &p.Links, "media": &p.Media, "approvers": &p.Approvers,
			"from": &p.From, "until": &p.Until, "max_uses": &p.MaxUses, "tool": &p.Tool,
		},
		"outcome": map[string]any{"result": &a.Outcome.Result, "reason": &a.Outcome.Reason},
		"poll": map[string]any{
			"state": &l.State, "reason": &l.Reason, "from": &l.From, "until": &l.Until,
			"last_ok": &l.LastOK, "clock_skew": &l.ClockSkew,
		},
		"verdict": map[string]any{
			"alert": &v.Alert, "rule": &v.Rule, "says": &v.Says, "values": &v.Values,
			"until": &v.Until, "by": &v.By, "reason": &v.Reason,
		},
		"drill": &a.Drill, "raw": &a.Raw,
	}))
	if network, _, ok := strings.Cut(a.Account, "/"); ok {
		demand(a.Network == "" || a.Network == network, "agreement")
		a.Network = network
	}
}

// shuffle puts the members of all objects but raw in another order, with
// white space between.
func shuffle(data []byte, r *rand.Rand) []byte {
	space := func() string { return []string{"", "", " ", "\n\t", "  "}[r.IntN(5)] }
	trimmed := bytes.TrimLeft(data, " \t\r\n")
	switch trimmed[0] {
	case '{':
		list := pairs(data)
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		out := "{" + space()
		for i, p := range list {
			if i > 0 {
				out += "," + space()
			}
			value := p.raw
			if p.name != "raw" {
				value = shuffle(p.raw, r)
			}
			name, _ := json.Marshal(p.name)
			out += string(name) + space() + ":" + space() + string(value) + space()
		}
		return []byte(out + "}")
	case '[':
		var list []json.RawMessage
		demand(json.Unmarshal(data, &list) == nil, "list")
		out := "[" + space()
		for i, e := range list {
			if i > 0 {
				out += "," + space()
			}
			out += string(shuffle(e, r)) + space()
		}
		return []byte(out + "]")
	}
	return data
}

func TestAnyOrder(t *testing.T) {
	want := full()
	data := AppendActivity(nil, &want)
	var d Decoder
	var got Activity
	for seed := range uint64(500) {
		mixed := shuffle(data, rand.New(rand.NewPCG(seed, 0)))
		for range 2 {
			if err := d.Activity(mixed, &got); err != nil {
				t.Fatalf("%v\n%s", err, mixed)
			}
			same(t, want, got)
		}
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, mixed)
		}
	}
}

// FuzzActivity holds the decoder to the oracle: the same inputs accepted, the
// same result, and a round trip from there.
func FuzzActivity(f *testing.F) {
	a, b := full(), usual()
	f.Add(AppendActivity(nil, &a), uint64(1))
	f.Add(AppendActivity(nil, &b), uint64(2))
	for _, tt := range badActivities() {
		f.Add([]byte(tt.in), uint64(3))
	}
	for _, s := range []string{
		`{}`, ` {"id" : "1"} `, `{"raw":{"a":[[[]]]}}`, `{"x":[1.5e+3,-0,true,null]}`, `{"id":null}`,
		`{"media":[{"hash":"a"},{}],"metrics":{"b":1,"a":2}}`, `{"text":"\ud83d\ude80\u00e4"}`, `{"country":"DE","country":1}`,
		`{"time":"2024-02-29T23:59:59.123456789+14:00"}`, `{"geo":{"lat":1e400}}`, `{"geo":{"rat":1e999}}`, `{"metrics":{"a":0.1e-7}}`,
	} {
		f.Add([]byte(s), uint64(4))
	}
	var d Decoder // one for all inputs, with all that it learned
	var got Activity
	f.Fuzz(func(t *testing.T, data []byte, seed uint64) {
		want, refused := oracle(data)
		err := d.Activity(data, &got)
		if (err == nil) != (refused == nil) {
			t.Fatalf("%q: decoder says %v, oracle says %v", data, err, refused)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q (-oracle +decoder):\n%s", data, diff)
		}
		checkRoundTrip(t, &got)
		var again Activity
		mixed := shuffle(data, rand.New(rand.NewPCG(seed, 0)))
		if err := new(Decoder).Activity(mixed, &again); err != nil {
			t.Fatalf("%q: %v", mixed, err)
		}
		if diff := cmp.Diff(want, again, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("%q (-oracle +shuffled):\n%s", mixed, diff)
		}
	})
}

// FuzzBatch checks that what is accepted is JSON and survives a round trip.
func FuzzBatch(f *testing.F) {
	b := Batch{Backfill: true, Cursor: []byte(`{"a":[1,2]}`), Recent: []uint64{1, 2, 3, 4}, Activities: []Activity{full(), usual()}}
	f.Add(AppendBatch(nil, &b))
	f.Add([]byte(`{"activities":[{"id":"1"},{"kind":"post","id":"2"}],"recent":"","cursor":"x","v":1}`))
	for _, tt := range badBatches() {
		f.Add([]byte(tt.in))
	}
	var d, e Decoder
	var got, again Batch
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := d.Batch(data, &got); err != nil {
			return
		}
		if !json.Valid(data) {
			t.Fatalf("%q is not JSON", data)
		}
		first := AppendBatch(nil, &got)
		if err := e.Batch(first, &again); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second := AppendBatch(nil, &again); !bytes.Equal(first, second) {
			t.Fatalf("encoded, decoded, encoded:\n%s\n%s", first, second)
		}
	})
}
