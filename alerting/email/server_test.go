package email_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// secret is a password as the configuration holds it.
type secret string

func (s secret) Reveal() string { return string(s) }

// certificate returns a certificate for a name, and a pool with who signed it.
func certificate(t *testing.T, name string) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key := func() *ecdsa.PrivateKey {
		k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	caKey, leafKey := key(), key()
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := x509.ParseCertificate(caDER)
	if err != nil {
		t.Fatal(err)
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, signed, leafKey.Public(), caKey)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(signed)
	return tls.Certificate{Certificate: [][]byte{leafDER}, PrivateKey: leafKey}, pool
}

// received is one mail that the server took.
type received struct {
	from, to string
	data     []byte
}

// mailServer is a real SMTP server that does as it is told.
type mailServer struct {
	address string
	roots   *x509.CertPool

	mu       sync.Mutex
	mails    []received
	as       []string // who logged in, "PLAIN picket"
	rcpt     map[string]error
	data     error
	cut      int  // so many mails are taken and the connection cut instead of an answer
	mustAuth bool // and what is in password
	password string
}

// serve starts a server; tune may change it before.
func serve(t *testing.T, implicit bool, tune func(*mailServer, *smtp.Server)) *mailServer {
	t.Helper()
	cert, roots := certificate(t, "smtp.acme.example")
	s := &mailServer{roots: roots, rcpt: map[string]error{}, password: "hunter2-secret"}
	srv := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{s: s, conn: c}, nil }))
	srv.Domain, srv.ErrorLog = "smtp.acme.example", quiet{}
	config := &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
	if !implicit {
		srv.TLSConfig = config
	}
	if tune != nil {
		tune(s, srv)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	if implicit {
		l = tls.NewListener(l, config)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l)
	}()
	t.Cleanup(func() {
		_ = srv.Close()
		_ = l.Close() // where Serve had not begun
		<-done
	})
	return s
}

// dial reaches the server whatever name is asked for.
func (s *mailServer) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, network, s.address)
}

func (s *mailServer) taken() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.mails...)
}

func (s *mailServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

type session struct {
	s        *mailServer
	conn     *smtp.Conn
	from, to string
	known    bool
}

func (c *session) Reset()        { c.from, c.to = "", "" }
func (c *session) Logout() error { return nil }

func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	if c.s.mustAuth && !c.known {
		return smtp.ErrAuthRequired
	}
	c.from = from
	return nil
}

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.to = to
	return c.s.rcpt[to]
}

func (c *session) Data(r io.Reader) error {
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.data != nil {
		return c.s.data
	}
	c.s.mails = append(c.s.mails, received{from: c.from, to: c.to, data: data})
	if c.s.cut > 0 {
		c.s.cut--
		_ = c.conn.Conn().Close()
	}
	return nil
}

func (c *session) AuthMechanisms() []string { return []string{"PLAIN", "LOGIN", "XOAUTH2"} }

func (c *session) Auth(mech string) (sasl.Server, error) {
	check := func(user, password string) error {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		if password != c.s.password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no such password: " + password}
		}
		c.known = true
		c.s.as = append(c.s.as, mech+" "+user)
		return nil
	}
	switch mech {
	case "PLAIN":
		return sasl.NewPlainServer(func(_, user, password string) error { return check(user, password) }), nil
	case "LOGIN":
		return &login{check: check}, nil
	case "XOAUTH2":
		return xoauth2(check), nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

// login asks for the user, then for the password.
type login struct {
	check func(user, password string) error
	step  int
	user  string
}

func (l *login) Next(response []byte) ([]byte, bool, error) {
	l.step++
	switch l.step {
	case 1:
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}

// xoauth2 takes "user=…\x01auth=Bearer …\x01\x01" as Google documents it.
type xoauth2 func(user, token string) error

func (x xoauth2) Next(response []byte) ([]byte, bool, error) {
	parts := bytes.Split(response, []byte{1})
	if len(parts) != 4 {
		return nil, true, errors.New("malformed")
	}
	user, _ := strings.CutPrefix(string(parts[0]), "user=")
	token, _ := strings.CutPrefix(string(parts[1]), "auth=Bearer ")
	return nil, true, x(user, token)
}
