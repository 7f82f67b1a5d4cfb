package window

import "testing"

func TestOrdered(t *testing.T) {
	const span = 10
	for _, tt := range []struct {
		name   string
		events []Event // the last one came last
		steps  int
		want   string
	}{
		{"in order", []Event{{1, 1, 1}, {5, 2, 2}, {9, 3, 3}}, 3, "1-9"},
		{"too far apart", []Event{{1, 1, 1}, {5, 2, 2}, {11, 3, 3}}, 3, ""},
		{"a later first step", []Event{{1, 1, 1}, {4, 4, 1}, {5, 2, 2}, {11, 3, 3}}, 3, "4-11"},
		{"told late", []Event{{1, 1, 1}, {9, 3, 3}, {5, 2, 2}}, 3, "1-9"},
		{"wrong order", []Event{{1, 1, 2}, {5, 2, 1}}, 2, ""},
		{"the same moment", []Event{{5, 9, 1}, {5, 2, 2}}, 2, "5-5"},
		{"one event is one step", []Event{{5, 9, 1}, {5, 9, 2}}, 2, ""},
		{"an event that is both steps after another one", []Event{{3, 7, 1}, {3, 7, 2}, {7, 9, 1}, {7, 9, 2}}, 2, "3-7"},
		{"both steps at the same moment, twice", []Event{{7, 1, 1}, {7, 9, 1}, {7, 9, 2}}, 2, "7-7"},
		{"one event is not two steps around another", []Event{{5, 9, 1}, {5, 2, 2}, {5, 9, 3}}, 3, ""},
		{"a step given to another event", []Event{{5, 9, 1}, {5, 2, 1}, {5, 9, 2}, {5, 2, 2}, {5, 9, 3}, {5, 1, 1}}, 3, "5-5"},
		{"what comes after it is no part of it", []Event{{1, 1, 1}, {2, 2, 2}, {8, 3, 1}}, 2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var s Sliding
			for _, ev := range tt.events {
				s.Add(ev, span, 100, false)
			}
			got := ""
			if found, ok := s.Ordered(tt.events[len(tt.events)-1], span, tt.steps); ok {
				got = string(rune('0'+found.First.Time)) + "-"
				if found.Last.Time >= 10 {
					got += "1"
				}
				got += string(rune('0' + found.Last.Time%10))
			}
			if got != tt.want {
				t.Errorf("found %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTrailingAndAfter(t *testing.T) {
	var s Sliding
	for i := range int64(6) {
		s.Add(Event{Time: 4 * i, Key: uint64(i)}, 10, 100, false)
	}
	at := s.Events[3] // of 0 4 8 12 16 20
	if got := s.Trailing(at, 10); len(got) != 3 || got[0].Time != 4 || got[2].Time != 12 {
		t.Errorf("trailing: %v, want 4 to 12", got)
	}
	if got := s.After(at, 8); len(got) != 2 || got[0].Time != 12 || got[1].Time != 16 {
		t.Errorf("after: %v, want 12 and 16", got)
	}
}
