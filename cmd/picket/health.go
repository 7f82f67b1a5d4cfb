package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/picketd/picket/cmd/internal/config"
)

type healthCmd struct {
	Config string `short:"c" help:"Configuration of the daemon." default:"picket.yaml" type:"path"`
}

// healthWait bounds the whole question; the daemon answers within 5 s.
const healthWait = 10 * time.Second

// Run asks the daemon on this machine whether it works. It is what a container
// without a shell has for its health check.
func (c *healthCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return err
	}
	address, err := local(cfg.HTTP.Listen)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(e.ctx, healthWait)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/-/ready", nil)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}} // without a proxy
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("no picket answers at %s: %w", address, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	var answer struct {
		Status  string   `json:"status"`
		Reasons []string `json:"reasons"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(nil, resp.Body, 1<<20)).Decode(&answer); err != nil {
		return fmt.Errorf("what answers at %s is no picket: %s", address, resp.Status)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", answer.Status, strings.Join(answer.Reasons, "; "))
	}
	_, err = fmt.Fprintln(e.out, answer.Status)
	return err
}

// local returns where a listener is reached from its own machine.
func local(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	switch {
	case err != nil:
		return "", fmt.Errorf("http.listen: %w", err)
	case port == "0":
		return "", errors.New("http.listen has port 0, which is another one at each start: give it a number to use this command")
	}
	switch ip := net.ParseIP(host); { // a container may not know what localhost is
	case host == "", ip.IsUnspecified() && ip.To4() != nil:
		host = "127.0.0.1"
	case ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}
