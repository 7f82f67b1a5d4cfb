package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"
	"time"

	"github.com/picketd/picket/cmd/internal/app"
	"github.com/picketd/picket/cmd/internal/config"
	"github.com/picketd/picket/collectors/intake"
)

type approveCmd struct {
	withConfig
	Account string        `arg:"" help:"Account that may publish it, such as x/acme."`
	Text    string        `arg:"" optional:"" help:"The message; - or nothing reads it from standard input."`
	Link    []string      `help:"Links of the message, where they are not in its text." sep:"none"`
	Media   []string      `help:"Content hashes of its media, sha256:<hex>; without any, a post with media is not the approved one."`
	By      []string      `help:"Who approved it; your user name unless given."`
	From    time.Time     `help:"Valid from (RFC 3339); at once unless given."`
	Until   time.Time     `help:"Valid until (RFC 3339)."`
	For     time.Duration `help:"Valid for this long from now, such as 12h or 7d."`
	Uses    int           `help:"How often it may be published." default:"1"`
	ID      string        `help:"Id of the approval; made from its content unless given."`
}

// Run records an approval through the daemon's NATS intake.
func (c *approveCmd) Run(e *env) error {
	cfg, err := config.Load(c.Config, e.getenv)
	if err != nil {
		return err
	}
	if cfg.Intake.NATS.Approvals == "" {
		return errors.New("intake.nats is off in the configuration: approvals come in by POST /v1/approvals or a file")
	}
	body, err := c.body(e)
	if err != nil {
		return err
	}
	nc, err := app.Dial(cfg)
	if err != nil {
		return err
	}
	defer nc.Close()
	reply, err := nc.Request(cfg.Intake.NATS.Approvals, body, 10*time.Second)
	if err != nil {
		return fmt.Errorf("the daemon did not answer: %w", err)
	}
	var answer intake.Answer
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return fmt.Errorf("the daemon's answer: %w", err)
	}
	if answer.Accepted != 1 || len(answer.Results) != 1 {
		reason := answer.Error
		if r := answer.FirstRefused(); r != nil {
			reason = r.Error
		}
		return fmt.Errorf("not approved: %s", reason)
	}
	_, err = fmt.Fprintf(e.out, "approved for %s as %s\n", c.Account, answer.Results[0].ID)
	return err
}

func (c *approveCmd) body(e *env) ([]byte, error) {
	text := c.Text
	if text == "-" || text == "" && len(c.Media) == 0 {
		data, err := io.ReadAll(io.LimitReader(e.in, 1<<20))
		if err != nil {
			return nil, fmt.Errorf("read the message: %w", err)
		}
		text = strings.TrimSpace(string(data))
	}
	if len(c.By) == 0 {
		u, err := user.Current()
		if err != nil {
			return nil, fmt.Errorf("who approves? give --by: %w", err)
		}
		c.By = []string{u.Username}
	}
	until := c.Until
	if c.For > 0 {
		if !until.IsZero() {
			return nil, errors.New("give --until or --for, not both")
		}
		until = time.Now().Add(c.For).UTC()
	}
	return json.Marshal(struct {
		ID        string    `json:"id,omitempty"`
		Account   string    `json:"account"`
		Text      string    `json:"text,omitempty"`
		Links     []string  `json:"links,omitempty"`
		Media     []string  `json:"media,omitempty"`
		Approvers []string  `json:"approvers"`
		From      time.Time `json:"valid_from,omitzero"`
		Until     time.Time `json:"valid_until,omitzero"`
		MaxUses   int       `json:"max_uses"`
		Tool      string    `json:"tool"`
	}{c.ID, c.Account, text, c.Link, c.Media, c.By, c.From, until, c.Uses, "picket approve"})
}
