package activity

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"slices"
	"strings"
)

// geo reads where an IP address is.
func (d *Decoder) geo(i int, g *Geo) int {
	var seen members
	n, i := d.openOrNull(i, startGeo, &seen, "an object")
	for n != nEnd {
		switch n {
		case nCountry:
			g.Country, i = d.text(i)
		case nRegion:
			g.Region, i = d.text(i)
		case nCity:
			g.City, i = d.text(i)
		case nLat:
			g.Lat, i = d.opt(i)
		case nLon:
			g.Lon, i = d.opt(i)
		case nASN:
			g.ASN, i = d.opt(i)
		case nAsOrg:
			g.ASOrg, i = d.text(i)
		case nProxy:
			g.Proxy, i = d.text(i)
		case nRadius:
			g.Radius, i = d.opt(i)
		default:
			i = d.unknown(i, n, geoNames())
		}
		n, i = d.next(i, n, &seen)
	}
	return i
}

// media appends the attachments at i to dst.
func (d *Decoder) media(i int, dst []Media) ([]Media, int) {
	i, more := d.openList(i, "a list of objects")
	for more {
		n := len(dst)
		dst = append(dst, Media{})
		i, more = d.after(d.element(n, d.attachment(i, &dst[n])), ']')
	}
	return dst, i
}

// attachment reads one element of media.
func (d *Decoder) attachment(i int, a *Media) int {
	var seen members
	n, i := d.open(i, startMedia, &seen, `an object with "hash", "type" or "url"`)
	for n != nEnd {
		switch n {
		case nHash:
			a.Hash, i = d.text(i)
		case nType:
			a.Type, i = d.text(i)
		case nURL:
			a.URL, i = d.text(i)
		default:
			i = d.unknown(i, n, mediaNames())
		}
		n, i = d.next(i, n, &seen)
	}
	return i
}

// approval reads what may be published.
func (d *Decoder) approval(i int, p *Approval) int {
	var seen members
	n, i := d.openOrNull(i, startApproval, &seen, "an object")
	for n != nEnd {
		switch n {
		case nText:
			p.Text, i = d.text(i)
		case nLinks:
			p.Links, i = d.list(i, p.Links)
		case nMedia:
			p.Media, i = d.list(i, p.Media)
		case nApprovers:
			p.Approvers, i = d.list(i, p.Approvers)
		case nFrom:
			p.From, i = d.time(i)
		case nUntil:
			p.Until, i = d.time(i)
		case nMaxUses:
			p.MaxUses, i = d.count(i)
		case nTool:
			p.Tool, i = d.text(i)
		default:
			i = d.unknown(i, n, approvalNames())
		}
		n, i = d.next(i, n, &seen)
	}
	return i
}

// outcome reads how an attempt ended.
func (d *Decoder) outcome(i int, o *Outcome) int {
	var seen members
	n, i := d.openOrNull(i, startOutcome, &seen, `an object such as {"result":"success"}`)
	for n != nEnd {
		switch n {
		case nResult:
			o.Result, i = d.text(i)
		case nReason:
			o.Reason, i = d.text(i)
		default:
			i = d.unknown(i, n, outcomeNames())
		}
		n, i = d.next(i, n, &seen)
	}
	return i
}

// poll reads a collector's report about itself.
func (d *Decoder) poll(i int, p *Poll) int {
	var seen members
	n, i := d.openOrNull(i, startPoll, &seen, "an object")
	for n != nEnd {
		switch n {
		case nState:
			p.State, i = d.text(i)
		case nReason:
			p.Reason, i = d.text(i)
		case nFrom:
			p.From, i = d.time(i)
		case nUntil:
			p.Until, i = d.time(i)
		case nLastOk:
			p.LastOK, i = d.time(i)
		case nClockSkew:
			p.ClockSkew, i = d.opt(i)
		default:
			i = d.unknown(i, n, pollNames())
		}
		n, i = d.next(i, n, &seen)
	}
	return i
}

// verdict reads what a person said.
func (d *Decoder) verdict(i int, v *Verdict) int {
	var seen members
	n, i := d.openOrNull(i, startVerdict, &seen, "an object")
	for n != nEnd {
		switch n {
		case nAlert:
			v.Alert, i = d.text(i)
		case nRule:
			v.Rule, i = d.text(i)
		case nSays:
			v.Says, i = d.text(i)
		case nValues:
			v.Values, i = d.list(i, v.Values)
		case nUntil:
			v.Until, i = d.time(i)
		case nBy:
			v.By, i = d.text(i)
		case nReason:
			v.Reason, i = d.text(i)
		default:
			i = d.unknown(i, n, verdictNames())
		}
		n, i = d.next(i, n, &seen)
	}
	return i
}

// list appends the texts of the list at i to dst.
func (d *Decoder) list(i int, dst []string) ([]string, int) {
	i, more := d.openList(i, "a list of texts")
	for more {
		if i >= len(d.data) || d.data[i] != '"' {
			return dst, d.element(len(dst), d.expected(i, "text in double quotes"))
		}
		var s string
		if s, i = d.text(i); i < 0 {
			return dst, d.element(len(dst), i)
		}
		dst = append(dst, s)
		if i < len(d.data) && d.data[i] == ']' {
			return dst, i + 1
		}
		i, more = d.after(i, ']')
	}
	return dst, i
}

// openList goes to the first element of a list; null is an empty one.
func (d *Decoder) openList(i int, want string) (int, bool) {
	if len(d.data)-i >= 2 && d.data[i] == '[' && d.data[i+1] == '"' {
		return i + 1, true
	}
	i = d.skip(i)
	if i, ok := d.null(i); ok {
		return i, false
	}
	return d.enter(i, '[', want)
}

