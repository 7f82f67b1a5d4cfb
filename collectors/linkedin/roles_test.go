package linkedin

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/linkedin/linkedintest"
)

func TestRoles(t *testing.T) {
	w := newWorld(t, linkedintest.Options{})
	role := func(member, role, state string) linkedintest.Role {
		return linkedintest.Role{Member: "urn:li:person:" + member, Role: role, State: state}
	}
	w.srv.SetRoles(role("jane", "ADMINISTRATOR", "APPROVED"), role("john", "CURATOR", "APPROVED"), role("tom", "ANALYST", "REQUESTED"), role("old", "ANALYST", "REVOKED"))
	cursor := w.connect()
	w.srv.SetRoles(
		role("jane", "ADMINISTRATOR", "APPROVED"), role("jane", "CONTENT_ADMINISTRATOR", "APPROVED"), role("john", "CURATOR", "REVOKED"),
		role("mallory", "ADMINISTRATOR", "APPROVED"), role("eve", "ADMINISTRATOR", "REQUESTED"), role("tom", "ANALYST", "REJECTED"),
	)
	as, page := w.drain(cursor)
	type change struct {
		ID      string
		Changed []string
		Profile []activity.Field
		Old     []activity.Field
	}
	var got []change
	for _, a := range as {
		if a.Kind == activity.KindRoleChange {
			got = append(got, change{a.ID, a.Changed, a.Profile, a.Old})
		}
	}
	f := func(name, value string) activity.Field { return activity.Field{Name: name, Value: value} }
	want := []change{
		{"roles-1-urn:li:person:eve", []string{"role_requested"}, []activity.Field{f("member_id", "urn:li:person:eve"), f("roles", "REQUESTED:ADMINISTRATOR")}, nil},
		{
			"roles-2-urn:li:person:jane",
			[]string{"role_granted"},
			[]activity.Field{f("member_id", "urn:li:person:jane"), f("roles", "ADMINISTRATOR CONTENT_ADMINISTRATOR")},
			[]activity.Field{f("roles", "ADMINISTRATOR")},
		},
		{"roles-3-urn:li:person:mallory", []string{"role_granted"}, []activity.Field{f("member_id", "urn:li:person:mallory"), f("roles", "ADMINISTRATOR")}, nil},
		{"roles-4-urn:li:person:john", []string{"role_revoked"}, []activity.Field{f("member_id", "urn:li:person:john")}, []activity.Field{f("roles", "CURATOR")}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	w.Pass(20 * time.Minute)
	if as, _ := w.drain(page.Cursor); len(ids(as)) != 0 {
		t.Errorf("told again: %v", ids(as))
	}
}

// A list of roles that is missing, empty or cannot be read in part never means
// that somebody lost a role.
func TestRolesMissing(t *testing.T) {
	for _, tt := range []struct {
		name, body string
		want       string // part of the error, empty where there is none
	}{
		{"no list", `{}`, "elements is missing; want a list"},
		{"empty", `{"elements":[],"paging":{}}`, "nobody has a role; want at least the member whose token this is"},
		{"of another page", `{"elements":[{"roleAssignee":"urn:li:person:jane","role":"ADMINISTRATOR","state":"APPROVED","organization":"urn:li:organization:1"}]}`, ""},
		{"of another form", `{"elements":[{"roleAssignee":7,"role":"ADMINISTRATOR","state":"APPROVED"}]}`, ""},
		{"of another state", `{"elements":[{"roleAssignee":"urn:li:person:jane","role":"ADMINISTRATOR","state":"MAYBE","organizationTarget":"` + linkedintest.URN + `"}]}`, ""},
		{"endless", `{"elements":[{"roleAssignee":"urn:li:person:jane","role":"ADMINISTRATOR","state":"APPROVED","organization":"` + linkedintest.URN + `"}],"paging":{"links":[{"rel":"next"}]}}`, "more than 5 pages of roles"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, linkedintest.Options{})
			cursor := w.connect()
			w.srv.AddFault(linkedintest.Fault{Endpoint: "organizationAcls", Status: http.StatusOK, Body: tt.body})
			as, err := w.tryAll(cursor)
			if len(ids(as)) != 0 {
				t.Errorf("told %v, want nothing", ids(as))
			}
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			w.srv.Heal()
			if as, _ := w.drain(cursor); len(ids(as)) != 0 {
				t.Errorf("told when all is well again: %v", ids(as))
			}
		})
	}
}
