package page

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Plot draws lines over numbers, or bars over names. Axes begin at zero upwards
// and at the least x sideways.
type Plot struct {
	X, Y   string   // what the axes are
	Names  []string // of bars, in place of numbers
	Series []Series
	Limit  float64 // a line across at this y; 0 for none
	Mark   float64 // a line upwards at this x, of lines only; NaN or 0 for none
	Top    float64 // of the y axis; 0: what the series need
}

// Series is one line, or one bar of each name.
type Series struct {
	Name   string
	Points []Point
}

// Point is one value; Low and High are its interval, drawn where they differ. The
// x of bars is not read.
type Point struct {
	X, Y, Low, High float64
}

// Size of a plot and its margins, in pixels.
const (
	width, height = 880, 340
	left, right   = 60, 16
	top, bottom   = 34, 60
	ticks         = 5
	beside        = 4 // between the intervals of two lines
)

// Names below bars, where there is no room for them side by side.
const (
	letter  = 6.5 // pixels that one takes
	longest = 25  // letters; what is longer is cut
	slope   = 65  // degrees
)

// colours that people with any sight tell apart (Okabe and Ito 2008).
func colour(i int) string {
	all := []string{"#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00"}
	return all[i%len(all)]
}

// SVG returns the drawing. All texts in it are escaped.
func (p *Plot) SVG() template.HTML {
	d := &drawing{plot: p}
	d.scale()
	d.fit()
	fmt.Fprintf(&d.b, `<svg viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height+d.deeper, template.HTMLEscapeString(p.Y+" by "+p.X))
	d.axes()
	if len(p.Names) > 0 {
		d.bars()
	} else {
		d.lines()
	}
	d.limits()
	d.legend()
	d.b.WriteString("</svg>")
	return template.HTML(d.b.String()) //nolint:gosec // every text in it went through escape
}

// drawing is an SVG being written.
type drawing struct {
	plot             *Plot
	b                strings.Builder
	least, most, top float64
	aslant           bool // names are
	deeper           int  // pixels that this takes
}

// fit finds how the names below bars are written.
func (d *drawing) fit() {
	most := 0
	for _, name := range d.plot.Names {
		most = max(most, utf8.RuneCountInString(name))
	}
	if letter*float64(most) <= d.room() {
		return
	}
	d.aslant = true
	d.deeper = int(letter * float64(min(most, longest)) * math.Sin(slope*math.Pi/180))
}

// room is how wide the place of one name is.
func (d *drawing) room() float64 {
	return float64(width-left-right) / float64(max(1, len(d.plot.Names)))
}

// scale finds the bounds of the axes.
func (d *drawing) scale() {
	d.least, d.most = math.Inf(1), math.Inf(-1)
	d.top = max(d.plot.Limit, d.plot.Top)
	for _, s := range d.plot.Series {
		for _, p := range s.Points {
			d.least, d.most = min(d.least, p.X), max(d.most, p.X)
			if d.plot.Top == 0 {
				d.top = max(d.top, p.Y, p.High)
			}
		}
	}
	if d.plot.Top == 0 {
		d.top = round(d.top * 1.05)
	}
	if d.top == 0 {
		d.top = 1
	}
	switch {
	case d.least > d.most: // no point at all
		d.least, d.most = 0, 1
	case d.least == d.most:
		d.least, d.most = d.least-1, d.most+1
	}
}

// round returns the next number above v with a short text.
func round(v float64) float64 {
	if v <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(v)))
	for _, f := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10} {
		if f*unit >= v {
			return f * unit
		}
	}
	return 10 * unit
}

func (d *drawing) x(v float64) float64 {
	return left + (v-d.least)/(d.most-d.least)*(width-left-right)
}

func (d *drawing) y(v float64) float64 {
	return height - bottom - min(v, d.top)/d.top*(height-top-bottom)
}

func (d *drawing) text(x, y float64, anchor, words string) {
	fmt.Fprintf(&d.b, `<text x="%.1f" y="%.1f" text-anchor="%s">%s</text>`, x, y, anchor, template.HTMLEscapeString(words))
}

func (d *drawing) line(x1, y1, x2, y2 float64, style string) {
	fmt.Fprintf(&d.b, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" %s/>`, x1, y1, x2, y2, style)
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 4, 64) }

