package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/picketd/picket/rules/packs"
)

// site is a daemon's directory, the network that it watches, and both
// processes.
type site struct {
	dir, network string
	daemon       *process
	fake         *process // the network
	http, nats   string   // where the daemon listens
}

// newSite starts a fake X with three accounts and writes a configuration that
// watches them.
func newSite(t *testing.T, natsSection string) *site {
	t.Helper()
	s := &site{dir: t.TempDir()}
	s.fake = s.run(t, fakeX)
	at, err := s.fake.says(`(http://\S+)\n`)
	if err != nil {
		t.Fatal(err)
	}
	s.network = at[1]
	for _, handle := range []string{"acme", "bank", "club"} {
		s.admin(t, "accounts", fmt.Sprintf(`{"handle": %q, "name": %q, "link": "https://%s.example/"}`, handle, strings.ToUpper(handle[:1])+handle[1:], handle))
		s.tweet(t, handle, "An older post of "+handle, time.Now().AddDate(0, 0, -2))
	}
	s.write(t, "bearer", bearerToken)
	s.write(t, "webhook-token", webhookToken)
	s.write(t, "nats-password", natsPassword)
	s.write(t, "picket.yaml", fmt.Sprintf(`
data_dir: ./data
instance: live
%s
http: {listen: 127.0.0.1:0}
log: {level: debug, format: json}
rules: {packs: [], dirs: [./rules]}
credentials:
  acme-x: {collector: x, base_url: %q, bearer_token: {file: ./bearer}}
accounts:
  - {account: x/acme, credential: acme-x, every: 1s, owner: Jane Roe, contact: "+49 30 123456", time_zone: Europe/Berlin, guarded_by: [okta/editor-2]}
  - {account: x/bank, credential: acme-x, every: 1s, approvals: required}
  - {account: x/club, credential: acme-x, every: 1s}
intake: {webhook: {tokens: [{name: okta, token: {file: ./webhook-token}}]}}
`, natsSection, s.network))
	files, err := packs.Load("social")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files { // the built-in rules, but a grace that a test can wait for
		s.write(t, "rules/"+filepath.Base(f.Name), strings.ReplaceAll(string(f.Data), "grace: 2m", "grace: 1s"))
	}
	return s
}

func (s *site) write(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts a process that ends with the test, in an orderly way.
func (s *site) run(t *testing.T, name string, args ...string) *process {
	t.Helper()
	p, err := start(s.dir, name, os.Environ(), args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// start starts the daemon and waits until it watches.
func (s *site) start(t *testing.T) {
	t.Helper()
	s.daemon = s.run(t, "picket", "run", "--config", "picket.yaml")
	at, err := s.daemon.says(`http://(\S+)/metrics\n(?:.*nats://(\S+) )?`)
	if err != nil {
		t.Fatal(err)
	}
	s.http, s.nats = "http://"+at[1], at[2]
}

// listenAs connects to the embedded server as one of its users.
func (s *site) listenAs(t *testing.T, user string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	pw, err := os.ReadFile(filepath.Join(s.dir, "data", "nats", user+".password"))
	if err != nil {
		t.Fatal(err)
	}
	nc, err := nats.Connect("nats://"+s.nats, append(opts, nats.UserInfo(user, strings.TrimSpace(string(pw))))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// picket runs one command of the command line and returns what it prints.
func (s *site) picket(t *testing.T, args ...string) string {
	t.Helper()
	cmd := exec.Command("picket", args...)
	cmd.Dir = s.dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("picket %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

func (s *site) approve(t *testing.T, account, text string) {
	t.Helper()
	if out := s.picket(t, "approve", account, text, "--by", "ann", "--id", "a1"); out != "approved for "+account+" as a1\n" {
		t.Fatalf("approve: %s", out)
	}
}

// await waits until the metrics match and returns them.
func (s *site) await(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile("(?m)" + pattern)
	var body string
	if err := poll(func() (err error) {
		if body, err = get(s.http + "/metrics"); err == nil && !re.MatchString(body) {
			err = fmt.Errorf("no metric like %s\n%s", pattern, s.daemon.log())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return body
}

// admin changes the fake X.
func (s *site) admin(t *testing.T, what, body string) {
	t.Helper()
	send(t, s.network+"/_admin/"+what, "", body)
}

// tweet makes a post, at the zero time now.
func (s *site) tweet(t *testing.T, account, text string, at time.Time) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"account": account, "text": text, "lang": "en", "at": at})
	if err != nil {
		t.Fatal(err)
	}
	s.admin(t, "posts", string(body))
}

// teachLogins pushes 30 logins of 30 days, so that the rules about them judge.
func (s *site) teachLogins(t *testing.T) {
	t.Helper()
	var lines []string
	now := time.Now()
	for day := 30; day > 0; day-- {
		lines = append(lines, login(fmt.Sprint("login-", day), "DE", now.AddDate(0, 0, -day)))
	}
	s.push(t, lines...)
}

// push sends activities by webhook, which must all be accepted.
func (s *site) push(t *testing.T, activities ...string) {
	t.Helper()
	answer := send(t, s.http+"/v1/activities", webhookToken, "["+strings.Join(activities, ",")+"]")
	if !strings.Contains(answer, fmt.Sprintf(`"accepted":%d,"refused":0`, len(activities))) {
		t.Fatalf("pushed %d activities: %s", len(activities), answer)
	}
}

func login(id, country string, at time.Time) string {
	return fmt.Sprintf(`{"id":%q,"account":"okta/editor-2","kind":"login","time":%q,"actor":"editor-2","ip":"192.0.2.7","geo":{"country":%q,"asn":64500},"outcome":{"result":"success"}}`,
		id, at.UTC().Format(time.RFC3339Nano), country)
}

// send posts JSON and returns the answer, which must be 200.
func send(t *testing.T, url, token, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := web().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", url, resp.Status, err, answer)
	}
	return string(answer)
}