// fields appends the named texts of the object at start to dst, which is empty,
// and sorts them.
func (d *Decoder) fields(start int, dst []Field) ([]Field, int) {
	start = d.skip(start)
	if i, ok := d.null(start); ok {
		return dst, i
	}
	i, more := d.enter(start, '{', "an object of texts")
	sorted := true
	for more {
		var f Field
		if f.Name, i = d.key(i); i < 0 {
			return dst, i
		}
		if end, ok := d.null(i); ok {
			i, more = d.after(end, '}')
			continue
		}
		if f.Value, i = d.text(i); i < 0 {
			return dst, d.inside(f.Name)
		}
		sorted = sorted && (len(dst) == 0 || dst[len(dst)-1].Name < f.Name)
		dst = append(dst, f)
		i, more = d.after(i, '}')
	}
	if i < 0 || sorted {
		return dst, i
	}
	slices.SortFunc(dst, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
	for j := 1; j < len(dst); j++ {
		if dst[j].Name == dst[j-1].Name {
			d.fail(start, "given twice; keep one of the two")
			return dst, d.inside(dst[j].Name)
		}
	}
	return dst, i
}

// metrics appends the named numbers of the object at start to dst, which is
// empty, and sorts them.
func (d *Decoder) metrics(start int, dst []Metric) ([]Metric, int) {
	start = d.skip(start)
	if i, ok := d.null(start); ok {
		return dst, i
	}
	i, more := d.enter(start, '{', "an object of numbers")
	sorted := true
	for more {
		var m Metric
		if m.Name, i = d.key(i); i < 0 {
			return dst, i
		}
		if end, ok := d.null(i); ok {
			i, more = d.after(end, '}')
			continue
		}
		if m.Value, i = d.number(i); i < 0 {
			return dst, d.inside(m.Name)
		}
		sorted = sorted && (len(dst) == 0 || dst[len(dst)-1].Name < m.Name)
		dst = append(dst, m)
		i, more = d.after(i, '}')
	}
	if i < 0 || sorted {
		return dst, i
	}
	slices.SortFunc(dst, func(a, b Metric) int { return strings.Compare(a.Name, b.Name) })
	for j := 1; j < len(dst); j++ {
		if dst[j].Name == dst[j-1].Name {
			d.fail(start, "given twice; keep one of the two")
			return dst, d.inside(dst[j].Name)
		}
	}
	return dst, i
}

// count reads a whole number from 0 to 2^31-1; null is 0.
func (d *Decoder) count(at int) (int, int) {
	at = d.skip(at)
	n, i := d.opt(at)
	if i >= 0 && (n.V != math.Trunc(n.V) || n.V < 0 || n.V > math.MaxInt32) {
		i = d.fail(at, "%v is not a whole number from 0 to %d", n.V, math.MaxInt32)
	}
	if i < 0 {
		return 0, i
	}
	return int(n.V), i
}

func (d *Decoder) batch(start int, b *Batch) int {
	*b = Batch{Recent: b.Recent[:0], Activities: b.Activities[:0]}
	var seen members
	n, i := d.open(start, startBatch, &seen, "a batch (an object)")
	for n != nEnd {
		switch n {
		case nV:
			i = d.version(i)
		case nBackfill:
			b.Backfill, i = d.flag(i)
		case nCursor:
			b.Cursor, i = d.cursor(i)
		case nRecent:
			b.Recent, i = d.keys(i, b.Recent)
		case nActivities:
			b.Activities, i = d.activities(i, b.Activities)
		default:
			i = d.unknown(i, n, batchNames())
		}
		n, i = d.next(i, n, &seen)
	}
	if i >= 0 && seen>>nV&1 == 0 {
		d.fail(start, "missing; expected the version of the format, %d", Version)
		return d.inside("v")
	}
	return i
}

func (d *Decoder) version(at int) int {
	at = d.skip(at)
	v, i := d.number(at)
	if i >= 0 && v != Version {
		return d.fail(at, "%v is not a version that this reader knows; expected %d", v, Version)
	}
	return i
}

func (d *Decoder) flag(i int) (bool, int) {
	i = d.skip(i)
	if i, ok := d.null(i); ok {
		return false, i
	}
	return d.boolean(i)
}

func (d *Decoder) cursor(start int) ([]byte, int) {
	start = d.skip(start)
	if i, ok := d.null(start); ok {
		return nil, i
	}
	i := d.value(start, 0)
	if i < 0 {
		return nil, i
	}
	return d.data[start:i:i], i
}

func (d *Decoder) keys(at int, dst []uint64) ([]uint64, int) {
	s, i := d.text(at)
	if i < 0 || s == "" {
		return dst, i
	}
	size := base64.StdEncoding.DecodedLen(len(s))
	d.keyBytes = slices.Grow(d.keyBytes[:0], size)[:size]
	n, err := base64.StdEncoding.Strict().Decode(d.keyBytes, bytesOf(s))
	if err != nil || n%8 != 0 || strings.ContainsAny(s, "\r\n") {
		return dst, d.fail(at, "expected base64 (with padding) of little-endian 64-bit numbers")
	}
	for j := 0; j < n; j += 8 {
		dst = append(dst, binary.LittleEndian.Uint64(d.keyBytes[j:]))
	}
	return dst, i
}

func (d *Decoder) activities(i int, dst []Activity) ([]Activity, int) {
	i, more := d.openList(i, "a list of activities")
	for more {
		n := len(dst)
		if n < cap(dst) {
			dst = dst[:n+1] // with the slices of the activity that was here before
		} else {
			dst = append(dst, Activity{})
		}
		i, more = d.after(d.element(n, d.activity(i, &dst[n])), ']')
	}
	return dst, i
}
