// Package monitoring makes what operators of Picket get under deploy/monitoring
// from Go: Grafana's dashboards and the table of metrics. What a dashboard shows
// is plain data in one file each; how it becomes Grafana's JSON is in grafana.go.
// Which metrics there are belongs in alerting/promexport; alerts about Picket
// itself are written by hand in deploy/monitoring.
package monitoring

//go:generate go test . -run TestFilesAreCurrent -update

// board is one dashboard.
type board struct {
	uid, title, what string
	variables        []variable // besides the data source and the job
	sections         []section
	commands         []command // that name what metrics do not
}

// file is how the dashboard's file is called.
func (b *board) file() string { return b.uid + ".json" }

// variable lets the reader choose values of a label; all are chosen at first.
type variable struct{ name, metric string }

// command is a line of Picket's command line, and what it shows.
type command struct{ line, shows string }

// section is a row of panels under a title.
type section struct {
	title  string
	panels []panel
}

// view is how a panel shows its numbers.
type view string

const (
	asNumber view = "stat"
	asLines  view = "timeseries"
	asTable  view = "table"
)

// panel answers one question.
type panel struct {
	view    view
	title   string
	what    string // what it shows, and what to do about it
	who     string // command that shows the offenders; may be empty
	unit    string // of Grafana; empty for plain numbers
	width   uint32 // of 24; 0 for what suits the view
	worse   []step // thresholds, for numbers
	none    string // shown where there is nothing to know; then no data is the truth
	queries []query
	columns map[string]string // of a table: how fields are called; "" hides one
}

// step colours a number from a value on.
type step struct {
	from  float64
	color string
}

// bad colours a number from a value on in red.
func bad(from float64) []step { return []step{{from, "red"}} }

// query is an expression and how its series are called.
type query struct {
	expr, legend string
	exemplars    bool
}

// boards returns all dashboards, the first thing to look at first.
func boards() []board {
	return []board{overview(), collectors(), detector(), ruleset(), alerting()}
}
