package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"

	"github.com/picketd/picket/alerting/delivery"
)

type deadCmd struct {
	Ls    deadLsCmd    `cmd:"" help:"List messages that were given up, oldest first."`
	Show  deadShowCmd  `cmd:"" help:"Show one of them."`
	Retry deadRetryCmd `cmd:"" help:"Send them again, with the time of new ones."`
}

type deadLsCmd struct {
	withConfig
	Receiver string `help:"Only those of this receiver."`
	JSON     bool   `help:"Print JSON lines."`
}

// numbered is a dead letter as --json prints it.
type numbered struct {
	Number uint64 `json:"number"`
	delivery.Letter
}

// Run lists dead letters.
func (c *deadLsCmd) Run(e *env) error {
	o, _, done, err := c.outbox(e)
	if err != nil {
		return err
	}
	defer done()
	letters, err := o.Letters(e.ctx, c.Receiver)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		for i := range letters {
			if err := enc.Encode(numbered{letters[i].Number, letters[i]}); err != nil {
				return err
			}
		}
		return nil
	}
	if len(letters) == 0 {
		_, err := fmt.Fprintln(e.out, "no dead letters")
		return err
	}
	w := tabwriter.NewWriter(e.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NUMBER\tRECEIVER\tGIVEN UP\tATTEMPTS\tMESSAGE\tERROR")
	for i := range letters {
		l := &letters[i]
		fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\t%s\n", l.Number, l.Message.Receiver, l.Died.UTC().Format("2006-01-02 15:04Z"), l.Attempts, l.Message.Title, l.Error)
	}
	return w.Flush()
}

type deadShowCmd struct {
	withConfig
	Number uint64 `arg:"" help:"Number of the dead letter."`
	JSON   bool   `help:"Print it as it is stored."`
}

// Run shows one dead letter.
func (c *deadShowCmd) Run(e *env) error {
	o, _, done, err := c.outbox(e)
	if err != nil {
		return err
	}
	defer done()
	l, err := o.Letter(e.ctx, c.Number)
	if err != nil {
		return err
	}
	if c.JSON {
		enc := json.NewEncoder(e.out)
		enc.SetIndent("", "  ")
		return enc.Encode(numbered{l.Number, l})
	}
	const clock = "2006-01-02 15:04:05Z"
	_, err = fmt.Fprintf(e.out, "Receiver  %s\nKind      %s\nQueued    %s\nGiven up  %s, after %d attempts\nError     %s\n\n%s\n",
		l.Message.Receiver, l.Message.Kind, l.Queued.UTC().Format(clock), l.Died.UTC().Format(clock), l.Attempts, l.Error, l.Message.Text())
	return err
}

type deadRetryCmd struct {
	withConfig
	Number   []uint64 `arg:"" optional:"" help:"Numbers of dead letters."`
	Receiver string   `help:"All those of this receiver."`
	All      bool     `help:"All there are."`
}

// Run queues dead letters again; one that fails does not stop the others.
func (c *deadRetryCmd) Run(e *env) error {
	ways := 0
	for _, given := range []bool{len(c.Number) > 0, c.Receiver != "", c.All} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return errors.New("give numbers of dead letters, or --receiver, or --all")
	}
	o, _, done, err := c.outbox(e)
	if err != nil {
		return err
	}
	defer done()
	letters, faults := c.letters(e, o)
	for i := range letters {
		l := &letters[i]
		m, err := o.Retry(e.ctx, l)
		if errors.Is(err, delivery.ErrOver) && len(c.Number) == 0 {
			fmt.Fprintf(e.out, "%d is left: %v\n", l.Number, delivery.ErrOver)
			continue
		}
		if err != nil {
			faults = append(faults, err)
			continue
		}
		fmt.Fprintf(e.out, "%d queued again for %s: %s\n", l.Number, m.Receiver, m.Title)
	}
	if len(letters) == 0 && len(faults) == 0 {
		_, err := fmt.Fprintln(e.out, "no dead letters")
		return err
	}
	return errors.Join(faults...)
}

// letters are those that are to be sent again.
func (c *deadRetryCmd) letters(e *env, o *delivery.Outbox) (letters []delivery.Letter, faults []error) {
	if len(c.Number) == 0 {
		letters, err := o.Letters(e.ctx, c.Receiver)
		if err != nil {
			return nil, []error{err}
		}
		return letters, nil
	}
	for _, n := range c.Number {
		l, err := o.Letter(e.ctx, n)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		letters = append(letters, l)
	}
	return letters, faults
}
