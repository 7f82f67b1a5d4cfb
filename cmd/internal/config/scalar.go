package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/picketd/picket/collectors/activity"
)

// parsed is a key whose scalar is read by parse, whose error says what is
// wrong with the value and what was expected.
func parsed[T any](d *decoder, name, expected string, into *T, parse func(string) (T, error)) field {
	return field{name, func(n *yaml.Node, at string) {
		n, ok := d.scalar(n, at, expected)
		if !ok {
			return
		}
		value, err := parse(n.Value)
		if err != nil {
			d.at(n, at, "%v", err)
			return
		}
		*into = value
	}}
}

// text is a key whose value YAML takes for text. A number is refused: an id
// such as 0123 would come out as another one.
func (d *decoder) text(name string, into *string) field {
	return field{name, func(n *yaml.Node, at string) {
		if s, ok := d.word(n, at); ok {
			*into = s
		}
	}}
}

func (d *decoder) word(n *yaml.Node, at string) (string, bool) {
	n, ok := d.scalar(n, at, "text")
	switch {
	case !ok:
		return "", false
	case n.ShortTag() != "!!str":
		d.at(n, at, "expected text, got %s; put it in quotes", describe(n))
		return "", false
	case strings.TrimSpace(n.Value) == "":
		d.at(n, at, "is empty; expected text, or remove the key")
		return "", false
	}
	return n.Value, true
}

// texts is a key with a list of texts, none of which comes twice.
func (d *decoder) texts(name string, into *[]string, check func(string) error) field {
	return field{name, func(n *yaml.Node, at string) {
		*into = nil
		d.items(n, at, func(n *yaml.Node, at string) {
			s, ok := d.word(n, at)
			if !ok {
				return
			}
			if err := check(s); err != nil {
				d.at(resolve(n), at, "%v", err)
				return
			}
			if slices.Contains(*into, s) {
				d.at(resolve(n), at, "%q is in the list already; keep one", clip(s))
				return
			}
			*into = append(*into, s)
		})
	}}
}

func anyText(string) error { return nil }

