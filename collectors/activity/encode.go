package activity

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Version is the version of the wire form, the "v" of every batch.
const Version = 1

// AppendActivity appends a as one JSON object without line breaks, personal
// members last, absent fields omitted. What it writes can always be
// decoded again, so that one bad event never spoils its page: invalid UTF-8
// becomes U+FFFD, numbers that are not finite and times outside the years
// 1 to 9999 are omitted, a Network that contradicts Account gives way to it,
// and a Raw that is not a JSON object is written as
// {"unparsed":"<its text>"}.
func AppendActivity(dst []byte, a *Activity) []byte {
	dst = append(dst, '{')
	dst = appendText(dst, `"id":`, a.ID)
	network, _, ok := strings.Cut(a.Account, "/")
	if !ok {
		network = a.Network
	}
	dst = appendText(dst, `"network":`, network)
	dst = appendText(dst, `"account":`, a.Account)
	dst = appendText(dst, `"kind":`, string(a.Kind))
	dst = appendTime(dst, `"time":`, a.Time)
	dst = appendTime(dst, `"seen":`, a.Seen)
	dst = appendText(dst, `"app":`, a.App)
	dst = appendText(dst, `"device":`, a.Device)
	dst = appendText(dst, `"text":`, a.Text)
	dst = appendText(dst, `"lang":`, a.Lang)
	dst = appendList(dst, `"links":`, a.Links)
	dst = appendList(dst, `"link_domains":`, a.LinkDomains)
	dst = appendList(dst, `"mentions":`, a.Mentions)
	dst = appendList(dst, `"hashtags":`, a.Hashtags)
	dst = appendMedia(dst, a.Media)
	dst = appendText(dst, `"reply_to":`, a.ReplyTo)
	dst = appendText(dst, `"object":`, a.Object)
	dst = appendFields(dst, `"profile":`, a.Profile)
	dst = appendList(dst, `"changed":`, a.Changed)
	dst = appendFields(dst, `"old":`, a.Old)
	dst = appendMetrics(dst, a.Metrics)
	dst = appendApproval(dst, &a.Approval)
	dst = appendOutcome(dst, &a.Outcome)
	dst = appendPoll(dst, &a.Poll)
	dst = appendVerdict(dst, &a.Verdict)
	dst = appendText(dst, `"drill":`, a.Drill)
	return closeObject(appendPersonal(dst, a))
}

// appendPersonal appends what tells who acted, and from where: one range of
// bytes, see the package comment.
func appendPersonal(dst []byte, a *Activity) []byte {
	dst = appendText(dst, `"actor":`, a.Actor)
	dst = appendText(dst, `"ip":`, a.IP)
	dst = appendText(dst, `"user_agent":`, a.UserAgent)
	dst = appendGeo(dst, &a.Geo)
	if len(a.Raw) > 0 {
		dst = appendRaw(append(dst, `"raw":`...), a.Raw)
		dst = append(dst, ',')
	}
	return dst
}

// AppendBatch appends b as one JSON object without line breaks. A Cursor that
// is not JSON is written as a JSON string, so that the page stays readable.
func AppendBatch(dst []byte, b *Batch) []byte {
	dst = append(dst, `{"v":1,`...)
	if b.Backfill {
		dst = append(dst, `"backfill":true,`...)
	}
	if len(b.Cursor) > 0 {
		dst = appendCursor(append(dst, `"cursor":`...), b.Cursor)
		dst = append(dst, ',')
	}
	if len(b.Recent) > 0 {
		dst = append(dst, `"recent":"`...)
		dst = append(appendKeys(dst, b.Recent), `",`...)
	}
	dst = append(dst, `"activities":[`...)
	for i := range b.Activities {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendActivity(dst, &b.Activities[i])
	}
	return append(dst, ']', '}')
}

// MarshalJSON returns the interchange form. It takes a value, not a pointer,
// so that encoding/json finds it wherever an Activity stands.
func (a Activity) MarshalJSON() ([]byte, error) { return AppendActivity(nil, &a), nil }

// closeObject ends an object whose members were each written with a comma
// after them.
func closeObject(dst []byte) []byte {
	if dst[len(dst)-1] == ',' {
		dst[len(dst)-1] = '}'
		return dst
	}
	return append(dst, '}')
}

// closePart ends the object that was opened at mark and whose members start
// at body, or takes it back if it has none.
func closePart(dst []byte, mark, body int) []byte {
	if len(dst) == body {
		return dst[:mark]
	}
	dst[len(dst)-1] = '}'
	return append(dst, ',')
}

