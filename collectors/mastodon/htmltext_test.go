package mastodon

import (
	"html"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/picketd/picket/collectors"
)

func TestPlain(t *testing.T) {
	const short = `<a href="https://www.acme.example/a/long/way"><span class="invisible">https://www.</span><span class="ellipsis">acme.example/a/lo</span><span class="invisible">ng/way</span></a>`
	rows := []struct {
		name, html, text string
		links            []string
	}{
		{"nothing", "", "", nil},
		{"text without elements", "a &amp; b", "a & b", nil},
		{"paragraphs and lines", "<p>a<br>b<br />c</p><p>d</p>", "a\nb\nc\n\nd", nil},
		{"many line ends are one empty line", "a<br><br><br><br>b", "a\n\nb", nil},
		{"spaces run together", "<p> a \n\t b </p> <p> c</p>", "a b\n\nc", nil},
		{"entities", "&lt;b&gt; &quot;x&quot; &#39;y&#39; &copy; &#x1F600; &nosuch;", "<b> \"x\" 'y' © 😀 &nosuch;", nil},
		{"escaped markup stays text", "<p>&lt;a href=&quot;https://x.example&quot;&gt;</p>", `<a href="https://x.example">`, nil},
		{"shortened link", "<p>see " + short + ", ok</p>", "see https://www.acme.example/a/long/way, ok", []string{"https://www.acme.example/a/long/way"}},
		{"link twice", short + " " + short, "https://www.acme.example/a/long/way https://www.acme.example/a/long/way", []string{"https://www.acme.example/a/long/way"}},
		{"link cut by an ellipsis", `<a href="https://acme.example/a/long/way">acme.example/a/lo…</a>`, "https://acme.example/a/long/way", []string{"https://acme.example/a/long/way"}},
		{"ellipsis of another host", `<a href="https://evil.example/a">acme.example/a…</a>`, "acme.example/a… (https://evil.example/a)", []string{"https://evil.example/a"}},
		{"ellipsis within the host", `<a href="https://acme.example.evil.example/">acme.example…</a>`, "acme.example… (https://acme.example.evil.example/)", []string{"https://acme.example.evil.example/"}},
		{"words over a link", `Click <a href='https://evil.example/x?a=1&amp;b=2'><b>he</b>re</a>!`, "Click here (https://evil.example/x?a=1&b=2)!", []string{"https://evil.example/x?a=1&b=2"}},
		{"link without words", `a <a href=https://x.example/>  </a> b`, "a https://x.example/ b", []string{"https://x.example/"}},
		{"link to a script", `<a href="javascript:alert(1)">x</a>`, "x", nil},
		{"relative link", `<a href="/about">about</a>`, "about", nil},
		{"mail", `<a href="mailto:a@b.example">mail</a>`, "mail", nil},
		{"other scheme", `<a href="gemini://acme.example/">here</a>`, "here (gemini://acme.example/)", []string{"gemini://acme.example/"}},
		{"mention", `<p><span class="h-card"><a href="https://social.example/@fan" class="u-url mention">@<span>fan</span></a></span> hi</p>`, "@fan hi", nil},
		{"hashtag", `<a href="https://social.example/tags/x" class="mention hashtag">#<span>X</span></a>`, "#X", nil},
		{"no mention", `<a href="https://evil.example/" class="mention">click</a>`, "click (https://evil.example/)", []string{"https://evil.example/"}},
		{"spaces around a link", `a<a href="https://x.example/"> x.example </a>b`, "a https://x.example/ b", []string{"https://x.example/"}},
		{"link that is not closed", `a <a href="https://x.example/">x.example`, "a https://x.example/", []string{"https://x.example/"}},
		{"link in a link", `<a href="https://x.example/">one<a href="https://y.example/">two</a>`, "one (https://x.example/)two (https://y.example/)", []string{"https://x.example/", "https://y.example/"}},
		{"list", "<ul><li>a</li><li>b</li></ul>c", "- a\n- b\n\nc", nil},
		{"quote and code", "<blockquote>q</blockquote><pre><code>x  =\n  1</code></pre>", "q\n\nx  =\n  1", nil},
		{"unknown elements", "<custom x=1>a</custom><h1>b</h1>", "a\n\nb", nil},
		{"comments and declarations", "<!DOCTYPE html>a<!-- b > c -->d<?php x ?>e", "ade", nil},
		{"scripts", "a<script>if (1<2) alert('</p>')</script>b<STYLE>p{}</style>c", "abc", nil},
		{"lone signs", "1 < 2 > 1 <3 </ > <", "1 < 2 > 1 <3 </ > <", nil},
		{"tag without end", `a <a href="https://x.example/`, `a <a href="https://x.example/`, nil},
		{"control characters", "a\x00b\x1b[31mc\u0085d", "a b [31mc d", nil},
		{"attributes of every form", `<a data-x = 'y>"' HREF = "https://x.example/" disabled title=a/b>x.example</a>`, "https://x.example/", []string{"https://x.example/"}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			text, links := plain(row.html, false)
			if text != row.text || !slices.Equal(links, row.links) {
				t.Errorf("got  %q %q\nwant %q %q", text, links, row.text, row.links)
			}
		})
	}
}

