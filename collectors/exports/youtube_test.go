package exports_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/exports"
)

// The tables of Takeout, made by hand.
const (
	videosCSV = "\ufeffVideo ID,Approx Duration (ms),Video Audio Language,Video Category,Video Description (Original),Channel ID,Tag 1,Tag 2,Video Title (Original),Privacy,Video State,Video Create Timestamp,Video Publish Timestamp\r\n" +
		"vid2,1000,en,People,\"A second loaf,\nwith a line\",UCacme,rye,,Second loaf,Public,Processed,2026-01-02T07:00:00+00:00,2026-01-02T08:00:00+00:00\r\n" +
		"vid1,1000,,People,,UCacme,,,First loaf,public,Processed,2026-01-01T07:00:00+00:00,\r\n" +
		"vid3,1000,,People,,UCacme,,,Draft,Private,Processed,2026-01-05T07:00:00+00:00,\r\n" +
		"vid0,1000,,People,,UCacme,,,No loaf,Public,Processed,yesterday,\r\n" +
		"vid9,1000,,People,,UCbank,,,Money,Public,Processed,2026-01-03T07:00:00+00:00,\r\n"
	commentsCSV = "Comment ID,Channel ID,Comment create timestamp,Price,Parent comment ID,Post ID,Video ID,Comment text,Top-level comment ID\n" +
		"Ugx,UCacme,2026-01-04T07:00:00.5+00:00,0,,,vid2,\"{\"\"text\"\":\"\"Thanks!\"\"}\",\n"
	channelCSV = "Channel ID,Channel Title (Original),Channel Visibility\nUCacme,Acme Bread,Public\nUCbank,Bank,Public\n"
	vanityCSV  = "Channel ID,Channel Vanity URL 1 Name\nUCacme,acmebread\n"
)

const youtubeWant = `fault Takeout/YouTube and YouTube Music/video metadata/videos.csv, item 5: video create timestamp: "yesterday"; want a time such as 2026-03-06T12:00:00Z
2026-01-01 youtube youtube/acme post vid1 text="First loaf" lang= links=[] domains=[] at=[] tags=[] media=[{vid1 video https://www.youtube.com/watch?v=vid1}] reply=
2026-01-02 youtube youtube/acme post vid2 text="Second loaf\n\nA second loaf,\nwith a line" lang=en links=[] domains=[] at=[] tags=[] media=[{vid2 video https://www.youtube.com/watch?v=vid2}] reply=
2026-01-04 youtube youtube/acme reply Ugx text="Thanks!" lang= links=[] domains=[] at=[] tags=[] media=[] reply=vid2
`

func takeoutFiles() []string {
	const dir = "Takeout/YouTube and YouTube Music/"
	return []string{
		dir + "video metadata/videos.csv", videosCSV, dir + "comments/comments.csv", commentsCSV,
		dir + "channels/channel.csv", channelCSV, dir + "channels/channel URL configs.csv", vanityCSV,
		dir + "subscriptions/subscriptions.csv", "Channel Id\n",
	}
}

func TestYouTubeForms(t *testing.T) {
	t.Parallel()
	files := takeoutFiles()
	tests := []struct{ name, path string }{
		{"zip", write(t, "a.zip", zipOf(t, files...))},
		{"tgz", write(t, "a.tgz", gzipOf(tarOf(t, files...)))},
		{"folder", unpacked(t, files...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), tt.path, exports.Options{Network: "youtube", Account: "youtube/acme", Names: []string{"acme", "UCacme"}})
			if err != nil {
				t.Fatal(err)
			}
			if owner := (exports.Owner{Handle: "acmebread", ID: "UCacme"}); e.Owner != owner {
				t.Errorf("owner %+v, want %+v", e.Owner, owner)
			}
			if got := read(t, e); got != youtubeWant {
				t.Errorf("got\n%s\nwant\n%s", got, youtubeWant)
			}
			left := fmt.Sprint(e.Left())
			for _, want := range []string{
				"{videos and comments of other channels the same Google account has them, too 1}",
				"{videos that are private or unlisted that one is published later is news 1}",
			} {
				if !strings.Contains(left, want) {
					t.Errorf("left out %s, want %s", left, want)
				}
			}
		})
	}
}

