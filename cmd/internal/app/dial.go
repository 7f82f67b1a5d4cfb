package app

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/picketd/picket/cmd/internal/config"
)

// AddressFile is where a daemon keeps the address of its embedded server's
// listener, for the command line.
func AddressFile(dataDir string) string { return filepath.Join(dataDir, "nats", "address") }

// connectExternal connects to the server that the configuration names.
func connectExternal(cfg *config.Config, opts ...nats.Option) (*nats.Conn, error) {
	n := cfg.NATS
	opts = append(opts, nats.Name("picket "+cfg.Instance), nats.CustomInboxPrefix(privateInbox))
	if n.Credentials != "" {
		opts = append(opts, nats.UserCredentials(n.Credentials))
	}
	if n.Token != "" {
		opts = append(opts, nats.Token(n.Token.Reveal()))
	}
	if n.User != "" {
		opts = append(opts, nats.UserInfo(n.User, n.Password.Reveal()))
	}
	if n.TLS.CA != "" {
		opts = append(opts, nats.RootCAs(n.TLS.CA))
	}
	if n.TLS.Cert != "" {
		opts = append(opts, nats.ClientCert(n.TLS.Cert, n.TLS.Key))
	}
	nc, err := nats.Connect(n.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS at %s: %w", n.URL, err)
	}
	return nc, nil
}

// Dial connects to the NATS server of a daemon as its command line does: to
// the listener of the embedded server, or to the external one.
func Dial(cfg *config.Config) (*nats.Conn, error) {
	if !cfg.NATS.Embedded() {
		return connectExternal(cfg)
	}
	address, err := os.ReadFile(AddressFile(cfg.DataDir))
	if err != nil {
		return nil, unreadable(cfg.DataDir, err)
	}
	host := strings.TrimSpace(string(address))
	if host == "" {
		return nil, errors.New("the daemon's NATS server has no listener: set nats.listen in the configuration to use this command")
	}
	pw, err := os.ReadFile(PasswordFile(cfg.DataDir, UserAdmin))
	if err != nil {
		return nil, unreadable(cfg.DataDir, err)
	}
	nc, err := nats.Connect("nats://"+host, nats.UserInfo(UserAdmin, strings.TrimSpace(string(pw))), nats.Name("picket command line"), nats.CustomInboxPrefix(privateInbox))
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) || errors.Is(err, nats.ErrNoServers) {
			return nil, fmt.Errorf("no picket answers at %s: is `picket run` running with this configuration? (%w)", host, err)
		}
		return nil, fmt.Errorf("connect to the daemon at %s: %w", host, err)
	}
	return nc, nil
}

// unreadable says why what a daemon keeps for the command line cannot be read.
func unreadable(dataDir string, err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("only the user that picket runs as may read data_dir %s: run this as that user, as with sudo -u picket (%w)", dataDir, err)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("no picket has run on data_dir %s yet: %w", dataDir, err)
	}
	return fmt.Errorf("read what the daemon keeps in data_dir %s: %w", dataDir, err)
}