func (d *drawing) axes() {
	const grid, axis = `stroke="#8894a3" stroke-opacity=".25"`, `stroke="#8894a3"`
	for i := range ticks + 1 {
		v := d.top * float64(i) / ticks
		d.line(left, d.y(v), width-right, d.y(v), grid)
		d.text(left-8, d.y(v)+4, "end", short(v))
	}
	d.line(left, d.y(0), width-right, d.y(0), axis)
	d.text(left, top-18, "start", d.plot.Y)
	d.text((left+width-right)/2, float64(height+d.deeper-8), "middle", d.plot.X)
	if len(d.plot.Names) > 0 {
		return
	}
	for i := range ticks + 1 {
		v := d.least + (d.most-d.least)*float64(i)/ticks
		d.text(d.x(v), height-bottom+18, "middle", short(v))
	}
}

func (d *drawing) lines() {
	for i, s := range d.plot.Series {
		fmt.Fprintf(&d.b, `<polyline fill="none" stroke="%s" stroke-width="2" points="`, colour(i))
		for _, p := range s.Points {
			fmt.Fprintf(&d.b, "%.1f,%.1f ", d.x(p.X), d.y(p.Y))
		}
		d.b.WriteString(`"/>`)
		// Beside each other where several lines have a value at the same x.
		aside := beside * (float64(i) - float64(len(d.plot.Series)-1)/2)
		for _, p := range s.Points {
			if p.High > p.Low {
				d.interval(d.x(p.X)+aside, p, colour(i))
			}
			fmt.Fprintf(&d.b, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"><title>%s</title></circle>`,
				d.x(p.X), d.y(p.Y), colour(i), template.HTMLEscapeString(s.Name+" at "+short(p.X)+": "+short(p.Y)))
		}
	}
}

// interval draws that of a point, upwards at x.
func (d *drawing) interval(x float64, p Point, colour string) {
	d.line(x, d.y(p.Low), x, d.y(p.High), `stroke="`+colour+`" stroke-width="1.2"`)
}

func (d *drawing) bars() {
	room := d.room()
	bar := room * 0.8 / float64(max(1, len(d.plot.Series)))
	for k, name := range d.plot.Names {
		start := left + room*float64(k) + room*0.1
		for i, s := range d.plot.Series {
			if k >= len(s.Points) {
				continue
			}
			p := s.Points[k]
			x := start + bar*float64(i)
			fmt.Fprintf(&d.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"><title>%s</title></rect>`,
				x, d.y(p.Y), bar*0.92, d.y(0)-d.y(p.Y), colour(i), template.HTMLEscapeString(name+", "+s.Name+": "+short(p.Y)))
			if p.High > p.Low {
				d.interval(x+bar*0.46, p, "currentColor")
			}
		}
		d.label(start+room*0.4, name)
	}
}

// label writes a name below its bars, aslant where some are too long.
func (d *drawing) label(x float64, name string) {
	y := float64(height - bottom + 16)
	if !d.aslant {
		d.text(x, y, "middle", name)
		return
	}
	if runes := []rune(name); len(runes) > longest {
		name = string(runes[:longest-1]) + "…"
	}
	fmt.Fprintf(&d.b, `<text transform="translate(%.1f %.1f) rotate(-%d)" text-anchor="end">%s</text>`, x, y, slope, template.HTMLEscapeString(name))
}

func (d *drawing) limits() {
	const dashed = `stroke="#d55e00" stroke-width="1.5" stroke-dasharray="6 4"`
	if v := d.plot.Limit; v > 0 {
		d.line(left, d.y(v), width-right, d.y(v), dashed)
	}
	if v := d.plot.Mark; v != 0 && !math.IsNaN(v) && len(d.plot.Names) == 0 {
		d.line(d.x(v), top, d.x(v), height-bottom, `stroke="#009e73" stroke-width="1.5" stroke-dasharray="2 3"`)
	}
}

func (d *drawing) legend() {
	x := float64(width - right)
	for i := len(d.plot.Series) - 1; i >= 0 && len(d.plot.Series) > 1; i-- {
		name := d.plot.Series[i].Name
		x -= 7*float64(len(name)) + 26
		fmt.Fprintf(&d.b, `<rect x="%.1f" y="%d" width="12" height="12" fill="%s"/>`, x, top-28, colour(i))
		d.text(x+17, top-18, "start", name)
	}
}
