package exports

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/youtube"
)

// takeout is Google Takeout's export of YouTube, in which there may be several
// channels of one Google account.
type takeout struct {
	*sorted
	found    bool              // a table of videos or comments
	channels map[string]string // their handles, "" where not told, by their ids
	others   []string          // names of tables that are not known
}

// takeoutFile is one file of it. Takeout cuts large ones into "comments.csv",
// "comments(1).csv" and so on.
type takeoutFile struct {
	name  *regexp.Regexp
	needs []string // columns
	told  bool     // that it is about what was done, not by whom
	read  func(t *takeout, file string, n int, row map[string]string) error
}

func takeoutFiles() []takeoutFile {
	return []takeoutFile{
		{regexp.MustCompile(`(?i)^videos(\(\d+\))?\.csv$`), []string{youtube.ColumnVideo, youtube.ColumnTitle, youtube.ColumnCreated, youtube.ColumnPrivacy}, true, (*takeout).video},
		{regexp.MustCompile(`(?i)^comments(\(\d+\))?\.csv$`), []string{youtube.ColumnComment, youtube.ColumnCommented, youtube.ColumnText}, true, (*takeout).comment},
		{regexp.MustCompile(`(?i)^channel\.csv$`), []string{youtube.ColumnChannel}, false, (*takeout).channel},
		{regexp.MustCompile(`(?i)^channel url configs\.csv$`), []string{youtube.ColumnChannel}, false, (*takeout).channel},
	}
}

func openYouTube(ctx context.Context, name string, opts Options) (*Export, error) {
	t := &takeout{sorted: &sorted{account: opts.Account, network: youtube.Network}, channels: map[string]string{}}
	err := walk(ctx, name, reading{
		wanted: t.wanted,
		visit: func(name string, in io.Reader) error {
			for _, f := range takeoutFiles() {
				if f.name.MatchString(path.Base(name)) {
					return t.table(ctx, name, in, f)
				}
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	if !t.found {
		return nil, fmt.Errorf("holds neither videos.csv nor comments.csv%s; expected what Google Takeout gives for YouTube with videos and comments chosen, made with the Google account's language set to English", t.tables())
	}
	owner, err := t.own(opts.Names)
	if err != nil {
		return nil, err
	}
	t.leave("history, playlists, subscriptions, live chats and the films", "Picket learns from videos and comments", 0)
	t.done()
	return &Export{Owner: owner, source: t.sorted}, nil
}

// wanted notes the names of other tables, for whoever gave an export in another
// language.
func (t *takeout) wanted(name string) bool {
	base := path.Base(name)
	if slices.ContainsFunc(takeoutFiles(), func(f takeoutFile) bool { return f.name.MatchString(base) }) {
		return true
	}
	const some = 5
	if strings.HasSuffix(strings.ToLower(base), ".csv") && len(t.others) < some {
		t.others = append(t.others, base)
	}
	return false
}

func (t *takeout) tables() string {
	if len(t.others) == 0 {
		return ""
	}
	return fmt.Sprintf(", but tables such as %q", t.others)
}

// table reads a file line by line. One whose columns are not known is an error:
// without it, nothing would be learned and nobody told.
func (t *takeout) table(ctx context.Context, name string, in io.Reader, f takeoutFile) error {
	m := &meter{in: in, left: maxItem}
	r := csv.NewReader(m)
	r.FieldsPerRecord = -1
	head, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	columns := make([]string, len(head))
	for i, c := range head {
		columns[i] = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(c, "\ufeff")))
	}
	for _, need := range f.needs {
		if !slices.Contains(columns, need) {
			return fmt.Errorf("%s: no column %q among %q; expected an export in English, so set the Google account's language to English and make it anew", name, need, head)
		}
	}
	t.found = t.found || f.told
	for n := 2; ; n++ { // as lines, where no value has several
		if err := ctx.Err(); err != nil {
			return err
		}
		m.left = maxItem
		values, err := r.Read()
		switch _, broken := errors.AsType[*csv.ParseError](err); {
		case errors.Is(err, io.EOF):
			return nil
		case broken:
			t.fault(name, n, err)
			continue
		case err != nil:
			t.fault(name, n, fmt.Errorf("%w; the lines before stand, those after are lost", err))
			return nil
		}
		row := make(map[string]string, len(columns))
		for i, v := range values[:min(len(values), len(columns))] {
			row[columns[i]] = v
		}
		if err := f.read(t, name, n, row); err != nil {
			return err
		}
	}
}

func (t *takeout) video(file string, n int, row map[string]string) error {
	a, err := youtube.TakeoutVideo(row)
	if errors.Is(err, youtube.ErrNotPublic) {
		t.leave("videos that are private or unlisted", "that one is published later is news", 1)
		return nil
	}
	return t.take(file, n, row, a, err)
}

func (t *takeout) comment(file string, n int, row map[string]string) error {
	a, err := youtube.TakeoutComment(row)
	return t.take(file, n, row, a, err)
}

// take adds what a line tells, as what its channel did.
func (t *takeout) take(file string, n int, row map[string]string, a activity.Activity, err error) error {
	if err != nil {
		t.fault(file, n, err)
		return nil
	}
	id := row[youtube.ColumnChannel]
	if err := t.note(id, ""); err != nil {
		return err
	}
	return t.addOf(id, file, n, a)
}

// channel reads whose channel it is, and by which name people find it.
func (t *takeout) channel(_ string, _ int, row map[string]string) error {
	return t.note(row[youtube.ColumnChannel], row[youtube.ColumnVanity])
}

// note remembers a channel.
func (t *takeout) note(id, handle string) error {
	const most = 1000
	if _, known := t.channels[id]; id == "" || known && handle == "" {
		return nil
	}
	if t.channels[strings.Clone(id)] = handle; len(t.channels) > most {
		return fmt.Errorf("holds more than %d channels", most)
	}
	return nil
}

// own finds the channel that has one of the names, or the only one there is,
// and leaves out what the others did.
func (t *takeout) own(names []string) (Owner, error) {
	ids := slices.Sorted(maps.Keys(t.channels))
	for _, id := range ids {
		who := Owner{Handle: t.channels[id], ID: id}
		if len(ids) == 1 {
			return who, nil
		}
		if who.Is(names...) {
			t.without(func(of string) bool { return of == "" }, "videos and comments", "there are several channels, and they do not say whose they are")
			t.without(func(of string) bool { return of != id }, "videos and comments of other channels", "the same Google account has them, too")
			return who, nil
		}
	}
	if len(ids) == 0 {
		return Owner{}, nil
	}
	return Owner{}, fmt.Errorf("holds the channels %s; set the account's channel to the id of one of them", plain(strings.Join(ids, ", ")))
}
