package page_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/cmd/internal/page"
)

var update = flag.Bool("update", false, "write the golden files anew")

func sample() *page.Page {
	return &page.Page{
		Title: "Rule <b>&", Lead: []string{"As of today."},
		Parts: []page.Part{
			{Title: "Curve", Note: "Lower is calmer.", Plot: &page.Plot{
				X: "condition.gte", Y: "alerts per account-month", Limit: 1, Mark: 12,
				Series: []page.Series{{Name: "alerts", Points: []page.Point{{X: 5, Y: 6.7}, {X: 12, Y: 0.8}, {X: 40, Y: 0.1}}}},
			}},
			{Title: "Noticed", Plot: &page.Plot{
				X: "condition.gte", Y: "share noticed", Top: 1, Series: []page.Series{
					{Name: "splice", Points: []page.Point{{X: 5, Y: 0.9, Low: 0.8, High: 0.97}, {X: 12, Y: 0.7, Low: 0.55, High: 0.82}, {X: 40, Y: 0}}},
					{Name: "new app", Points: []page.Point{{X: 5, Y: 1, Low: 0.93, High: 1}, {X: 12, Y: 1}, {X: 40, Y: 0.5, Low: 0.4, High: 0.6}}},
				},
			}},
			{
				Title: "Attacks",
				Plot: &page.Plot{X: "attack", Y: "share noticed", Names: []string{"splice", "a name that is too long <for its room>"}, Top: 1, Series: []page.Series{
					{Name: "within 1", Points: []page.Point{{Y: 0.5, Low: 0.4, High: 0.6}, {Y: 1}}},
					{Name: "within 10", Points: []page.Point{{Y: 0.9, Low: 0.8, High: 0.97}}},
				}},
				Table: &page.Table{Head: []string{"value", "alerts"}, Rows: []page.Row{{Cells: []string{"5", "<6>"}}, {Cells: []string{"12", "1"}, Marked: true}}},
			},
		},
	}
}

func TestGolden(t *testing.T) {
	var got bytes.Buffer
	if err := sample().Write(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", "sample.html")
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("%s (-want +got):\n%s", path, d)
	}
}

// TestNothingIsFetched: a page is whole by itself, and texts stay texts.
func TestNothingIsFetched(t *testing.T) {
	var got bytes.Buffer
	if err := sample().Write(&got); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "http://", "https://", "src=", "<link", "@import", "<b>&", "<6>", "<for its"} {
		if strings.Contains(got.String(), bad) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

// TestPlots: whatever is drawn is well-formed, without numbers that are none.
func TestPlots(t *testing.T) {
	for _, tt := range []struct {
		name string
		plot page.Plot
	}{
		{"nothing", page.Plot{}},
		{"one point", page.Plot{Series: []page.Series{{Name: "a", Points: []page.Point{{X: 3, Y: 0}}}}}},
		{"bars without values", page.Plot{Names: []string{"a", "b"}, Series: []page.Series{{Name: "s"}}}},
		{"large", page.Plot{Series: []page.Series{{Name: "a", Points: []page.Point{{X: 0, Y: 1e9}, {X: 1e7, Y: 1}}}}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			svg := string(tt.plot.SVG())
			dec := xml.NewDecoder(strings.NewReader(svg))
			for {
				if _, err := dec.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					t.Fatalf("%v in %s", err, svg)
				}
			}
			if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
				t.Errorf("a number is none: %s", svg)
			}
		})
	}
}

// TestNamesFit: names below bars are whole, or cut with an ellipsis, and inside
// the drawing, clear of the title of the axis.
func TestNamesFit(t *testing.T) {
	label := regexp.MustCompile(`<text transform="translate\(([\d.]+) ([\d.]+)\) rotate\(-(\d+)\)" text-anchor="end">([^<]+)</text>`)
	size := regexp.MustCompile(`viewBox="0 0 880 (\d+)"`)
	title := regexp.MustCompile(`y="([\d.]+)" text-anchor="middle">account</text>`)
	for _, tt := range []struct {
		name  string
		names []string
		want  []string
	}{
		{"attacks", []string{"campaign-mimic (in clear)", "splice", "burst", "odd-hour", "client-switch", "campaign", "x"}, []string{"campaign-mimic (in clear)", "splice", "burst", "odd-hour", "client-switch", "campaign", "x"}},
		{"accounts", slices.Repeat([]string{"x/landsurveyorsunited"}, 35), slices.Repeat([]string{"x/landsurveyorsunited"}, 35)},
		{"identifiers", slices.Repeat([]string{"bluesky/did:plc:ewvi7nxzyoun6zhxrhs64oiz"}, 30), slices.Repeat([]string{"bluesky/did:plc:ewvi7nxz…"}, 30)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			plot := page.Plot{X: "account", Names: tt.names, Series: []page.Series{{Name: "s", Points: make([]page.Point, len(tt.names))}}}
			svg := string(plot.SVG())
			number := func(s string) float64 {
				v, err := strconv.ParseFloat(s, 64)
				if err != nil {
					t.Fatal(err)
				}
				return v
			}
			bottom, axis := number(size.FindStringSubmatch(svg)[1]), number(title.FindStringSubmatch(svg)[1])
			var got []string
			for _, m := range label.FindAllStringSubmatch(svg, -1) {
				got = append(got, m[4])
				const letter = 6.2 // mean width at 12 pixels
				angle, long := number(m[3])*math.Pi/180, letter*float64(utf8.RuneCountInString(m[4]))
				if x, y := number(m[1])-long*math.Cos(angle), number(m[2])+long*math.Sin(angle); x < 0 || y > axis-10 || axis > bottom {
					t.Errorf("%s begins at %.0f, %.0f, outside of the drawing or in the title at %.0f of %.0f", m[4], x, y, axis, bottom)
				}
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("names aslant (-want +got):\n%s", d)
			}
		})
	}
}
