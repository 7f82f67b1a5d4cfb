package logins

import (
	"fmt"
	"math/rand/v2"
)

// device is a laptop or a phone with a browser.
type device struct {
	system  string // Windows, macOS, Linux, iPhone, Android
	browser string // Chrome, Edge, Firefox, Safari
	// behind is how many days its browser is behind the newest version.
	behind int
}

func (d *device) phone() bool { return d.system == "iPhone" || d.system == "Android" }

// newLaptop draws a laptop. The shares are those that web statistics of 2024
// and 2025 agree on, rounded.
func newLaptop(r *rand.Rand) device {
	d := device{system: "Windows", behind: r.IntN(20)}
	switch n := r.IntN(100); {
	case n < 28:
		d.system = "macOS"
	case n < 33:
		d.system = "Linux"
	}
	d.browser = laptopBrowser(r, d.system)
	return d
}

func laptopBrowser(r *rand.Rand, system string) string {
	switch n := r.IntN(100); {
	case n < 62:
		return "Chrome"
	case n < 72:
		return "Firefox"
	case system == "macOS":
		return "Safari"
	case system == "Windows":
		return "Edge"
	}
	return "Firefox"
}

func newPhone(r *rand.Rand) device {
	d := device{system: "Android", browser: "Chrome", behind: r.IntN(20)}
	if r.IntN(2) == 0 {
		d.system, d.browser = "iPhone", "Safari"
	}
	return d
}

// agent writes the user agent on a day since 1970. Browsers have a new version
// each 28 days, phones each 42.
func (d *device) agent(day int) string {
	version := 120 + (day-d.behind-19700)/28
	phone := 17 + (day-d.behind-19700)/365
	minor := (day - d.behind) % 365 / 42
	const kit = "AppleWebKit/537.36 (KHTML, like Gecko)"
	switch d.system {
	case "iPhone":
		return fmt.Sprintf("Mozilla/5.0 (iPhone; CPU iPhone OS %d_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%d.%d Mobile/15E148 Safari/604.1", phone, minor, phone, minor)
	case "Android":
		return fmt.Sprintf("Mozilla/5.0 (Linux; Android %d; K) %s Chrome/%d.0.0.0 Mobile Safari/537.36", phone-3, kit, version)
	}
	on := map[string]string{"Windows": "Windows NT 10.0; Win64; x64", "macOS": "Macintosh; Intel Mac OS X 10_15_7", "Linux": "X11; Linux x86_64"}[d.system]
	switch d.browser {
	case "Firefox":
		return fmt.Sprintf("Mozilla/5.0 (%s; rv:%d.0) Gecko/20100101 Firefox/%d.0", on, version, version)
	case "Safari":
		return fmt.Sprintf("Mozilla/5.0 (%s) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/%d.%d Safari/605.1.15", on, phone, minor)
	case "Edge":
		return fmt.Sprintf("Mozilla/5.0 (%s) %s Chrome/%d.0.0.0 Safari/537.36 Edg/%d.0.0.0", on, kit, version, version)
	}
	return fmt.Sprintf("Mozilla/5.0 (%s) %s Chrome/%d.0.0.0 Safari/537.36", on, kit, version)
}
