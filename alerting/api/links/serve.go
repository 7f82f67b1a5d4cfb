package links

import (
	"bytes"
	"context"
	_ "embed" // page.html
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/incident"
	"github.com/picketd/picket/alerting/notify"
)

// maxForm bounds the form that is sent, in bytes.
const maxForm = 8 << 10

//go:embed page.html
var pageText string

// page is what a person sees.
type page struct {
	Alert   string // its title
	Head    string
	Notes   []string
	AskBy   bool
	AskTo   bool
	Buttons []button // none: there is nothing to do
}

type button struct{ Value, Text string }

// Handler serves the pages of links. GET shows what a link would do, POST does
// it.
func (l *Links) Handler() http.Handler {
	text := template.Must(template.New("page").Parse(pageText))
	mux := http.NewServeMux()
	answer := func(do func(context.Context, *http.Request, *claims) (int, page)) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			c, err := l.read(r.PathValue("token"))
			if err != nil {
				status, p := refused(err)
				show(w, text, status, p)
				return
			}
			status, p := do(r.Context(), r, c)
			show(w, text, status, p)
		}
	}
	mux.HandleFunc("GET "+Path+"{token}", answer(l.ask))
	mux.HandleFunc("POST "+Path+"{token}", answer(l.act))
	return mux
}

// ask shows what a link would do, and changes nothing.
func (l *Links) ask(ctx context.Context, _ *http.Request, c *claims) (int, page) {
	at, used, err := l.cfg.Book.taken(ctx, c.ID)
	if err != nil {
		return l.away(c, err)
	}
	if used {
		return gone(at)
	}
	a, err := l.cfg.Alerts.Get(ctx, c.Subject)
	if err != nil {
		return l.failed(c, err)
	}
	if fired(&a) != c.Fired {
		return again(&a)
	}
	p := page{Alert: alerting.Title(a), AskBy: c.Person == "", AskTo: c.Action == notify.ActAssign, Notes: standing(&a)}
	p.Head, p.Buttons = question(c.Action, a.Number())
	if ids, err := l.beside(ctx, c); err == nil && len(ids) > 0 { // pressing the button asks again
		p.Notes = append(p.Notes, too(len(ids)))
	}
	if c.Person != "" {
		p.Notes = append(p.Notes, "It will be noted as done by "+c.holder()+".")
	}
	return http.StatusOK, p
}

// act does what a link is for, once.
func (l *Links) act(ctx context.Context, r *http.Request, c *claims) (int, page) {
	if err := r.ParseForm(); err != nil {
		return http.StatusBadRequest, page{Head: "Nothing was done: the form could not be read"}
	}
	if c.Action == notify.ActAnswer && r.PostForm.Get("answer") != "yes" && r.PostForm.Get("answer") != "no" {
		return http.StatusUnprocessableEntity, page{Head: "Nothing was done: go back and press yes or no"}
	}
	own, err := l.cfg.Alerts.Get(ctx, c.Subject)
	if err != nil {
		return l.failed(c, err)
	}
	if fired(&own) != c.Fired {
		return again(&own)
	}
	first, err := l.cfg.Book.take(ctx, c.ID)
	if err != nil {
		return l.away(c, err)
	}
	if !first {
		at, _, err := l.cfg.Book.taken(ctx, c.ID)
		if err != nil {
			return l.away(c, err)
		}
		return gone(at)
	}
	return l.perform(ctx, c, &own, c.deed(r.PostForm.Get))
}

// perform does a deed whose link is taken, and gives the link back where it had
// no effect.
func (l *Links) perform(ctx context.Context, c *claims, own *alerting.Alert, d alerting.Deed) (int, page) {
	a, err := l.cfg.Alerts.Act(ctx, c.Subject, d)
	var r rest
	if err == nil || a.ID != "" || errors.Is(err, alerting.ErrState) {
		r = l.takeRest(ctx, c, d)
	}
	if err != nil && a.ID == "" && r.done == 0 {
		if back := l.cfg.Book.giveBack(context.WithoutCancel(ctx), c.ID); back != nil {
			err = errors.Join(err, back)
		}
		return l.failed(c, err)
	}
	if err != nil && a.ID != "" { // it took effect
		l.cfg.Log.Warn("deed by link", zap.String("alert", c.Subject), zap.Error(err))
	}
	p := page{Alert: alerting.Title(*own), Head: "Done: " + what(&a, d, r.done), Notes: []string{"You can close this page."}}
	if a.ID != "" {
		p.Alert = alerting.Title(a)
	}
	if r.left {
		p.Notes = []string{"The other alerts of its incident may still wait: picket incidents ack " + incident.Number(c.Incident)}
	}
	return http.StatusOK, p
}

// what says what came of a deed, with that on other alerts. The zero Alert is
// one that somebody else took.
func what(a *alerting.Alert, d alerting.Deed, more int) string {
	switch {
	case more == 0:
		return done(a, d)
	case a.ID != "":
		return a.Number() + " and " + others(more) + " are acknowledged"
	case more == 1:
		return others(more) + " is acknowledged"
	}
	return others(more) + " are acknowledged"
}

