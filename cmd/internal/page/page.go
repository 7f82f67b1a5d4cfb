package page

import (
	"fmt"
	"html/template"
	"io"
)

// Page is one report.
type Page struct {
	Title string
	Lead  []string // paragraphs below the title
	Parts []Part
}

// Part is a section: a plot, a table, or both.
type Part struct {
	Title string
	Note  string // below the title; may be empty
	Plot  *Plot
	Table *Table
}

// Table is rows of cells, all texts.
type Table struct {
	Head []string
	Rows []Row
}

// Row is one row of a table.
type Row struct {
	Cells  []string
	Marked bool // the one that is recommended
}

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	t, err := template.New("page").Parse(layout)
	if err == nil {
		err = t.Execute(w, p)
	}
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}

const layout = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1d2430;background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .8rem .2rem 0;text-align:right;border-bottom:1px solid #e3e6eb;white-space:nowrap}
th:first-child,td:first-child{text-align:left}
tr.marked{background:#e9f4ec;font-weight:600}
svg{max-width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#44505f}
.wide{overflow-x:auto}
@media(prefers-color-scheme:dark){body{background:#14181f;color:#dfe4ea}th,td{border-color:#2c3440}tr.marked{background:#1d3525}svg text{fill:#aab4c0}}
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{range .Lead}}<p>{{.}}</p>
{{end}}{{range .Parts}}<h2>{{.Title}}</h2>
{{with .Note}}<p>{{.}}</p>
{{end}}{{with .Plot}}{{.SVG}}
{{end}}{{with .Table}}<div class="wide"><table>
<tr>{{range .Head}}<th>{{.}}</th>{{end}}</tr>
{{range .Rows}}<tr{{if .Marked}} class="marked"{{end}}>{{range .Cells}}<td>{{.}}</td>{{end}}</tr>
{{end}}</table></div>
{{end}}{{end}}</body>
</html>
`
