package activity

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bytedance/sonic"
)

// The yardstick decodes into types that suit it and calls no custom method,
// but for T, the type of times: time.Time for the same result as ours, string
// to leave them unread.
type yardActivity[T any] struct {
	ID          string             `json:"id"`
	Network     string             `json:"network"`
	Account     string             `json:"account"`
	Kind        string             `json:"kind"`
	Time        T                  `json:"time"`
	Seen        T                  `json:"seen"`
	Actor       string             `json:"actor"`
	App         string             `json:"app"`
	IP          string             `json:"ip"`
	Geo         yardGeo            `json:"geo"`
	Device      string             `json:"device"`
	UserAgent   string             `json:"user_agent"`
	Text        string             `json:"text"`
	Lang        string             `json:"lang"`
	Links       []string           `json:"links"`
	LinkDomains []string           `json:"link_domains"`
	Mentions    []string           `json:"mentions"`
	Hashtags    []string           `json:"hashtags"`
	Media       []yardMedia        `json:"media"`
	ReplyTo     string             `json:"reply_to"`
	Object      string             `json:"object"`
	Profile     map[string]string  `json:"profile"`
	Changed     []string           `json:"changed"`
	Old         map[string]string  `json:"old"`
	Metrics     map[string]float64 `json:"metrics"`
	Drill       string             `json:"drill"`
	Raw         json.RawMessage    `json:"raw"`
}

type yardGeo struct {
	Country string  `json:"country"`
	Region  string  `json:"region"`
	City    string  `json:"city"`
	Lat     float64 `json:"lat"`
	Lon     float64 `json:"lon"`
	ASN     float64 `json:"asn"`
	ASOrg   string  `json:"as_org"`
	Proxy   string  `json:"proxy"`
}

type yardMedia struct {
	Hash string `json:"hash"`
	Type string `json:"type"`
	URL  string `json:"url"`
}

// varied returns encoded activities of about 900 bytes that differ in length
// and presence of nearly everything, so that no branch predictor learns them.
func varied() [][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	words := strings.Fields("we are opening the new office in Berlin’s centre next week 🎉 come and see what größte teams build \n")
	text := func(n int) string {
		var sb strings.Builder
		for range 1 + rng.IntN(n) {
			sb.WriteString(words[rng.IntN(len(words))])
			sb.WriteByte(' ')
		}
		return sb.String()
	}
	docs := make([][]byte, 256)
	for i := range docs {
		a := usual()
		a.ID = strconv.Itoa(rng.IntN(1 << 62))
		a.Account = "x/" + words[rng.IntN(len(words)-1)]
		a.Kind = Kinds()[rng.IntN(3)]
		a.Time = a.Time.Add(time.Duration(rng.IntN(1e9)) * time.Second)
		a.Seen = a.Time.Add(time.Duration(rng.IntN(1e9)))
		a.Text = text(60)
		a.App = text(4)
		a.Geo.City = text(2)
		a.IP = netip.AddrFrom4([4]byte{203, byte(rng.IntN(256)), byte(rng.IntN(256)), byte(rng.IntN(256))}).String()
		a.UserAgent = a.UserAgent[:50+rng.IntN(60)]
		for range rng.IntN(3) {
			a.Links = append(a.Links, "https://acme.example/"+strconv.Itoa(rng.IntN(1<<40)))
			a.Hashtags = append(a.Hashtags, words[rng.IntN(len(words)-1)])
		}
		if rng.IntN(4) == 0 {
			a.Media, a.ReplyTo = nil, ""
		}
		if rng.IntN(4) == 0 {
			a.Mentions, a.Geo.Region = nil, ""
		}
		for j := range a.Metrics {
			a.Metrics[j].Value = float64(rng.IntN(1 << (1 + rng.IntN(24))))
		}
		docs[i] = AppendActivity(nil, &a)
	}
	return docs
}

// BenchmarkDecode compares with sonic at its fastest (nothing copied, UTF-8
// unchecked, code generated before, always the same target) and with
// encoding/json, once on one activity again and again and once on varied ones.
func BenchmarkDecode(b *testing.B) {
	a := usual()
	for _, set := range []struct {
		name string
		docs [][]byte
	}{{"same", [][]byte{AppendActivity(nil, &a)}}, {"varied", varied()}} {
		var d Decoder
		var into Activity
		var timed yardActivity[time.Time]
		var plain yardActivity[string]
		b.Run(set.name+"/picket", func(b *testing.B) {
			each(b, set.docs, func(doc []byte) error { return d.Activity(doc, &into) })
		})
		b.Run(set.name+"/sonic", func(b *testing.B) {
			each(b, set.docs, func(doc []byte) error {
				return sonic.ConfigFastest.UnmarshalFromString(stringOf(doc), &timed)
			})
		})
		b.Run(set.name+"/sonic_times_unread", func(b *testing.B) {
			each(b, set.docs, func(doc []byte) error {
				return sonic.ConfigFastest.UnmarshalFromString(stringOf(doc), &plain)
			})
		})
		b.Run(set.name+"/encoding_json", func(b *testing.B) {
			each(b, set.docs, func(doc []byte) error { return json.Unmarshal(doc, &timed) })
		})
	}
}

func each(b *testing.B, docs [][]byte, decode func([]byte) error) {
	b.Helper()
	b.ReportAllocs()
	size := 0
	for _, doc := range docs {
		size += len(doc)
		if err := decode(doc); err != nil { // and so is warm
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(size / len(docs)))
	for i := 0; b.Loop(); i++ {
		if err := decode(docs[i%len(docs)]); err != nil {
			b.Fatal(err)
		}
	}
}

func report(b *testing.B, data []byte) {
	b.Helper()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
}

func BenchmarkDecodeBatch(b *testing.B) {
	batch := Batch{Activities: make([]Activity, 100)}
	for i := range batch.Activities {
		batch.Activities[i] = usual()
	}
	data := AppendBatch(nil, &batch)
	var d Decoder
	var into Batch
	report(b, data)
	for b.Loop() {
		if err := d.Batch(data, &into); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100, "ns/activity")
}

func BenchmarkEncode(b *testing.B) {
	a := usual()
	buf := AppendActivity(nil, &a)
	report(b, buf)
	for b.Loop() {
		buf = AppendActivity(buf[:0], &a)
	}
}

func BenchmarkValidate(b *testing.B) {
	a := usual()
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Validate(); err != nil {
			b.Fatal(err)
		}
	}
}
