package app

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/picketd/picket/alerting"
	"github.com/picketd/picket/alerting/evidence"
	"github.com/picketd/picket/alerting/promexport"
	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/rules"
)

// asked notes what is fetched, and has nothing.
type asked chan string

func (a asked) RoundTrip(r *http.Request) (*http.Response, error) {
	a <- r.URL.String()
	return nil, errors.New("nothing is there")
}

// TestCopiesOfWhatIsFlagged: media are fetched when an alert begins that people
// are told of, and when it grows; for no drill, and not for what people do.
func TestCopiesOfWhatIsFlagged(t *testing.T) {
	r := newSite(t, "").run(t)
	fetched := make(asked, 8)
	store, err := evidence.Open(t.Context(), r.js(), evidence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	k := keeping{store, evidence.NewKeeper(evidence.Config{Store: store, Client: &http.Client{Transport: fetched}})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { k.run(ctx); close(done) }()
	observer := &alertObserver{Metrics: promexport.New(prometheus.NewRegistry(), promexport.Options{}), app: &App{log: zap.NewNop()}, kept: k}
	for _, a := range []struct {
		url, drill string
		change     alerting.Change
		mode       rules.Mode
	}{
		{"https://img.example/acknowledged", "", alerting.ChangeAcknowledged, rules.Enforce},
		{"https://img.example/resolved", "", alerting.ChangeResolved, rules.Enforce},
		{"https://img.example/observed", "", alerting.ChangeOpened, rules.Observe},
		{"https://img.example/drill", "d1", alerting.ChangeOpened, rules.Enforce},
		{"https://img.example/opened", "", alerting.ChangeOpened, rules.Enforce},
		{"https://img.example/updated", "", alerting.ChangeUpdated, rules.Enforce},
		{"https://img.example/updated", "", alerting.ChangeUpdated, rules.Enforce},
		{"https://img.example/reopened", "", alerting.ChangeReopened, rules.Enforce},
	} {
		observer.Revised(&alerting.Alert{
			ID: "3fa29c00000000000000000000000000", Change: a.change, Rule: alerting.Rule{Mode: a.mode, Level: rules.High},
			Evidence: []activity.Activity{{ID: "p", Drill: a.drill, Media: []activity.Media{{Type: "image", URL: a.url}}}},
		})
	}
	for _, want := range []string{"https://img.example/opened", "https://img.example/updated", "https://img.example/reopened"} {
		if got := <-fetched; got != want {
			t.Errorf("fetched %s, want %s", got, want)
		}
	}
	cancel()
	<-done
	if len(fetched) != 0 {
		t.Errorf("fetched %s besides", <-fetched)
	}
	if n := (keeping{}).count(t.Context(), &alerting.Alert{}); n != 0 {
		t.Errorf("%d copies where none are kept", n)
	}
}
