package enrich

import (
	"encoding/binary"
	"maps"
	"math"
	"net/netip"
	"slices"
	"testing"
)

// A small writer of MaxMind DB files, format 2.0
// (maxmind.github.io/MaxMind-DB): a binary search tree of 24-bit records, 16
// zero bytes, the data section, and the metadata behind its marker.

// mmdb is a database under construction.
type mmdb struct {
	kind      string
	ipVersion int
	nodes     [][2]int // a child: node number, or below -1 the offset of data, -2 - offset; -1: empty
	data      []byte
	offsets   map[string]int // of records, so that equal ones are shared
}

func newMMDB(kind string, ipVersion int) *mmdb {
	return &mmdb{kind: kind, ipVersion: ipVersion, nodes: [][2]int{{-1, -1}}, offsets: map[string]int{}}
}

// add puts a record at a network. Networks must not lie within each other.
func (m *mmdb) add(t testing.TB, prefix string, record map[string]any) *mmdb {
	t.Helper()
	p := netip.MustParsePrefix(prefix)
	bits, depth := p.Addr().AsSlice(), p.Bits()
	if m.ipVersion == 6 && p.Addr().Is4() { // IPv4 lies at ::/96
		bits, depth = append(make([]byte, 12), bits...), depth+96
	}
	encoded := appendValue(nil, record)
	offset, ok := m.offsets[string(encoded)]
	if !ok {
		offset = len(m.data)
		m.offsets[string(encoded)] = offset
		m.data = append(m.data, encoded...)
	}
	node := 0
	for i := range depth {
		side := int(bits[i/8]>>(7-i%8)) & 1
		if i == depth-1 {
			m.nodes[node][side] = -2 - offset
			return m
		}
		next := m.nodes[node][side]
		if next < 0 {
			if next < -1 {
				t.Fatalf("%s lies within another network", prefix)
			}
			next = len(m.nodes)
			m.nodes = append(m.nodes, [2]int{-1, -1})
			m.nodes[node][side] = next
		}
		node = next
	}
	return m
}

// bytes returns the file.
func (m *mmdb) bytes() []byte {
	var out []byte
	for _, node := range m.nodes {
		for _, child := range node {
			v := child
			switch {
			case child == -1:
				v = len(m.nodes)
			case child < -1:
				v = len(m.nodes) + 16 + (-2 - child)
			}
			out = append(out, byte(v>>16), byte(v>>8), byte(v))
		}
	}
	out = append(out, make([]byte, 16)...)
	out = append(out, m.data...)
	out = append(out, "\xAB\xCD\xEFMaxMind.com"...)
	return appendValue(out, map[string]any{
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0),
		"build_epoch": uint64(1767225600), "database_type": m.kind,
		"description": map[string]any{"en": "made by a test"}, "ip_version": uint16(m.ipVersion),
		"languages": []any{"en"}, "node_count": uint32(len(m.nodes)), "record_size": uint16(24),
	})
}

// Types of the data section.
const (
	typeString = 2
	typeDouble = 3
	typeUint16 = 5
	typeUint32 = 6
	typeMap    = 7
	typeUint64 = 9
	typeArray  = 11
	typeBool   = 14
)

func appendValue(out []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(appendControl(out, typeString, len(v)), v...)
	case float64:
		return binary.BigEndian.AppendUint64(appendControl(out, typeDouble, 8), math.Float64bits(v))
	case uint16:
		return appendUint(out, typeUint16, uint64(v))
	case uint32:
		return appendUint(out, typeUint32, uint64(v))
	case uint64:
		return appendUint(out, typeUint64, v)
	case bool:
		size := 0
		if v {
			size = 1
		}
		return appendControl(out, typeBool, size)
	case []any:
		out = appendControl(out, typeArray, len(v))
		for _, e := range v {
			out = appendValue(out, e)
		}
		return out
	case map[string]any:
		out = appendControl(out, typeMap, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) {
			out = appendValue(appendValue(out, key), v[key])
		}
		return out
	}
	panic("mmdb: no such type")
}

func appendUint(out []byte, kind int, v uint64) []byte {
	b := binary.BigEndian.AppendUint64(nil, v)
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return append(appendControl(out, kind, len(b)), b...)
}

// appendControl writes type and size: three bits of type, zero where it is an
// extended one in the next byte, and five of size, from 29 on with more bytes.
func appendControl(out []byte, kind, size int) []byte {
	first := byte(0)
	if kind <= 7 {
		first = byte(kind << 5)
	}
	var more []byte
	switch {
	case size < 29:
		first |= byte(size)
	case size < 285:
		first |= 29
		more = []byte{byte(size - 29)}
	default:
		first |= 30
		more = []byte{byte((size - 285) >> 8), byte(size - 285)}
	}
	out = append(out, first)
	if kind > 7 {
		out = append(out, byte(kind-7))
	}
	return append(out, more...)
}

// city returns a record of a City file.
func city(country, region, name string, lat, lon float64) map[string]any {
	rec := map[string]any{"country": map[string]any{"iso_code": country, "geoname_id": uint32(7)}}
	if region != "" {
		rec["subdivisions"] = []any{map[string]any{"iso_code": region}}
	}
	if name != "" {
		rec["city"] = map[string]any{"names": map[string]any{"de": name + "-de", "en": name}}
		rec["location"] = map[string]any{"latitude": lat, "longitude": lon, "accuracy_radius": uint16(20)}
	}
	return rec
}

func cityFile(t testing.TB) []byte {
	t.Helper()
	return newMMDB("GeoLite2-City", 6).
		add(t, "81.2.0.0/16", city("DE", "BE", "Berlin", 52.52, 13.405)).
		add(t, "89.160.0.0/17", city("RO", "B", "Bucharest", 44.43, 26.1)).
		add(t, "89.160.128.0/17", city("RO", "", "", 0, 0)).
		add(t, "2001:480::/32", city("US", "CA", "San Diego", 32.7, -117.1)).bytes()
}

func asnFile(t testing.TB) []byte {
	t.Helper()
	as := func(n uint32, org string) map[string]any {
		return map[string]any{"autonomous_system_number": n, "autonomous_system_organization": org}
	}
	return newMMDB("GeoLite2-ASN", 4).
		add(t, "81.2.0.0/16", as(3320, "Deutsche Telekom AG")).
		add(t, "89.160.0.0/16", as(9009, "M247 Europe SRL")).bytes()
}

func anonymousFile(t testing.TB) []byte {
	t.Helper()
	flags := func(names ...string) map[string]any {
		rec := map[string]any{"is_anonymous": true}
		for _, n := range names {
			rec[n] = true
		}
		return rec
	}
	return newMMDB("GeoIP2-Anonymous-IP", 6).
		add(t, "89.160.1.0/24", flags("is_anonymous_vpn", "is_hosting_provider")).
		add(t, "89.160.2.0/24", flags("is_tor_exit_node", "is_anonymous_vpn")).
		add(t, "89.160.3.0/24", flags("is_hosting_provider")).
		add(t, "89.160.4.0/24", flags("is_residential_proxy")).
		add(t, "89.160.5.0/24", flags("is_public_proxy")).
		add(t, "89.160.6.0/24", flags()).
		add(t, "89.160.7.0/24", map[string]any{"is_anonymous": false}).bytes()
}