// question is what the page asks, with its buttons.
func question(action notify.Action, number string) (string, []button) {
	switch action {
	case notify.ActAck:
		return "Acknowledge " + number + "?", []button{{"yes", "Acknowledge: I am on it"}}
	case notify.ActAssign:
		return "Assign " + number + "?", []button{{"yes", "Assign"}}
	case notify.ActExpected:
		return "Resolve " + number + " as expected?", []button{{"yes", "Resolve: it happened, and was all right"}}
	case notify.ActFalse:
		return "Resolve " + number + " as false?", []button{{"yes", "Resolve: nobody should have been told"}}
	case notify.ActTrue:
		return "Resolve " + number + " as true?", []button{{"yes", "Resolve: something was wrong, and is over"}}
	case notify.ActAnswer:
		return "Was this you?", []button{{"no", "No, this was not me"}, {"yes", "Yes, this was me"}}
	case notify.ActOpen:
	}
	return "There is nothing to do here", nil
}

// standing says what has been done already.
func standing(a *alerting.Alert) []string {
	var out []string
	switch {
	case a.State == alerting.Resolved && a.Resolution != nil:
		out = append(out, "It is resolved already, by "+a.Resolution.By+" at "+clock(a.Resolution.At)+".")
	case a.State == alerting.Acknowledged && a.Ack != nil:
		out = append(out, a.Ack.By+" is on it since "+clock(a.Ack.At)+".")
	}
	if a.Assigned != nil && a.State != alerting.Resolved {
		out = append(out, "It is assigned to "+a.Assigned.To+".")
	}
	return out
}

// done says what came of a deed.
func done(a *alerting.Alert, d alerting.Deed) string {
	switch d.Action {
	case alerting.ActionAssign:
		return a.Number() + " is assigned to " + d.To
	case alerting.ActionAnswer:
		if d.Me {
			return "your answer is noted; the alert stays open until somebody has looked"
		}
		return "people are told now that it was not you"
	case alerting.ActionResolve:
		return a.Number() + " is resolved as " + string(d.Verdict)
	case alerting.ActionAck:
	}
	return a.Number() + " is " + string(a.State)
}

// again answers a link of an episode that is over.
func again(a *alerting.Alert) (int, page) {
	return http.StatusGone, page{Alert: alerting.Title(*a), Head: "This alert began again since", Notes: []string{"Use a newer message. Nothing was done.", elsewhere}}
}

func refused(err error) (int, page) {
	if errors.Is(err, errExpired) {
		return http.StatusGone, page{Head: "This link has expired", Notes: []string{
			fmt.Sprintf("Links in messages can be used for %d hours. Nothing was done.", int(Validity.Hours())), elsewhere,
		}}
	}
	return http.StatusNotFound, page{Head: "This is not a link of Picket's", Notes: []string{
		"It may have been cut off on its way: copy all of it from the message. Nothing was done.", elsewhere,
	}}
}

const elsewhere = `Use a newer message about the alert, or the command line: picket alerts ls`

func gone(at time.Time) (int, page) {
	return http.StatusGone, page{Head: "This link was used already", Notes: []string{
		"It acted at " + clock(at) + ", and can do so once. Nothing was done now.", elsewhere,
	}}
}

// failed tells why a deed had no effect. What is wrong with the form can be
// mended, since the link was not used up.
func (l *Links) failed(c *claims, err error) (int, page) {
	var field *alerting.FieldError
	switch {
	case errors.Is(err, alerting.ErrNotFound):
		return http.StatusNotFound, page{Head: "There is no such alert any more", Notes: []string{"It is older than alerts are kept. Nothing was done."}}
	case errors.Is(err, alerting.ErrState):
		return http.StatusConflict, page{Head: "Nothing was done", Notes: []string{"Somebody was faster: " + err.Error() + "."}}
	case errors.As(err, &field):
		return http.StatusUnprocessableEntity, page{Head: "Nothing was done", Notes: []string{err.Error() + ".", "Go back and try again: the link is still good."}}
	}
	return l.away(c, err)
}

func (l *Links) away(c *claims, err error) (int, page) {
	l.cfg.Log.Warn("link not served", zap.String("alert", c.Subject), zap.String("action", string(c.Action)), zap.Error(err))
	return http.StatusServiceUnavailable, page{Head: "Picket cannot do that right now", Notes: []string{"Try again in a minute. If it was urgent: " + elsewhere}}
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04Z") }

// show writes a page that nobody keeps, frames, indexes or learns of from
// elsewhere, and that runs nothing.
func show(w http.ResponseWriter, text *template.Template, status int, p page) {
	var b bytes.Buffer
	if err := text.Execute(&b, p); err != nil {
		http.Error(w, "the page could not be written", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // whoever is gone reads nothing
}
