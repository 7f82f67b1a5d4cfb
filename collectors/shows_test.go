package collectors

import (
	"testing"

	"github.com/picketd/picket/collectors/activity"
)

func TestShows(t *testing.T) {
	s := Shows{
		Kinds:   []activity.Kind{activity.KindPost},
		Without: map[string]Lack{"app": {Why: "no app"}, "geo": {Why: "no place", Mend: "ask"}},
	}
	s.HideKinds(Lack{Why: "no logins"}, activity.KindLogin, activity.KindLogout)

	kinds := map[activity.Kind]struct {
		lack Lack
		ok   bool
	}{
		activity.KindPost:   {Lack{}, true},
		activity.KindLogin:  {Lack{Why: "no logins"}, false},
		activity.KindLogout: {Lack{Why: "no logins"}, false},
		activity.KindEdit:   {Lack{}, false},
	}
	for kind, want := range kinds {
		if lack, ok := s.Kind(kind); lack != want.lack || ok != want.ok {
			t.Errorf("kind %s: %+v, %v; want %+v, %v", kind, lack, ok, want.lack, want.ok)
		}
	}
	fields := map[string]struct {
		lack Lack
		ok   bool
	}{
		"text":        {Lack{}, true},
		"app":         {Lack{Why: "no app"}, false},
		"geo":         {Lack{Why: "no place", Mend: "ask"}, false},
		"geo.country": {Lack{Why: "no place", Mend: "ask"}, false},
		"geography":   {Lack{}, true},
		"raw.app":     {Lack{}, true},
	}
	for field, want := range fields {
		if lack, ok := s.Field(activity.KindPost, field); lack != want.lack || ok != want.ok {
			t.Errorf("field %s: %+v, %v; want %+v, %v", field, lack, ok, want.lack, want.ok)
		}
	}
	if lack, ok := s.Field(activity.KindMention, "app"); !ok {
		t.Errorf("of a mention: %+v; it is somebody else's", lack)
	}
}
