// Package builtin is the list of the collectors that Picket has, one line each.
// What a collector is belongs in its own folder.
package builtin

import (
	"slices"
	"sync"

	"github.com/picketd/picket/collectors"
	"github.com/picketd/picket/collectors/bluesky"
	"github.com/picketd/picket/collectors/entra"
	"github.com/picketd/picket/collectors/facebook"
	"github.com/picketd/picket/collectors/github"
	"github.com/picketd/picket/collectors/googleworkspace"
	"github.com/picketd/picket/collectors/instagram"
	"github.com/picketd/picket/collectors/linkedin"
	"github.com/picketd/picket/collectors/reddit"
	"github.com/picketd/picket/collectors/youtube"
)

// Specs returns the collectors, ordered by name.
func Specs() []collectors.Spec { return slices.Clone(specs()) }

//nolint:gochecknoglobals // made once: it is looked up for every account
var specs = sync.OnceValue(func() []collectors.Spec {
	return []collectors.Spec{
		bluesky.Spec(),
		entra.Spec(),
		facebook.Spec(),
		github.Spec(),
		googleworkspace.Spec(),
		instagram.Spec(),
		linkedin.Spec(),
		reddit.Spec(),
		youtube.Spec(),
	}
})

// Spec returns the collector of that name.
func Spec(name string) (collectors.Spec, bool) {
	all := specs()
	i := slices.IndexFunc(all, func(s collectors.Spec) bool { return s.Name == name })
	if i < 0 {
		return collectors.Spec{}, false
	}
	return all[i], true
}
