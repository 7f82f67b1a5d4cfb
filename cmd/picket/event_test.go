package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// event is what a subscriber gets, by the names on the wire.
type event struct {
	Subject string `json:"-"` // on NATS
	Header  nats.Header

	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	About           string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            struct {
		ActivityID  int    `json:"activity_id"`
		CategoryUID int    `json:"category_uid"`
		ClassUID    int    `json:"class_uid"`
		TypeUID     int    `json:"type_uid"`
		SeverityID  int    `json:"severity_id"`
		StatusID    int    `json:"status_id"`
		IsAlert     bool   `json:"is_alert"`
		Count       int    `json:"count"`
		Message     string `json:"message"`
		FindingInfo struct {
			UID      string `json:"uid"`
			Title    string `json:"title"`
			Analytic struct {
				UID string `json:"uid"`
			} `json:"analytic"`
		} `json:"finding_info"`
		Resources []struct {
			UID string `json:"uid"`
		} `json:"resources"`
		Evidences []struct {
			Name string `json:"name"`
			Data struct {
				Account string `json:"account"`
				Kind    string `json:"kind"`
			} `json:"data"`
		} `json:"evidences"`
		Remediation struct {
			Desc string `json:"desc"`
		} `json:"remediation"`
		Metadata struct {
			Version string `json:"version"`
			Product struct {
				Name string `json:"name"`
			} `json:"product"`
		} `json:"metadata"`
		Unmapped struct {
			Picket struct {
				Number  string `json:"number"`
				State   string `json:"state"`
				Level   string `json:"level"`
				Rule    string `json:"rule"`
				Account string `json:"account"`
			} `json:"picket"`
		} `json:"unmapped"`
	} `json:"data"`
}

func parse(t *testing.T, msg *nats.Msg) event {
	t.Helper()
	e := event{Subject: msg.Subject, Header: msg.Header}
	if err := json.Unmarshal(msg.Data, &e); err != nil {
		t.Fatalf("%s: %v\n%s", msg.Subject, err, msg.Data)
	}
	return e
}

// expected is an alert that must arrive.
type expected struct {
	rule, id, level, account string
	severity                 int
	count, evidences         int
	kind                     string   // of the evidence
	title                    string   // how the text begins
	text                     []string // what it says
}

func (w *expected) check(t *testing.T, e event) {
	d := &e.Data
	network, name, _ := strings.Cut(w.account, "/")
	uid := d.FindingInfo.UID
	for _, row := range []struct {
		what      string
		got, want any
	}{
		{"NATS subject", e.Subject, strings.Join([]string{"picket.alert", w.level, network, name, w.id}, ".")},
		{"Content-Type", e.Header.Get("Content-Type"), "application/cloudevents+json"},
		{"Nats-Msg-Id", e.Header.Get("Nats-Msg-Id"), e.ID},
		{"specversion", e.SpecVersion, "1.0"},
		{"id", e.ID, uid + ".1"},
		{"source", e.Source, "/picket/live"},
		{"type", e.Type, "io.picket.alert.firing"},
		{"subject", e.About, w.account},
		{"datacontenttype", e.DataContentType, "application/json"},
		{"activity_id", d.ActivityID, 1},
		{"category_uid", d.CategoryUID, 2},
		{"class_uid", d.ClassUID, 2004},
		{"type_uid", d.TypeUID, 200401},
		{"severity_id", d.SeverityID, w.severity},
		{"status_id", d.StatusID, 1},
		{"is_alert", d.IsAlert, true},
		{"count", d.Count, w.count},
		{"analytic.uid", d.FindingInfo.Analytic.UID, w.id},
		{"metadata.version", d.Metadata.Version, "1.8.0"},
		{"product", d.Metadata.Product.Name, "Picket"},
		{"level", d.Unmapped.Picket.Level, w.level},
		{"state", d.Unmapped.Picket.State, "firing"},
		{"account", d.Unmapped.Picket.Account, w.account},
		{"evidences", len(d.Evidences), w.evidences},
		{"resources", len(d.Resources), 1},
	} {
		if row.got != row.want {
			t.Errorf("%s is %v, want %v", row.what, row.got, row.want)
		}
	}
	for _, r := range d.Resources {
		if r.UID != w.account {
			t.Errorf("resource %s, want %s", r.UID, w.account)
		}
	}
	for _, ev := range d.Evidences {
		if ev.Name != w.kind || ev.Data.Kind != w.kind || ev.Data.Account != w.account {
			t.Errorf("evidence %+v, want a %s of %s", ev, w.kind, w.account)
		}
	}
	if len(uid) != 32 || d.Unmapped.Picket.Number != "PK-"+strings.ToUpper(uid[:6]) {
		t.Errorf("id %q, number %q", uid, d.Unmapped.Picket.Number)
	}
	if d.Remediation.Desc == "" {
		t.Error("nothing says what to do")
	}
	w.checkText(t, d.Message)
}

// checkText holds the text to one screen and to what it must say.
func (w *expected) checkText(t *testing.T, text string) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) > 12 {
		t.Errorf("%d lines are more than a screen", len(lines))
	}
	flat := strings.Join(strings.Fields(text), " ") // as if no line were folded
	if !strings.HasPrefix(flat, w.title) {
		t.Errorf("the text does not begin with %q", w.title)
	}
	for _, want := range append(w.text, "What ", "Why ", "Do ", "Act ") {
		if !strings.Contains(flat, strings.Join(strings.Fields(want), " ")) {
			t.Errorf("the text does not say %q", want)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}