func TestYouTubeOwner(t *testing.T) {
	t.Parallel()
	const plain = "Video ID,Video Title (Original),Video Create Timestamp,Privacy\nvid1,Loaf,2026-01-01T07:00:00Z,Public\n"
	one := strings.ReplaceAll(videosCSV, "UCbank", "UCacme")
	tests := []struct {
		name  string
		files []string
		names []string
		want  exports.Owner
		err   string
	}{
		{"by its handle", takeoutFiles(), []string{"@AcmeBread"}, exports.Owner{Handle: "acmebread", ID: "UCacme"}, ""},
		{"another of them", takeoutFiles(), []string{"UCbank"}, exports.Owner{ID: "UCbank"}, ""},
		{"none of several", takeoutFiles(), []string{"acme"}, exports.Owner{}, "holds the channels UCacme, UCbank; set the account's channel to the id of one of them"},
		{"the only one", []string{"videos.csv", one}, []string{"acme"}, exports.Owner{ID: "UCacme"}, ""},
		{"not told", []string{"videos.csv", plain}, nil, exports.Owner{}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), write(t, "a.zip", zipOf(t, tt.files...)), exports.Options{Network: "youtube", Account: "youtube/acme", Names: tt.names})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Errorf("got %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || e.Owner != tt.want {
				t.Errorf("owner %+v, error %v, want %+v", e.Owner, err, tt.want)
			}
		})
	}
}

func TestYouTubeRefused(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name  string
		files []string
		want  string
	}{
		{"German", []string{"Videos.csv", "Video-ID,Videotitel (Original),Zeitstempel der Videoerstellung\n"}, `Videos.csv: no column "video id" among ["Video-ID" "Videotitel (Original)" "Zeitstempel der Videoerstellung"]; expected an export in English`},
		{"German names", []string{"Kommentare/Kommentare.csv", ""}, `holds neither videos.csv nor comments.csv, but tables such as ["Kommentare.csv"]`},
		{"no table", []string{"history/watch-history.json", "[]"}, "holds neither videos.csv nor comments.csv; expected what Google Takeout gives"},
		{"a table without lines", []string{"comments.csv", "Comment ID,Comment Create Timestamp,Comment Text\n"}, ""},
		{"broken quotes cost one line", []string{"comments.csv", "Comment ID,Comment Create Timestamp,Comment Text\na,2026-01-01T07:00:00Z,a\"b\nc,2026-01-01T07:00:00Z,d\n"}, "fault comments.csv, item 2: parse error"},
		{"a line without an end", []string{"comments.csv", "Comment ID,Comment Create Timestamp,Comment Text\na,2026-01-01T07:00:00Z,\"" + strings.Repeat("x", 5<<20)}, "the lines before stand"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			e, err := exports.Open(t.Context(), write(t, "a.zip", zipOf(t, tt.files...)), exports.Options{Network: "youtube", Account: "youtube/acme"})
			var got string
			if err != nil {
				got = err.Error()
			} else {
				got = read(t, e)
			}
			if !strings.Contains(got, tt.want) || tt.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// FuzzYouTube: whatever the tables hold, they are read to their end, and what
// comes of them is sound and in order of time.
func FuzzYouTube(f *testing.F) {
	names := []string{"videos.csv", "comments(1).csv", "channel.csv"}
	f.Add(byte(0), []byte(videosCSV))
	f.Add(byte(1), []byte(commentsCSV))
	f.Add(byte(2), []byte(channelCSV))
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		sound(t, names[int(which)%len(names)], data, exports.Options{Network: "youtube", Account: "youtube/acme", Names: []string{"UCacme"}})
	})
}
