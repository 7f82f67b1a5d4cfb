package agent

import "testing"

const kit = "AppleWebKit/537.36 (KHTML, like Gecko)"

func TestSplit(t *testing.T) {
	for _, row := range []struct {
		name, agent string
		want        Parts
	}{
		{"Chrome on Windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + kit + " Chrome/131.0.0.0 Safari/537.36", Parts{"Chrome", "Windows", "computer", 131}},
		{"Edge says that it is Chrome, too", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + kit + " Chrome/131.0.0.0 Safari/537.36 Edg/130.0.2849.80", Parts{"Edge", "Windows", "computer", 130}},
		{"Edge on Android", "Mozilla/5.0 (Linux; Android 10; K) " + kit + " Chrome/131.0.0.0 Mobile Safari/537.36 EdgA/129.0.0.0", Parts{"Edge", "Android", "phone", 129}},
		{"Opera", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) " + kit + " Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0", Parts{"Opera", "macOS", "computer", 115}},
		{"Firefox on Linux", "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0", Parts{"Firefox", "Linux", "computer", 132}},
		{"Safari has its version elsewhere", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15", Parts{"Safari", "macOS", "computer", 18}},
		{"an iPhone says Mac OS X, too", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1", Parts{"Safari", "iOS", "phone", 18}},
		{"an iPad", "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.35 Mobile/15E148 Safari/604.1", Parts{"Chrome", "iOS", "tablet", 126}},
		{"an Android phone", "Mozilla/5.0 (Linux; Android 14; K) " + kit + " Chrome/131.0.0.0 Mobile Safari/537.36", Parts{"Chrome", "Android", "phone", 131}},
		{"an Android tablet", "Mozilla/5.0 (Linux; Android 14; K) " + kit + " Chrome/131.0.0.0 Safari/537.36", Parts{"Chrome", "Android", "tablet", 131}},
		{"a Chromebook", "Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + kit + " Chrome/131.0.0.0 Safari/537.36", Parts{"Chrome", "ChromeOS", "computer", 131}},
		{"a program", "python-requests/2.31.0", Parts{"python-requests", "", "", 0}},
		{"only Mozilla", "Mozilla/5.0", Parts{}},
		{"nothing", "", Parts{}},
		{"a long word", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", Parts{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", "", 0}},
		{"ends after the mark", "Chrome/", Parts{"Chrome", "", "", 0}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := Split(row.agent); got != row.want {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
}

// FuzzSplit holds that no agent is too odd to be split.
func FuzzSplit(f *testing.F) {
	f.Add("Mozilla/5.0 (X11) Version/1 Safari/")
	f.Add("Edg")
	f.Fuzz(func(t *testing.T, agent string) {
		p := Split(agent)
		if len(p.Browser) > maxWord || p.Version < 0 || p.Version > 9999 {
			t.Errorf("%q gives %+v", agent, p)
		}
		if again := Split(agent); again != p {
			t.Errorf("%q gives %+v and %+v", agent, p, again)
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Split("Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + kit + " Chrome/131.0.0.0 Safari/537.36")
	}
}
