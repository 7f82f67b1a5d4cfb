package file_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/activity"
	"github.com/picketd/picket/collectors/file"
	"github.com/picketd/picket/collectors/intake"
)

// readAll reads a history to its end: activities, item errors, final error.
func readAll(t *testing.T, path string, opts file.Options) (acts []activity.Activity, faults []string, final error) {
	t.Helper()
	h, err := file.OpenHistory(t.Context(), path, opts)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
	}()
	var before int64
	for {
		a, err := h.Next()
		done, total := h.Progress()
		if done < before || done > total {
			t.Fatalf("progress went from %d to %d of %d", before, done, total)
		}
		before = done
		item, isItem := errors.AsType[*file.ItemError](err)
		switch {
		case err == nil:
			acts = append(acts, a)
		case isItem:
			faults = append(faults, strings.ReplaceAll(item.Error(), filepath.Dir(path)+string(filepath.Separator), ""))
		case errors.Is(err, io.EOF):
			if done != total {
				t.Errorf("at the end %d of %d bytes are done", done, total)
			}
			return acts, faults, nil
		default:
			return acts, faults, err
		}
	}
}

func ids(acts []activity.Activity) string {
	out := make([]string, len(acts))
	for i := range acts {
		out[i] = acts[i].ID
	}
	return strings.Join(out, " ")
}

