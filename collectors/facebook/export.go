package facebook

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/metagraph"
)

// exported is an item of profile_posts_1.json.
type exported struct {
	Timestamp   int64                              `json:"timestamp"`
	Title       metagraph.Loose[metagraph.Mended]  `json:"title"` // "Acme updated their cover photo."
	Data        metagraph.Loose[[]exportedText]    `json:"data"`
	Attachments metagraph.Loose[[]exportedHanging] `json:"attachments"`
	Tags        metagraph.Loose[[]exportedName]    `json:"tags"`
}

type exportedText struct {
	Post metagraph.Loose[metagraph.Mended] `json:"post"`
}

type exportedName struct {
	Name metagraph.Mended `json:"name"`
}

type exportedHanging struct {
	Data metagraph.Loose[[]struct {
		Media struct {
			URI metagraph.Loose[metagraph.Mended] `json:"uri"`
		} `json:"media"`
		External struct {
			URL metagraph.Loose[metagraph.Mended] `json:"url"`
		} `json:"external_context"`
	}] `json:"data"`
}

// ExportedPost maps an item of profile_posts_1.json, in what Facebook gives to
// who downloads a Page's information, as Poll maps the post where it can. The
// file says neither the post's id nor with which app and by whom it was made,
// nor whether it shares another: each is a post, with an id of its own that is
// made of its time. Network and Account are the caller's to set.
func ExportedPost(data []byte) (activity.Activity, error) {
	p := exported{}
	if err := json.Unmarshal(data, &p); err != nil {
		return activity.Activity{}, fmt.Errorf("expected a post (an object): %w", err)
	}
	at, err := metagraph.ExportTime("timestamp", p.Timestamp)
	if err != nil {
		return activity.Activity{}, err
	}
	a := activity.Activity{ID: fmt.Sprintf("%spost/%d", activity.ExportID, p.Timestamp), Kind: activity.KindPost, Time: at}
	var texts []string
	for _, d := range p.Data.V {
		if d.Post.V != "" {
			texts = append(texts, string(d.Post.V))
		}
	}
	text, tagged := untag(cmp.Or(strings.Join(texts, "\n\n"), string(p.Title.V)))
	for _, t := range p.Tags.V {
		tagged = append(tagged, named{Name: string(t.Name)})
	}
	fill(&a, text, tagged)
	for _, h := range p.Attachments.V {
		for _, part := range h.Data.V {
			if m, ok := metagraph.ExportFile(string(part.Media.URI.V)); ok {
				a.Media = append(a.Media, m)
			}
			link := string(part.External.URL.V)
			if domain := metagraph.Domain(link); domain != "" {
				a.Links = metagraph.AppendNew(a.Links, link)
				a.LinkDomains = metagraph.AppendNew(a.LinkDomains, domain)
			}
		}
	}
	return a, nil
}

// untag replaces "@[100200300:274:Acme]" in a text, by which exports hold whom it
// tags, by the name, and returns the names.
func untag(text string) (string, tags) {
	form := regexp.MustCompile(`@\[\d+:\d+:([^\]\n]+)\]`)
	var tagged tags
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		tagged = append(tagged, named{Name: m[1]})
	}
	return form.ReplaceAllString(text, "$1"), tagged
}
