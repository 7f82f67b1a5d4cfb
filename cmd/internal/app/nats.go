package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"go.uber.org/zap"
)

// Users of the embedded server's listener. Each has a generated password in a
// file of its own under data_dir/nats, readable by the daemon's user only.
const (
	UserAdmin  = "admin"  // everything: the picket command line
	UserAlerts = "alerts" // may subscribe to picket.alert.>
	UserIntake = "intake" // may publish to picket.intake.> and read its replies
)

// privateInbox begins the subjects of replies to the daemon and its command
// line, activities and alerts among them: UserIntake may read below _INBOX.
const privateInbox = "_PICKET"

// EmbeddedOptions say how the NATS server inside the daemon runs.
type EmbeddedOptions struct {
	DataDir string
	Listen  string // host:port, or "off" for no listener at all
	// Power makes every acknowledged message survive a power failure (fsync
	// for each); without it, messages of the last 100 ms survive a crash of
	// the process but not of the machine.
	Power bool
	// OpenAlerts lets anyone who can reach the listener subscribe to
	// picket.alert.> without a password.
	OpenAlerts bool
	Log        *zap.Logger
}

// Embedded is a NATS server with JetStream inside this process.
type Embedded struct {
	srv      *server.Server
	internal string
}

// StartEmbedded starts the server and waits until it serves.
func StartEmbedded(o EmbeddedOptions) (*Embedded, error) {
	internal, err := randomHex()
	if err != nil {
		return nil, err
	}
	users, err := listenerUsers(o.DataDir)
	if err != nil {
		return nil, err
	}
	opts := &server.Options{
		ServerName: "picket", JetStream: true, StoreDir: filepath.Join(o.DataDir, "jetstream"),
		SyncAlways: o.Power, NoSigs: true, DisableJetStreamBanner: true,
		Users:          append(users, &server.User{Username: "picket", Password: internal}),
		MaxControlLine: 4096,
	}
	if !o.Power {
		opts.SyncInterval = syncInterval
	}
	if o.OpenAlerts {
		opts.NoAuthUser = UserAlerts
	}
	if o.Listen == "off" {
		opts.DontListen = true
	} else if opts.Host, opts.Port, err = hostPort(o.Listen); err != nil {
		return nil, err
	}
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("embedded NATS server: %w", err)
	}
	log := newServerLog(o.Log)
	srv.SetLoggerV2(log, false, false, false)
	srv.Start()
	if !ready(srv, log) || !srv.JetStreamEnabled() {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, fmt.Errorf("embedded NATS server does not serve: %s", log.last())
	}
	return &Embedded{srv: srv, internal: internal}, nil
}

// startTime is how long a server may take until it serves.
const startTime = 30 * time.Second

// ready waits until a server serves. One that cannot, as where its port is taken,
// is not waited for.
func ready(srv *server.Server, log *serverLog) bool {
	for deadline := time.Now().Add(startTime); !log.ended() && time.Now().Before(deadline); {
		if srv.ReadyForConnections(50 * time.Millisecond) {
			return true
		}
	}
	return false
}

// Connect returns a connection inside the process, with all rights.
func (e *Embedded) Connect(opts ...nats.Option) (*nats.Conn, error) {
	opts = append(opts, nats.InProcessServer(e.srv), nats.UserInfo("picket", e.internal), nats.Name("picket"), nats.CustomInboxPrefix(privateInbox))
	nc, err := nats.Connect("", opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded NATS server: %w", err)
	}
	return nc, nil
}

// Address returns where the listener is, "" without one.
func (e *Embedded) Address() string {
	if a, ok := e.srv.Addr().(*net.TCPAddr); ok && a != nil {
		return a.String()
	}
	return ""
}

// Serving reports whether JetStream is still there: a fault of its disk may
// switch it off, and it does not come back by itself.
func (e *Embedded) Serving() bool { return e.srv.Running() && e.srv.JetStreamEnabled() }

// Close stops the server after what it acknowledged is on disk.
func (e *Embedded) Close() {
	e.srv.Shutdown()
	e.srv.WaitForShutdown()
}

func hostPort(listen string) (string, int, error) {
	host, p, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, fmt.Errorf("nats.listen %q: %w; expected host:port such as 127.0.0.1:4222, or off", listen, err)
	}
	port, err := strconv.Atoi(p)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, fmt.Errorf("nats.listen %q: port is not a number from 0 to 65535", listen)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// listenerUsers reads the generated passwords, making those that are missing.
func listenerUsers(dataDir string) ([]*server.User, error) {
	permissions := map[string]*server.Permissions{
		// Whoever may publish reads below _INBOX, and so what others are answered
		// there: the admin asks for answers elsewhere, as under _PICKET.
		UserAdmin: {Subscribe: &server.SubjectPermission{Deny: []string{"_INBOX.>"}}},
		UserAlerts: {
			Publish:   &server.SubjectPermission{Deny: []string{">"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"picket.alert.>"}},
		},
		UserIntake: {
			Publish:   &server.SubjectPermission{Allow: []string{"picket.intake.>"}},
			Subscribe: &server.SubjectPermission{Allow: []string{"_INBOX.>"}},
		},
	}
	var users []*server.User
	for _, name := range []string{UserAdmin, UserAlerts, UserIntake} {
		pw, err := ensurePassword(dataDir, name)
		if err != nil {
			return nil, err
		}
		users = append(users, &server.User{Username: name, Password: pw, Permissions: permissions[name]})
	}
	return users, nil
}

// PasswordFile is where the password of one of the listener's users is kept.
func PasswordFile(dataDir, user string) string {
	return filepath.Join(dataDir, "nats", user+".password")
}

func ensurePassword(dataDir, user string) (string, error) {
	path := PasswordFile(dataDir, user)
	data, err := os.ReadFile(path)
	if err == nil {
		if pw := strings.TrimSpace(string(data)); pw != "" {
			return pw, nil
		}
		return "", fmt.Errorf("%s is empty: delete it, a new password is made at the next start", path)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read password of NATS user %s: %w", user, err)
	}
	pw, err := randomHex()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("keep password of NATS user %s: %w", user, err)
	}
	if err := writeWhole(path, pw+"\n"); err != nil {
		return "", fmt.Errorf("keep password of NATS user %s: %w", user, err)
	}
	return pw, nil
}

func randomHex() (string, error) {
	var b [24]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("random password: %w", err)
	}
	return hex.EncodeToString(b[:]), nil
}

// connectOptions are those of every connection of the daemon: it waits for a
// server that is away, however long.
func connectOptions(log *zap.Logger) []nats.Option {
	return []nats.Option{
		nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.RetryOnFailedConnect(true),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("NATS connection lost; waiting for it", zap.Error(err))
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info("NATS connection is back", zap.String("server", nc.ConnectedServerName()))
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if errors.Is(err, context.Canceled) {
				return
			}
			subject := ""
			if sub != nil {
				subject = sub.Subject
			}
			log.Warn("NATS", zap.String("subject", subject), zap.Error(err))
		}),
	}
}
