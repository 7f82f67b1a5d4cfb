package app

import (
	"fmt"

	"github.com/picketd/picket/alerting/notify"
	"github.com/picketd/picket/cmd/internal/config"
)

// notifierOf builds the output of a receiver.
func notifierOf(r *config.Receiver) (notify.Notifier, error) {
	switch r.Type {
	}
	return nil, fmt.Errorf("receivers of type %q are unknown", r.Type)
}
