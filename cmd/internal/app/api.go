package app

import (
	"errors"
	"net/http"
	"time"

	"github.com/picketd/picket/alerting/api"
	"github.com/picketd/picket/alerting/api/links"
)

// routeAPI routes what people ask about alerts.
func (f *front) routeAPI(mux *http.ServeMux) {
	for _, path := range []string{api.AlertsPath, api.AlertsPath + "/", api.IncidentsPath + "/", api.DocumentPath, links.Path} {
		mux.HandleFunc(path, f.ask)
	}
}

// ask serves the API, or says that it cannot be served now.
func (f *front) ask(w http.ResponseWriter, r *http.Request) {
	if h := f.api.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	api.Unavailable(w, "Picket answers nothing right now: it is starting or stopping")
}

// startAPI answers what people and programs ask about alerts, over HTTP, by
// links and over NATS, until stop is called.
func (a *App) startAPI(p *parts) (stop func(), err error) {
	service := api.New(p.manager, p.incidents, a.cfg, time.Now)
	over, err := service.Serve(p.nc, a.log)
	if err != nil {
		return nil, err
	}
	if err := p.nc.Flush(); err != nil { // the endpoints stand when the daemon says that it works
		return nil, errors.Join(err, over.Stop())
	}
	mux := http.NewServeMux()
	mux.Handle(links.Path, p.links.Handler())
	mux.Handle("/", service.Handler(a.apiTokens, a.metrics.APIRefused, a.pushLog))
	var h http.Handler = mux
	a.front.api.Store(&h)
	return func() {
		a.front.api.Store(nil)
		_ = over.Stop() // fails only on a connection that is closed
	}, nil
}

// apiTokens are those of the configuration in force.
func (a *App) apiTokens() []api.Token {
	configured := a.cfg.get().HTTP.API.Tokens
	tokens := make([]api.Token, len(configured))
	for i, t := range configured {
		tokens[i] = api.Token{Name: t.Name, Secret: t.Token.Reveal()}
		for _, right := range t.Can {
			tokens[i].Can = append(tokens[i].Can, api.Right(right))
		}
	}
	return tokens
}
