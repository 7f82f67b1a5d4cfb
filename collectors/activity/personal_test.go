package activity

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// impersonal returns a without its personal members.
func impersonal(a Activity) Activity {
	a.Actor, a.IP, a.UserAgent, a.Geo, a.Raw = "", "", "", Geo{}, nil
	return a
}

// TestPersonalMembersAreOneRange holds the layout that allows to seal them in
// place: whichever of them there are, they are what stands between the other
// members and the end.
func TestPersonalMembersAreOneRange(t *testing.T) {
	var d Decoder
	for mask := range 1 << 5 {
		a := full()
		for i, drop := range []func(){
			func() { a.Actor = "" }, func() { a.IP = "" }, func() { a.UserAgent = "" },
			func() { a.Geo = Geo{} }, func() { a.Raw = nil },
		} {
			if mask>>i&1 == 1 {
				drop()
			}
		}
		bare := impersonal(a)
		data, rest := AppendActivity(nil, &a), AppendActivity(nil, &bare)
		rest = rest[:len(rest)-1]
		if !bytes.HasPrefix(data, rest) {
			t.Fatalf("members %05b absent: the others are not in one range:\n%s\n%s", mask, data, rest)
		}
		personal := bytes.Trim(data[len(rest):], ",}")
		for _, value := range []string{"dana@acme", "2001:db8", "Mozilla", "Berlin", "user.session"} {
			if bytes.Contains(rest, []byte(value)) {
				t.Errorf("members %05b absent: %s is outside the range", mask, value)
			}
		}
		if len(personal) == 0 != (mask == 1<<5-1) {
			t.Errorf("members %05b absent: the range holds %q", mask, personal)
		}

		sealed := append(bytes.Clone(rest), `,"sealed":"bm90IGZvciB5b3U="}`...)
		var got Activity
		if err := d.Activity(sealed, &got); err != nil {
			t.Fatalf("members %05b absent: a sealed activity: %v", mask, err)
		}
		same(t, bare, got)
	}
}

// TestEarlierOrder reads what journals hold that were written before personal
// members had a place of their own.
func TestEarlierOrder(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("testdata", "earlier_order.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := Decoder{Strict: true}
	var got Activity
	if err := d.Activity(data, &got); err != nil {
		t.Fatal(err)
	}
	want := full()
	want.Verdict = Verdict{} // which there was not yet
	same(t, want, got)
}