// put writes a file into a folder of its own.
func put(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func gzipped(t *testing.T, s string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, s); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHistoryLines(t *testing.T) {
	const text = "\xef\xbb\xbf%s\r\n\n%s\nbad\n%s"
	plain := fmt.Sprintf(text, post("1"), post("2"), post("3"))
	for name, content := range map[string]string{
		"a.jsonl":    plain,
		"a.jsonl.gz": gzipped(t, plain),
		"members.gz": gzipped(t, plain[:40]) + gzipped(t, plain[40:]),
	} {
		t.Run(name, func(t *testing.T) {
			acts, faults, err := readAll(t, put(t, name, content), file.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := ids(acts); got != "1 2 3" {
				t.Errorf("read %q, want %q", got, "1 2 3")
			}
			if want := name + ":4: byte 0: expected an activity (an object), found a word without quotes"; len(faults) != 1 || faults[0] != want {
				t.Errorf("faults %q, want %q", faults, want)
			}
			if !acts[0].Seen.IsZero() {
				t.Errorf("seen %s; a file does not say, so it is absent", acts[0].Seen)
			}
		})
	}
}

// TestHistoryBlocks holds that lines survive the borders of the blocks that
// are read, and keep their memory.
func TestHistoryBlocks(t *testing.T) {
	var content strings.Builder
	for i := range 3000 {
		content.WriteString(strings.ReplaceAll(post(fmt.Sprint(i)), `"hi"`, `"\u00e9`+strings.Repeat("x", i)+`"`) + "\n")
	}
	acts, faults, err := readAll(t, put(t, "a.jsonl.gz", gzipped(t, content.String())), file.Options{})
	if err != nil || len(faults) > 0 || len(acts) != 3000 {
		t.Fatalf("%d activities, faults %q, error %v", len(acts), faults, err)
	}
	for i := range acts {
		if acts[i].ID != fmt.Sprint(i) || acts[i].Text != "é"+strings.Repeat("x", i) {
			t.Fatalf("activity %d is %q with %d bytes of text", i, acts[i].ID, len(acts[i].Text))
		}
	}
}

func TestHistoryFaults(t *testing.T) {
	long := strings.Repeat("x", intake.MaxItem+1)
	rival := strings.ReplaceAll(post("b"), "x/acme", "x/rival")
	for _, row := range []struct {
		name, content string
		opts          file.Options
		ids, fault    string
		final         string
	}{
		{name: "long.jsonl", content: post("a") + "\n" + long + "\n" + post("c"), ids: "a c", fault: "long.jsonl:2: item is too long: more than 1048576 bytes without a line break; it is passed over"},
		{name: "verylong.jsonl", content: post("a") + "\n" + long + long + long + "\n" + post("c"), ids: "a c", fault: "verylong.jsonl:2: item is too long: more than 1048576 bytes without a line break; it is passed over"},
		{name: "longend.jsonl", content: post("a") + "\n" + long + long, ids: "a", fault: "longend.jsonl:2: item is too long: more than 1048576 bytes without a line break; it is passed over"},
		{name: "cut.jsonl", content: post("a") + "\n" + post("b")[:30], ids: "a", fault: "cut.jsonl:2: byte 30: expected a closing double quote, found the end of the input"},
		{name: "rival.jsonl", content: post("a") + "\n" + rival + "\n" + post("c"), opts: file.Options{Account: "x/acme"}, ids: "a c", fault: `rival.jsonl:2: account: "x/rival"; expected "x/acme", the only account asked for`},
		{name: "poll.jsonl", content: post("a") + "\n" + `{"id":"b","account":"x/acme","kind":"poll","time":"2026-03-01T11:00:00Z","poll":{"state":"complete"}}` + "\n" + post("c"), ids: "a b c"},
		{name: "cut.gz", content: cutShort(gzipped(t, post("a")+"\n"+strings.Repeat(post("b"), 9))), ids: "a", final: "cut.gz: unexpected EOF: the file is damaged or cut short; the lines before stand"},
		{name: "damaged.gz", content: damaged(gzipped(t, post("a")+"\n")), ids: "a", final: "damaged.gz: gzip: invalid checksum: the file is damaged or cut short; the lines before stand"},
		{name: "nogz.gz", content: "\x1f\x8bxxxxxxxxxxxx", final: "open history nogz.gz: gzip header: gzip: invalid header"},
		{name: "utf16.jsonl", content: "\xff\xfe{\x00", final: "open history utf16.jsonl: is UTF-16; save it as UTF-8"},
		{name: "tweets.js", content: "window.YTD.tweets.part0 = []", final: "open history tweets.js: is one file of an X archive; give the archive's zip file or folder"},
		{name: "broken.zip", content: "PK\x03\x04xxxxxxxx", final: "open history broken.zip: zip: zip: not a valid zip file; the download may be incomplete"},
		{name: "empty.jsonl"},
	} {
		t.Run(row.name, func(t *testing.T) {
			path := put(t, row.name, row.content)
			acts, faults, err := readAll(t, path, row.opts)
			if got := ids(acts); got != row.ids {
				t.Errorf("read %q, want %q", got, row.ids)
			}
			if got := strings.Join(faults, "\n"); got != row.fault {
				t.Errorf("faults %q\n  want %q", got, row.fault)
			}
			final := ""
			if err != nil {
				final = strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), "")
			}
			if final != row.final {
				t.Errorf("error %q\n want %q", final, row.final)
			}
		})
	}
	if _, err := file.OpenHistory(t.Context(), filepath.Join(t.TempDir(), "none"), file.Options{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := file.OpenHistory(ctx, "testdata/archive", file.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// cutShort takes the end off a gzip file, as a broken download does.
func cutShort(gz string) string { return gz[:len(gz)-12] }

// damaged spoils the checksum of a gzip file.
func damaged(gz string) string {
	b := []byte(gz)
	b[len(b)-8] ^= 0xff
	return string(b)
}

// zipOf packs a folder, with a folder named prefix around it.
func zipOf(t *testing.T, dir, prefix string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		out, err := w.Create(prefix + filepath.ToSlash(rel))
		if err != nil {
			return err
		}
		_, err = out.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return put(t, "archive.zip", b.String())
}

// TestArchive compares an archive, in all the ways that it may lie on disk,
// with testdata/archive.golden: one activity a line, in its interchange form.
func TestArchive(t *testing.T) {
	golden, err := os.ReadFile("testdata/archive.golden")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ name, path string }{
		{"folder", "testdata/archive"},
		{"data folder", "testdata/archive/data"},
		{"zip", zipOf(t, "testdata/archive", "")},
		{"zip with a folder around", zipOf(t, "testdata/archive", "twitter-2026-02-01-abc/")},
		{"zip of the data folder", zipOf(t, "testdata/archive/data", "")},
	} {
		t.Run(row.name, func(t *testing.T) {
			acts, faults, err := readAll(t, row.path, file.Options{})
			if err != nil || len(faults) > 0 {
				t.Fatalf("faults %q, error %v", faults, err)
			}
			var got []byte
			for i := range acts {
				got = append(activity.AppendActivity(got, &acts[i]), '\n')
			}
			if string(got) != string(golden) {
				t.Errorf("read\n%s\nwant\n%s", got, golden)
			}
			if !slices.IsSortedFunc(acts, func(a, b activity.Activity) int { return a.Time.Compare(b.Time) }) {
				t.Error("activities are not in order of time")
			}
		})
	}
}

func TestArchiveAccount(t *testing.T) {
	acts, _, err := readAll(t, "testdata/archive", file.Options{Account: "x/acme-main"})
	if err != nil || len(acts) == 0 {
		t.Fatal(err)
	}
	for i := range acts {
		if acts[i].Account != "x/acme-main" || acts[i].Network != "x" {
			t.Errorf("activity of %q in %q, want x/acme-main", acts[i].Account, acts[i].Network)
		}
	}
}

// TestBadArchives holds that a broken item has one clear error and costs no
// neighbour.
func TestBadArchives(t *testing.T) {
	tweet := func(id, rest string) string {
		return `{"tweet":{"id_str":"` + id + `","created_at":"Mon Jan 05 06:00:0` + id[len(id)-1:] + ` +0000 2026","full_text":"hi"` + rest + `}}`
	}
	around := func(item string) string {
		return "window.YTD.tweets.part0 = [\n" + tweet("1", "") + ",\n" + item + ",\n" + tweet("3", "") + "\n]\n"
	}
	account := `window.YTD.account.part0 = [{"account":{"username":"acme"}}]`
	for _, row := range []struct {
		name  string
		files map[string]string
		opts  file.Options
		ids   string
		fault string
		final string
	}{
		{name: "item is not JSON", files: map[string]string{"tweets.js": around(`{"tweet":}`)}, ids: "1 3", fault: "tweets.js:3: expected an item (an object): invalid character '}' looking for beginning of value"},
		{name: "item is text", files: map[string]string{"tweets.js": around(`"tweet"`)}, ids: "1 3", fault: "tweets.js:3: item: expected an object, found string"},
		{name: "no wrapper", files: map[string]string{"tweets.js": around(`{"id_str":"2"}`)}, ids: "1 3", fault: `tweets.js:3: tweet: missing; expected an item {"tweet": {…}}`},
		{name: "no id", files: map[string]string{"tweets.js": around(`{"tweet":{"created_at":"Mon Jan 05 06:00:02 +0000 2026"}}`)}, ids: "1 3", fault: "tweets.js:3: tweet.id_str: missing; expected the post's id"},
		{name: "id is a number", files: map[string]string{"tweets.js": around(`{"tweet":{"id_str":2}}`)}, ids: "1 3", fault: "tweets.js:3: tweet.id_str: expected text, found number"},
		{name: "bad time", files: map[string]string{"tweets.js": around(`{"tweet":{"id_str":"2","created_at":"soon"}}`)}, ids: "1 3", fault: `tweets.js:3: tweet.created_at: "soon" is not a time; expected one such as "Sat Feb 18 12:33:11 +0000 2023" or "2023-02-18T12:33:11.000Z"`},
		{name: "time before X", files: map[string]string{"tweets.js": around(`{"tweet":{"id_str":"2","created_at":"Thu Jan 01 00:00:00 +0000 1970"}}`)}, ids: "1 3", fault: "tweets.js:3: time: year 1970; expected a time from 2000 to 2199 (is the unit seconds?)"},
		{name: "entities are a list", files: map[string]string{"tweets.js": around(tweet("2", `,"entities":[]`))}, ids: "1 3", fault: "tweets.js:3: tweet.entities: expected an object, found array"},
		{name: "hashtags are text", files: map[string]string{"tweets.js": around(tweet("2", `,"entities":{"hashtags":"a"}`))}, ids: "1 3", fault: "tweets.js:3: tweet.entities.hashtags: expected a list, found string"},
		{name: "item too long", files: map[string]string{"tweets.js": around(tweet("2", `,"x":"`+strings.Repeat("x", 1<<20)+`"`))}, ids: "1 3", fault: "tweets.js:3: item is too long: more than 1048576 bytes; it is passed over"},
		{name: "empty item", files: map[string]string{"tweets.js": around(``)}, ids: "1 3", fault: "tweets.js:3: expected an item (an object): unexpected end of JSON input"},
		{name: "file ends early", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = [\n" + tweet("1", "") + ",\n" + tweet("3", "")}, ids: "1", fault: "tweets.js:3: column 88: the input ends inside an item; the items before stand, those after are lost"},
		{name: "brackets broken", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = [\n" + tweet("1", "") + ",\n{]", "tweets-part1.js": "window.YTD.tweets.part1 = [" + tweet("3", "") + "]"}, ids: "1 3", fault: "tweets.js:3: column 2: expected '}', found ']'; the items before stand, those after are lost"},
		{name: "something after the array", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = [\n" + tweet("1", "") + "];"}, ids: "1", fault: "tweets.js:2: column 89: expected the end after the array, found ';'; the items before stand, those after are lost"},
		{name: "no assignment", files: map[string]string{"tweets.js": "[" + tweet("2", "") + "]", "tweets-part1.js": "window.YTD.tweets.part1 = [" + tweet("1", "") + "]"}, ids: "1", fault: `tweets.js:1: expected "window.YTD.<name>.part<n> = [", found ""; the items before stand, those after are lost`},
		{name: "another script", files: map[string]string{"tweets.js": "alert('hello') [", "tweets-part1.js": "window.YTD.tweets.part1 = [" + tweet("1", "") + "]"}, ids: "1", fault: `tweets.js:1: expected "window.YTD.<name>.part<n> = [", found "alert('hello') "; the items before stand, those after are lost`},
		{name: "login without address", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = [" + tweet("1", "") + "]", "ip-audit.js": `window.YTD.ip_audit.part0 = [{"ipAudit":{"createdAt":"2026-01-12T07:30:00.000Z"}}]`}, ids: "1", fault: "ip-audit.js:1: ipAudit.loginIp: missing; expected an IP address"},
		{name: "login with a bad address", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = [" + tweet("1", "") + "]", "ip-audit.js": `window.YTD.ip_audit.part0 = [{"ipAudit":{"createdAt":"2026-01-12T07:30:00.000Z","loginIp":"192.0.2.300"}}]`}, ids: "1", fault: `ip-audit.js:1: ip: not an IP address; expected IPv4 such as 192.0.2.7 or IPv6 such as 2001:db8::7, without port or zone`},
		{name: "login without wrapper", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = [" + tweet("1", "") + "]", "ip-audit.js": `window.YTD.ip_audit.part0 = [{}]`}, ids: "1", fault: `ip-audit.js:1: ipAudit: missing; expected an item {"ipAudit": {…}}`},
		{name: "deleted without time", files: map[string]string{"deleted-tweets.js": "window.YTD.deleted_tweets.part0 = [" + tweet("1", "") + "]"}, ids: "1", fault: `deleted-tweets.js:1: tweet.deleted_at: "" is not a time; expected one such as "Sat Feb 18 12:33:11 +0000 2023" or "2023-02-18T12:33:11.000Z"`},
		{name: "profile broken", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = [" + tweet("1", "") + "]", "profile.js": "window.YTD.profile.part0 = [{]"}, ids: "1", fault: "profile.js:1: column 30: expected '}', found ']'"},
		{name: "manifest broken", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = [" + tweet("1", "") + "]", "profile.js": `window.YTD.profile.part0 = [{"profile":{"avatarMediaUrl":"https://a.example/a"}}]`, "manifest.js": "window.__THAR_CONFIG = {"}, ids: "1", fault: "manifest.js:1: expected an object after =: unexpected end of JSON input"},
		{name: "account broken, but told", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = [" + tweet("1", "") + "]", "account.js": "window.YTD.account.part0 = [{]"}, opts: file.Options{Account: "x/acme"}, ids: "1", fault: "account.js:1: column 30: expected '}', found ']'"},
		{name: "account unknown", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = []", "account.js": ""}, final: "open history %s: account.js:1: expected \"window.YTD.<name>.part<n> = [\", found \"\"\naccount.js does not name the account; say which connected account this is, such as x/acme"},
		{name: "account without network", files: map[string]string{"tweets.js": "window.YTD.tweets.part0 = []"}, opts: file.Options{Account: "acme"}, final: `open history %s: account "acme"; expected "network/name" such as "x/acme"`},
		{name: "nothing to read", files: map[string]string{"like.js": "window.YTD.like.part0 = []"}, final: "open history %s: holds none of tweets.js, deleted-tweets.js, ip-audit.js and profile.js; give the zip file that X sent, or the folder that it unpacks to"},
	} {
		if _, ok := row.files["account.js"]; !ok {
			row.files["account.js"] = account
		}
		for _, zipped := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/zipped=%v", row.name, zipped), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "archive")
				for name, content := range row.files {
					if err := errors.Join(os.MkdirAll(filepath.Join(path, "data"), 0o700), os.WriteFile(filepath.Join(path, "data", name), []byte(content), 0o600)); err != nil {
						t.Fatal(err)
					}
				}
				if zipped {
					path = zipOf(t, path, "")
				}
				acts, faults, err := readAll(t, path, row.opts)
				if got := ids(acts); got != row.ids {
					t.Errorf("read %q, want %q", got, row.ids)
				}
				if got := strings.Join(faults, "\n"); got != row.fault {
					t.Errorf("faults %q\n  want %q", got, row.fault)
				}
				final := row.final
				if final != "" {
					final = fmt.Sprintf(final, path)
				}
				if (err == nil) != (final == "") || (err != nil && err.Error() != final) {
					t.Errorf("error %v\n want %s", err, final)
				}
			})
		}
	}
}

// TestBadZips holds what is refused of a zip file before anything is unpacked.
func TestBadZips(t *testing.T) {
	const account = `window.YTD.account.part0 = [{"account":{"username":"acme"}}]`
	const tweets = `window.YTD.tweets.part0 = [{"tweet":{"id_str":"1","created_at":"Mon Jan 05 06:00:01 +0000 2026"}}]`
	type entry struct {
		name, content string
		change        func(h *zip.FileHeader)
	}
	raw := func(change func(h *zip.FileHeader)) entry { return entry{"data/tweets.js", tweets, change} }
	for _, row := range []struct {
		name    string
		entries []entry
		ids     string
		want    string
	}{
		{"names that lead out are only compared", []entry{{name: "../../data/account.js", content: account}, {name: "../../data/tweets.js", content: tweets}, {name: "/etc/passwd", content: "x"}}, "1", ""},
		{"twice", []entry{{name: "data/account.js", content: account}, {name: "data/tweets.js", content: tweets}, {name: "data/tweets.js", content: tweets}}, "", "zip: data/tweets.js is in it twice; expected the file as X sent it"},
		{"encrypted", []entry{{name: "data/account.js", content: account}, raw(func(h *zip.FileHeader) { h.Flags |= 1 })}, "", "zip: data/tweets.js: is encrypted; unpack it with its password and give the folder"},
		{"bomb", []entry{{name: "data/account.js", content: account}, raw(func(h *zip.FileHeader) { h.UncompressedSize64 = 1 << 30 })}, "", "zip: data/tweets.js: unpacks to 10956549 times its size; no archive does, this may be a zip bomb"},
		{"far too large", []entry{{name: "data/account.js", content: account}, raw(func(h *zip.FileHeader) { h.UncompressedSize64 = 1 << 40 })}, "", "zip: data/tweets.js: unpacks to 1099511627776 bytes; expected at most 68719476736"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var b bytes.Buffer
			w := zip.NewWriter(&b)
			for _, e := range row.entries {
				h := &zip.FileHeader{Name: e.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(e.content)), CompressedSize64: uint64(len(e.content)), UncompressedSize64: uint64(len(e.content))}
				if e.change != nil {
					e.change(h)
				}
				out, err := w.CreateRaw(h)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := io.WriteString(out, e.content); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			path := put(t, "a.zip", b.String())
			acts, _, err := readAll(t, path, file.Options{})
			if ids(acts) != row.ids {
				t.Errorf("read %q, want %q", ids(acts), row.ids)
			}
			want := "open history " + path + ": " + row.want
			if (err == nil) != (row.want == "") || (err != nil && err.Error() != want) {
				t.Errorf("error %v\n want %s", err, want)
			}
		})
	}
}

// TestZipEntryDamaged holds that a damaged data file costs only itself.
func TestZipEntryDamaged(t *testing.T) {
	path := zipOf(t, "testdata/archive", "")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(data, []byte("data/tweets.js")) + len("data/tweets.js") + 40
	for i := range 8 {
		data[at+i] ^= 0x5a
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	acts, faults, err := readAll(t, path, file.Options{})
	if err != nil || len(acts) < 5 || len(faults) != 1 || !strings.HasPrefix(faults[0], "tweets.js:") {
		t.Errorf("%d activities, faults %q, error %v; want those of the other files and one fault of tweets.js", len(acts), faults, err)
	}
}