func TestPlainWithoutQuote(t *testing.T) {
	const src = `<p class="quote-inline">RE: <a href="https://social.example/@fan/1">social.example/@fan/1</a></p><p>so true</p>`
	if text, links := plain(src, true); text != "so true" || links != nil {
		t.Errorf("got %q %q", text, links)
	}
	if text, links := plain(src, false); text != "RE: https://social.example/@fan/1\n\nso true" || len(links) != 1 {
		t.Errorf("without a quote got %q %q", text, links)
	}
}

// Hostile markup is read in time that grows with its length.
func TestPlainIsBounded(t *testing.T) {
	for name, part := range map[string]string{"tags": "<a ", "tags with an end": strings.Repeat("<a ", 1000) + ">", "attributes": "<a b c d e f g h", "comments": "<!--", "quotes": `<a b="`, "declarations": "<!", "scripts": "<script><", "links": `<a href="https://x.example/">`} {
		t.Run(name, func(t *testing.T) {
			text, _ := plain(strings.Repeat(part, 10<<20/len(part)), false)
			if len(text) > 4*maxHTML {
				t.Errorf("%d bytes of text", len(text))
			}
		})
	}
}

func FuzzPlain(f *testing.F) {
	for _, seed := range []string{
		"", "a & b", "<p>a<br>b</p>", `<a href="https://x.example/">x</a>`, `<a class=mention href='https://x.example/'>@x</a>`,
		"<pre> a\n b</pre>", "<!-- x", "<script>x", "&lt;&#0;&#x110000;", `<a href="https://x.example/ y">z</a>`, "<ul><li>", "\xff<\xfe>",
	} {
		f.Add(seed, false)
	}
	f.Fuzz(func(t *testing.T, src string, withoutQuote bool) {
		text, links := plain(src, withoutQuote)
		if utf8.ValidString(src) && !utf8.ValidString(text) {
			t.Fatalf("%q gave text that is no UTF-8: %q", src, text)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\n' }) {
			t.Fatalf("%q gave control characters: %q", src, text)
		}
		for _, link := range links {
			if u, err := url.Parse(link); err != nil || u.Scheme == "" || u.Hostname() == "" {
				t.Fatalf("%q gave the link %q", src, link)
			}
			if !strings.Contains(text, link) {
				t.Fatalf("%q hides %q in %q", src, link, text)
			}
		}
		// Escaped, a text is read as it stands but for its spaces.
		want := strings.Join(strings.FieldsFunc(strings.Map(printable, strings.ToValidUTF8(collectors.Clip(src, 1000), "x")), isSpace), " ")
		want = strings.ReplaceAll(want, "\r", "")
		if got, _ := plain(html.EscapeString(want), false); got != want {
			t.Fatalf("escaped %q came back as %q", want, got)
		}
	})
}

func BenchmarkPlain(b *testing.B) {
	src := strings.Repeat(`<p>Hello <span class="h-card"><a href="https://social.example/@fan" class="u-url mention">@<span>fan</span></a></span> &amp; all,<br />see <a href="https://www.acme.example/a/long/way"><span class="invisible">https://www.</span><span class="ellipsis">acme.example/a/lo</span><span class="invisible">ng/way</span></a></p>`, 2)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		plain(src, false)
	}
}

func TestIsName(t *testing.T) {
	for name, want := range map[string]bool{
		"acme": true, "acme.eu": true, "acme@other.example": true, "acme@other.example:8443": true, "acme@bücher.example": true,
		"": false, "@acme": false, "acme@": false, "a b": false, "a/b": false, "a?b": false, "a%2fb": false, "a@b@c": false, "a:b": false,
	} {
		if got := isName(name); got != want {
			t.Errorf("isName(%q) = %t", name, got)
		}
	}
}

func TestCheckCreated(t *testing.T) {
	for year, want := range map[int]bool{1999: false, 2000: true, 2199: true, 2200: false} {
		if err := checkCreated(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)); (err == nil) != want {
			t.Errorf("year %d: %v", year, err)
		}
	}
}
