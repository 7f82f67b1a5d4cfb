package activity

import (
	"strings"
	"testing"
)

// TestClasses says what retention keeps for how long; see "Privacy" in the
// README.
func TestClasses(t *testing.T) {
	got := map[Class][]string{}
	for _, k := range Kinds() {
		got[k.Class()] = append(got[k.Class()], string(k))
	}
	for class, want := range map[Class]string{
		ClassPosts:    "post repost reply edit delete message profile followers approval poll verdict",
		ClassLogins:   "login login_failure logout session token_grant token_revoke mfa_change password_change role_change",
		ClassMentions: "mention",
	} {
		if kinds := strings.Join(got[class], " "); kinds != want {
			t.Errorf("class %d has %s, want %s", class, kinds, want)
		}
	}
}
