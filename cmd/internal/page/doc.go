// Package page writes reports as one self-contained HTML page: no script, no
// style sheet and no picture is fetched, so that a page can be mailed and read
// where there is no network. Plots are SVG. What a report says belongs to the
// command whose it is; here is only how it looks.
package page
