package okta

import (
	"testing"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

func TestCountry(t *testing.T) {
	for name, want := range map[string]string{
		"Germany": "DE", "germany": "DE", "United States": "US", "The United States of America": "US", "Russian Federation": "RU",
		"Russia": "RU", "Korea, Republic of": "KR", "South Korea": "KR", "Korea, Democratic People's Republic of": "KP",
		"Côte d'Ivoire": "CI", "Cote D’Ivoire": "CI", "Türkiye": "TR", "Turkey": "TR", "Trinidad and Tobago": "TT", "Trinidad & Tobago": "TT",
		"Hong Kong": "HK", "Macau": "MO", "Viet Nam": "VN", "Iran, Islamic Republic of": "IR", "Bahamas, The": "BS", "Congo": "CG",
		"Congo, The Democratic Republic of the": "CD", "Virgin Islands, U.S.": "VI", "Re\u0301union": "RE", "Czechia": "CZ",
		"DE": "DE", "de": "DE", "UK": "GB", "Kosovo": "XK", "Guinea-Bissau": "GW", "Guinea": "GN", "Dominica": "DM", "Dominican Republic": "DO",
		"": "", "Ruritania": "", "ZZ": "", "E ": "", "United": "", "中国": "", "Germany (West)": "", "the": "",
	} {
		if got := Country(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
}

// Every country has its code under the name that CLDR gives it.
func TestCountriesOfCLDR(t *testing.T) {
	names := display.English.Regions()
	n := 0
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string(a) + string(b)
			region, err := language.ParseRegion(code)
			if err != nil || region.String() != code || !region.IsCountry() || region.Canonicalize() != region {
				continue
			}
			switch code {
			case "AC", "CP", "CQ", "DG", "EA", "IC", "TA", // parts of countries, reserved
				"AN", "CS", "FQ", "NT", "PC", "SU", "YU", // withdrawn
				"EZ", "UN": // no countries
				continue
			}
			if got := Country(names.Name(region)); got != code {
				t.Errorf("%s, %q, is %q", code, names.Name(region), got)
			}
			n++
		}
	}
	if n != 250 {
		t.Errorf("%d countries, want 249 of ISO 3166-1 and Kosovo", n)
	}
}
