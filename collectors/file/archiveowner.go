package file

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/intake"
)

// The small files of an archive.
const (
	accountFile  = "account.js"
	profileFile  = "profile.js"
	manifestFile = "manifest.js"
	maxSmallFile = 1 << 20
)

// owner is what account.js says of the account.
type owner struct {
	Account struct {
		Username string `json:"username"`
		ID       string `json:"accountId"`
		Name     string `json:"accountDisplayName"`
	} `json:"account"`
}

// appearance is what profile.js says of it.
type appearance struct {
	Profile struct {
		Description struct {
			Bio      string `json:"bio"`
			Website  string `json:"website"`
			Location string `json:"location"`
		} `json:"description"`
		Avatar string `json:"avatarMediaUrl"`
		Header string `json:"headerMediaUrl"`
	} `json:"profile"`
}

// identify reads whose archive it is and how the profile looked. A small file
// that is broken is kept as a fault; only an account without a name is fatal.
func (a *archive) identify() error {
	var who owner
	if _, err := a.first(accountFile, &who); err != nil {
		a.faults = append(a.faults, err)
	}
	a.owner = Owner{Username: who.Account.Username, ID: who.Account.ID}
	if a.account == "" {
		if who.Account.Username == "" {
			return errors.Join(append(a.faults, errors.New("account.js does not name the account; say which connected account this is, such as x/acme"))...)
		}
		a.account = "x/" + who.Account.Username
	}
	if network, name, ok := strings.Cut(a.account, "/"); !ok || network == "" || name == "" {
		return fmt.Errorf(`account %q; expected "network/name" such as "x/acme"`, a.account)
	}
	var looks appearance
	found, err := a.first(profileFile, &looks)
	if err != nil {
		a.faults = append(a.faults, err)
	}
	if !found {
		return nil
	}
	made, err := a.made()
	if err != nil {
		a.faults = append(a.faults, err)
	}
	if !made.IsZero() {
		a.profile = a.profileOf(&who, &looks, made)
	}
	return nil
}

// profileOf maps the profile with the field names that the x collector uses,
// nil where it is empty.
func (a *archive) profileOf(who *owner, looks *appearance, made time.Time) *activity.Activity {
	network, _, _ := strings.Cut(a.account, "/")
	p := &looks.Profile
	fields := present(
		activity.Field{Name: "banner", Value: p.Header},
		activity.Field{Name: "description", Value: p.Description.Bio},
		activity.Field{Name: "handle", Value: who.Account.Username},
		activity.Field{Name: "link", Value: p.Description.Website},
		activity.Field{Name: "location", Value: p.Description.Location},
		activity.Field{Name: "name", Value: who.Account.Name},
		activity.Field{Name: "picture", Value: p.Avatar},
	)
	if len(fields) == 0 {
		return nil
	}
	return &activity.Activity{
		ID: "archive/" + made.Format(time.RFC3339), Network: network, Account: a.account,
		Kind: activity.KindProfile, Time: made, Profile: fields,
	}
}

// present drops fields without a value. Their order, by name, stays.
func present(fields ...activity.Field) []activity.Field {
	kept := fields[:0]
	for _, f := range fields {
		if f.Value != "" {
			kept = append(kept, f)
		}
	}
	return kept
}

// made reads when the archive was made. The folders of old archives do not
// say: then the profile cannot be dated and is left out.
func (a *archive) made() (time.Time, error) {
	var manifest struct {
		Archive struct {
			Made string `json:"generationDate"`
		} `json:"archiveInfo"`
	}
	data, err := a.small(manifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	_, object, _ := bytes.Cut(data, []byte("=")) // window.__THAR_CONFIG = {…}
	if err := json.Unmarshal(object, &manifest); err != nil {
		return time.Time{}, &ItemError{File: manifestFile, Line: 1, Err: fmt.Errorf("expected an object after =: %w", err)}
	}
	at, err := archiveTime(manifest.Archive.Made)
	if err != nil {
		return time.Time{}, &ItemError{File: manifestFile, Line: 1, Err: fmt.Errorf("archiveInfo.generationDate: %w", err)}
	}
	return at, nil
}

// first decodes the first item of a small data file.
func (a *archive) first(name string, into any) (found bool, err error) {
	data, err := a.small(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	elements, err := openElements(bytes.NewReader(data))
	if err != nil {
		return false, &ItemError{File: name, Line: 1, Err: err}
	}
	el, err := elements.Next()
	switch {
	case errors.Is(err, io.EOF):
		return false, nil
	case err != nil:
		return false, structureFault(name, err)
	}
	if err := decodeItem(el.Data, into); err != nil { // no item of a small file is too long
		return false, &ItemError{File: name, Line: el.Line, Err: err}
	}
	return true, nil
}

// small reads a small file whole.
func (a *archive) small(name string) ([]byte, error) {
	in, err := a.files.open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(in, maxSmallFile+1))
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, &ItemError{File: name, Line: 1, Err: err}
	}
	if len(data) > maxSmallFile {
		return nil, &ItemError{File: name, Line: 1, Err: fmt.Errorf("%w: more than %d bytes", intake.ErrTooLong, maxSmallFile)}
	}
	return data, nil
}