func appendText(dst []byte, key, s string) []byte {
	if s == "" {
		return dst
	}
	return append(appendString(append(dst, key...), s), ',')
}

func appendList(dst []byte, key string, list []string) []byte {
	if len(list) == 0 {
		return dst
	}
	dst = append(append(dst, key...), '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']', ',')
}

func appendTime(dst []byte, key string, t time.Time) []byte {
	if t.IsZero() {
		return dst
	}
	t = t.UTC()
	if y := t.Year(); y < 1 || y > 9999 {
		return dst
	}
	dst = append(append(dst, key...), '"')
	dst = t.AppendFormat(dst, time.RFC3339Nano)
	return append(dst, '"', ',')
}

func appendOpt(dst []byte, key string, n Opt) []byte {
	if !n.OK {
		return dst
	}
	return appendNumber(dst, key, n.V)
}

func appendNumber(dst []byte, key string, v float64) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return dst
	}
	return append(appendFloat(append(dst, key...), v), ',')
}

func appendFloat(dst []byte, v float64) []byte {
	if v == math.Trunc(v) && math.Abs(v) < 1e15 {
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

func appendGeo(dst []byte, g *Geo) []byte {
	mark := len(dst)
	dst = append(dst, `"geo":{`...)
	body := len(dst)
	dst = appendText(dst, `"country":`, g.Country)
	dst = appendText(dst, `"region":`, g.Region)
	dst = appendText(dst, `"city":`, g.City)
	dst = appendOpt(dst, `"lat":`, g.Lat)
	dst = appendOpt(dst, `"lon":`, g.Lon)
	dst = appendOpt(dst, `"asn":`, g.ASN)
	dst = appendText(dst, `"as_org":`, g.ASOrg)
	dst = appendText(dst, `"proxy":`, g.Proxy)
	dst = appendOpt(dst, `"radius":`, g.Radius)
	return closePart(dst, mark, body)
}

func appendMedia(dst []byte, media []Media) []byte {
	if len(media) == 0 {
		return dst
	}
	dst = append(dst, `"media":[`...)
	for i := range media {
		if i > 0 {
			dst = append(dst, ',')
		}
		m := &media[i]
		dst = append(dst, '{')
		dst = appendText(dst, `"hash":`, m.Hash)
		dst = appendText(dst, `"type":`, m.Type)
		dst = appendText(dst, `"url":`, m.URL)
		dst = closeObject(dst)
	}
	return append(dst, ']', ',')
}

func appendFields(dst []byte, key string, fields []Field) []byte {
	if len(fields) == 0 {
		return dst
	}
	if !orderly(fields, fieldName) {
		fields = order(fields, fieldName, func(f Field, name string) Field { return Field{name, f.Value} })
	}
	dst = append(append(dst, key...), '{')
	for i := range fields {
		dst = append(appendString(dst, fields[i].Name), ':')
		dst = append(appendString(dst, fields[i].Value), ',')
	}
	return append(closeObject(dst), ',')
}

func appendMetrics(dst []byte, metrics []Metric) []byte {
	if len(metrics) == 0 {
		return dst
	}
	if !orderly(metrics, metricName) {
		metrics = order(metrics, metricName, func(m Metric, name string) Metric { return Metric{name, m.Value} })
	}
	mark := len(dst)
	dst = append(dst, `"metrics":{`...)
	body := len(dst)
	for i := range metrics {
		if v := metrics[i].Value; !math.IsNaN(v) && !math.IsInf(v, 0) {
			dst = append(appendString(dst, metrics[i].Name), ':')
			dst = append(appendFloat(dst, v), ',')
		}
	}
	return closePart(dst, mark, body)
}

func fieldName(f *Field) string   { return f.Name }
func metricName(m *Metric) string { return m.Name }

// orderly reports whether the names can be written as they are: valid UTF-8,
// rising, none twice.
func orderly[T any](list []T, name func(*T) string) bool {
	for i := range list {
		if !utf8.ValidString(name(&list[i])) || i > 0 && name(&list[i-1]) >= name(&list[i]) {
			return false
		}
	}
	return true
}

// order returns a copy of list that is orderly; of a name given twice the
// first value stays.
func order[T any](list []T, name func(*T) string, rename func(T, string) T) []T {
	list = slices.Clone(list)
	for i := range list {
		list[i] = rename(list[i], strings.ToValidUTF8(name(&list[i]), "\uFFFD"))
	}
	slices.SortStableFunc(list, func(a, b T) int { return strings.Compare(name(&a), name(&b)) })
	return slices.CompactFunc(list, func(a, b T) bool { return name(&a) == name(&b) })
}

func appendApproval(dst []byte, p *Approval) []byte {
	mark := len(dst)
	dst = append(dst, `"approval":{`...)
	body := len(dst)
	dst = appendText(dst, `"text":`, p.Text)
	dst = appendList(dst, `"links":`, p.Links)
	dst = appendList(dst, `"media":`, p.Media)
	dst = appendList(dst, `"approvers":`, p.Approvers)
	dst = appendTime(dst, `"from":`, p.From)
	dst = appendTime(dst, `"until":`, p.Until)
	if p.MaxUses != 0 {
		dst = appendNumber(dst, `"max_uses":`, float64(p.MaxUses))
	}
	dst = appendText(dst, `"tool":`, p.Tool)
	return closePart(dst, mark, body)
}

func appendOutcome(dst []byte, o *Outcome) []byte {
	mark := len(dst)
	dst = append(dst, `"outcome":{`...)
	body := len(dst)
	dst = appendText(dst, `"result":`, o.Result)
	dst = appendText(dst, `"reason":`, o.Reason)
	return closePart(dst, mark, body)
}

func appendPoll(dst []byte, p *Poll) []byte {
	mark := len(dst)
	dst = append(dst, `"poll":{`...)
	body := len(dst)
	dst = appendText(dst, `"state":`, p.State)
	dst = appendText(dst, `"reason":`, p.Reason)
	dst = appendTime(dst, `"from":`, p.From)
	dst = appendTime(dst, `"until":`, p.Until)
	dst = appendTime(dst, `"last_ok":`, p.LastOK)
	dst = appendOpt(dst, `"clock_skew":`, p.ClockSkew)
	return closePart(dst, mark, body)
}

func appendVerdict(dst []byte, v *Verdict) []byte {
	mark := len(dst)
	dst = append(dst, `"verdict":{`...)
	body := len(dst)
	dst = appendText(dst, `"alert":`, v.Alert)
	dst = appendText(dst, `"rule":`, v.Rule)
	dst = appendText(dst, `"says":`, v.Says)
	dst = appendList(dst, `"values":`, v.Values)
	dst = appendTime(dst, `"until":`, v.Until)
	dst = appendText(dst, `"by":`, v.By)
	dst = appendText(dst, `"reason":`, v.Reason)
	return closePart(dst, mark, body)
}

// appendRaw writes a source's event as it came, so that audit logs stay
// exact, except for line breaks, which JSON has between tokens only.
func appendRaw(dst, raw []byte) []byte {
	if !isObject(raw) {
		dst = appendString(append(dst, `{"unparsed":`...), string(raw))
		return append(dst, '}')
	}
	return appendUnbroken(dst, raw)
}

func appendCursor(dst, cursor []byte) []byte {
	if !isValue(cursor) {
		return appendString(dst, string(cursor))
	}
	return appendUnbroken(dst, cursor)
}

func appendUnbroken(dst, js []byte) []byte {
	if bytes.IndexByte(js, '\n') < 0 && bytes.IndexByte(js, '\r') < 0 {
		return append(dst, js...)
	}
	for _, c := range js {
		if c != '\n' && c != '\r' {
			dst = append(dst, c)
		}
	}
	return dst
}

// appendKeys writes base64 of little-endian 64-bit numbers, three at a time:
// 24 bytes are 32 characters without padding.
func appendKeys(dst []byte, keys []uint64) []byte {
	var buf [24]byte
	for chunk := range slices.Chunk(keys, 3) {
		for i, k := range chunk {
			binary.LittleEndian.PutUint64(buf[8*i:], k)
		}
		dst = base64.StdEncoding.AppendEncode(dst, buf[:8*len(chunk)])
	}
	return dst
}

// appendString writes s in double quotes. Only what JSON demands is escaped.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := 0; i < len(s); {
		i = plainEnd(s, i)
		if i == len(s) {
			break
		}
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[from:i]...), "\uFFFD"...)
				from = i + 1
			}
			i += n
			continue
		}
		dst = appendEscape(append(dst, s[from:i]...), c)
		i++
		from = i
	}
	return append(append(dst, s[from:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	const hex = "0123456789abcdef"
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}
