package email

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"

	"github.com/wneessen/go-mail"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/notify"
)

// Bounds of a mail, in characters. A message is a screen; they are for one that
// is not.
const (
	maxSubject = 200
	maxLine    = 4000
	maxBody    = 32000
	maxLinks   = 10
)

// page is what both forms of a mail show.
type page struct {
	Title string
	Lines []notify.Line
	Links []notify.Link
	Foot  string
}

// newPage returns what a mail shows of a message: all of it on lines of their
// own, without anything that a mail client would make a link of.
func newPage(m *notify.Message) page {
	p := page{
		Title: cut(alerting.Plain(m.Title), maxSubject),
		Foot:  "Told by Picket to " + alerting.Plain(m.Receiver) + ". A reply does nothing.",
	}
	room := maxBody
	for i, l := range m.Lines {
		line := notify.Line{Label: cut(alerting.Plain(l.Label), maxSubject), Text: cut(alerting.Plain(l.Text), maxLine)}
		if room -= utf8.RuneCountInString(line.Label) + utf8.RuneCountInString(line.Text); room < 0 {
			p.Lines = append(p.Lines, notify.Line{Text: fmt.Sprintf("… and %d more lines", len(m.Lines)-i)})
			break
		}
		p.Lines = append(p.Lines, line)
	}
	for _, l := range m.WebLinks() {
		if len(p.Links) < maxLinks {
			l.Text = alerting.Plain(l.Text)
			p.Links = append(p.Links, l)
		}
	}
	return p
}

// text returns the page as plain text.
func (p *page) text() string {
	var b strings.Builder
	b.WriteString(p.Title + "\n\n")
	for _, l := range p.Lines {
		if l.Label != "" {
			b.WriteString(l.Label + ": ")
		}
		b.WriteString(l.Text + "\n")
	}
	for _, l := range p.Links {
		fmt.Fprintf(&b, "\n%s: %s", l.Text, l.URL)
	}
	return strings.TrimRight(b.String(), "\n") + "\n\n-- \n" + p.Foot + "\n"
}

// pageHTML loads nothing from anywhere, and asks clients not to make links of
// what looks like a telephone number or an address.
const pageHTML = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no"><title>{{.Title}}</title></head>
<body style="font-family:sans-serif">
<h1 style="font-size:1.1em">{{.Title}}</h1>
{{range .Lines}}<p>{{if .Label}}<b>{{.Label}}</b> {{end}}{{.Text}}</p>
{{end}}{{if .Links}}<ul>
{{range .Links}}<li><a href="{{.URL}}" rel="noreferrer">{{.Text}}</a></li>
{{end}}</ul>
{{end}}<p style="color:#666">{{.Foot}}</p>
</body></html>
`

// html returns the page as HTML.
func (o *Output) html(p *page) (string, error) {
	var b bytes.Buffer
	if err := o.page.Execute(&b, p); err != nil {
		return "", fmt.Errorf("write the HTML: %w", err)
	}
	return b.String(), nil
}

func parsePage() (*template.Template, error) { return template.New("mail").Parse(pageHTML) }

// compose returns the mail of a message to one recipient.
func (o *Output) compose(m *notify.Message, to string) (*mail.Msg, error) {
	p := newPage(m)
	html, err := o.html(&p)
	if err != nil {
		return nil, err
	}
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := msg.From(o.cfg.From); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	if err := msg.To(to); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	msg.Subject(p.Title)
	msg.SetDateWithValue(m.At)
	id := o.messageID(m.Key)
	msg.SetMessageIDWithValue(id)
	o.thread(msg, m, id)
	msg.SetGenHeader("Auto-Submitted", "auto-generated")
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(mail.TypeTextPlain, p.text())
	msg.AddAlternativeString(mail.TypeTextHTML, html)
	return msg, nil
}

// thread makes the mail part of its incident's thread. The first reference is
// to a mail that does not exist: clients put together what refers to it, even
// where the first mail went to somebody else.
func (o *Output) thread(msg *mail.Msg, m *notify.Message, id string) {
	root := o.messageID("incident." + m.Incident)
	first := m.Receipt
	left, domain, ok := strings.Cut(first, "@")
	if first == id || !ok || !dotAtom(left) || domain != o.cfg.Domain {
		msg.SetGenHeader(mail.HeaderInReplyTo, "<"+root+">")
		msg.SetGenHeader(mail.HeaderReferences, "<"+root+">")
		return
	}
	msg.SetGenHeader(mail.HeaderInReplyTo, "<"+first+">")
	msg.SetGenHeader(mail.HeaderReferences, "<"+root+"> <"+first+">")
}

// messageID returns the Message-ID that belongs to a key, without < and >.
func (o *Output) messageID(key string) string {
	if !dotAtom(key) {
		sum := sha256.Sum256([]byte(key))
		key = "k-" + hex.EncodeToString(sum[:16])
	}
	return key + "@" + o.cfg.Domain
}

// dotAtom reports whether s may stand on a side of a Message-ID's @: letters,
// digits, "-" and "_" in parts with a dot between them, which is less than RFC
// 5322 takes as dot-atom-text, and at most 200 characters.
func dotAtom(s string) bool {
	if len(s) > 200 {
		return false
	}
	for part := range strings.SplitSeq(s, ".") {
		if part == "" {
			return false
		}
		for _, r := range part {
			if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_' {
				return false
			}
		}
	}
	return true
}

// cut returns at most limit characters, with … where it was cut.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit-1]) + "…"
}
