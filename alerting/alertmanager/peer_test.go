package alertmanager

import "testing"

// TestPaid holds that what an Alertmanager misses while it is told of older
// things stays owed.
func TestPaid(t *testing.T) {
	p := newPeer("http://am.acme.example")
	p.owe("in-1", []alert{{GeneratorURL: "older"}})
	p.owe("in-2", nil)
	debts := p.debts()
	p.owe("in-1", []alert{{GeneratorURL: "newer"}})
	p.paid(debts)
	left := p.debts()
	if len(left) != 1 || left[0].incident != "in-1" || left[0].alerts[0].GeneratorURL != "newer" {
		t.Errorf("owed: %+v, want the newer of in-1", left)
	}
}