func (d *decoder) truth(name string, into *bool) field {
	return parsed(d, name, "true or false", into, func(s string) (bool, error) {
		switch s {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		return false, fmt.Errorf("%q; expected true or false", clip(s))
	})
}

func (d *decoder) integer(name string, into *int, least, most int) field {
	expected := fmt.Sprintf("a whole number from %d to %d", least, most)
	return parsed(d, name, expected, into, func(s string) (int, error) {
		i, err := strconv.Atoi(s)
		if err != nil || i < least || i > most {
			return 0, fmt.Errorf("%q; expected %s", clip(s), expected)
		}
		return i, nil
	})
}

// decimal reads a number that is least or more.
func (d *decoder) decimal(name string, into *float64, least float64) field {
	const most = 1e12
	expected := fmt.Sprintf("a number, %g or more", least)
	return parsed(d, name, expected, into, func(s string) (float64, error) {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || !(f >= least && f <= most) {
			return 0, fmt.Errorf("%q; expected %s", clip(s), expected)
		}
		return f, nil
	})
}

// duration reads a duration from least to most; most 0 is unbounded.
func (d *decoder) duration(name string, into *time.Duration, least, most time.Duration) field {
	return parsed(d, name, "a duration such as 30s", into, func(s string) (time.Duration, error) {
		v, err := ParseDuration(s)
		switch {
		case err != nil:
			return 0, err
		case v < least:
			return 0, fmt.Errorf("%q is too short; expected %s or more", clip(s), written(least))
		case most > 0 && v > most:
			return 0, fmt.Errorf("%q is too long; expected %s or less", clip(s), written(most))
		}
		return v, nil
	})
}

func (d *decoder) size(name string, into *int64) field {
	return parsed(d, name, "a size such as 10GiB", into, parseSize)
}

// choice reads one of a few words.
func choice[T ~string](d *decoder, name string, into *T, options ...T) field {
	known := make([]string, len(options))
	for i, o := range options {
		known[i] = string(o)
	}
	return parsed(d, name, "one of "+strings.Join(known, ", "), into, func(s string) (T, error) {
		if slices.Contains(known, s) {
			return T(s), nil
		}
		return "", fmt.Errorf("%q is unknown%s", clip(s), suggest(s, known))
	})
}

// path is a key with the path of a file or folder, relative to the
// configuration's own folder.
func (d *decoder) path(name string, into *string) field {
	return field{name, func(n *yaml.Node, at string) {
		s, ok := d.word(n, at)
		if !ok {
			return
		}
		p, err := d.locate(s)
		if err != nil {
			d.at(resolve(n), at, "%v", err)
			return
		}
		*into = p
	}}
}

// locate returns the path that a file's text means.
func (d *decoder) locate(s string) (string, error) {
	switch {
	case strings.HasPrefix(s, "~"):
		return "", fmt.Errorf("%q: ~ is not expanded; write the home folder out", clip(s))
	case strings.ContainsRune(s, 0):
		return "", fmt.Errorf("%q is not a path; expected one without a NUL", clip(s))
	case filepath.IsAbs(s):
		return filepath.Clean(s), nil
	}
	return filepath.Join(d.dir, s), nil
}

// file is a path of a regular file that is there.
func (d *decoder) file(name string, into *string) field {
	inner := d.path(name, into)
	return field{name, func(n *yaml.Node, at string) {
		*into = ""
		inner.read(n, at)
		if *into == "" {
			return
		}
		if info, err := os.Stat(*into); err != nil {
			d.at(resolve(n), at, "%v; expected the path of a file, relative ones start at the configuration's folder", err)
		} else if info.IsDir() {
			d.at(resolve(n), at, "%q is a folder; expected the path of a file", clip(*into))
		}
	}}
}

// address checks host:port for a listener.
func address(s string) (string, error) {
	_, port, err := net.SplitHostPort(s)
	if err == nil {
		if _, err = strconv.ParseUint(port, 10, 16); err == nil {
			return s, nil
		}
	}
	return "", fmt.Errorf("%q is not a host and port; expected an address such as 127.0.0.1:9465", clip(s))
}

// natsURLs checks one or several server URLs.
func natsURLs(s string) (string, error) {
	for one := range strings.SplitSeq(s, ",") {
		u, err := url.Parse(strings.TrimSpace(one))
		switch {
		case err == nil && u.User != nil:
			return "", errors.New("a URL holds a user or token; give nats.user and nats.password, or nats.token, from a file or the environment")
		case err != nil || u.Host == "" || !slices.Contains([]string{"nats", "tls", "ws", "wss"}, u.Scheme):
			return "", errors.New("not a list of NATS URLs; expected nats://host:4222 or tls://host:4222, several with commas between them")
		}
	}
	return s, nil
}

// webURL checks the base of an HTTP API. Requests carry the credential, so it
// leaves this machine encrypted only.
func webURL(s string) (string, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return "", errors.New("not a web address; expected one such as https://api.example.com")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return "", errors.New("holds more than scheme, host and path; expected an address such as https://api.example.com")
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("%q would send the credential in the clear; expected https (http is taken for loopback only)", clip(s))
	}
	return s, nil
}

// subject checks a NATS subject to listen on: literal, and none of Picket's own.
func subject(s string) (string, error) {
	for token := range strings.SplitSeq(s, ".") {
		if token == "" || token == "*" || token == ">" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
			return "", fmt.Errorf("%q is not a literal NATS subject; expected words with dots between them, such as picket.intake.activities", clip(s))
		}
	}
	for _, own := range []string{"picket.activity.", "picket.alert.", "picket.api.", "picket.alertstate.", "picket.coverage", "picket.match.", "picket.silence.", "picket.tick.", "picket.notify.", "picket.notified.", "picket.receiver.", "picket.deadletter.", "$", "_"} {
		if strings.HasPrefix(s, own) {
			return "", fmt.Errorf("%q is among the subjects that Picket or the server uses itself; expected another, such as picket.intake.activities", clip(s))
		}
	}
	return s, nil
}

// accountName checks the form network/name by the rule that activities are
// held to, so that what is configured can also arrive.
func accountName(s string) error {
	network, _, _ := strings.Cut(s, "/")
	probe := activity.Activity{ID: "probe", Network: network, Account: s, Kind: activity.KindPost, Time: time.Unix(1e9, 0)}
	var fault *activity.FieldError
	if err := probe.Validate(); errors.As(err, &fault) {
		return errors.New(fault.Msg)
	}
	return nil
}

// accountPattern checks an account, or the beginning of some with a * behind.
func accountPattern(s string) error {
	if i := strings.IndexByte(s, '*'); !strings.Contains(s, "/") || i >= 0 && i != len(s)-1 {
		return fmt.Errorf("%q is not an account or the beginning of some; expected x/acme, or x/* for all of a network", clip(s))
	}
	return nil
}

func zone(s string) (*time.Location, error) {
	loc, err := time.LoadLocation(s)
	if err != nil || s == "Local" {
		return nil, fmt.Errorf("%q is not a time zone; expected a name of the IANA database such as Europe/Berlin or UTC", clip(s))
	}
	return loc, nil
}
