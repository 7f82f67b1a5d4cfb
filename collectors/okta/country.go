package okta

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Country returns the ISO 3166-1 alpha-2 code of a country's English name, as
// Okta gives it: "Germany" is "DE". Case, accents, punctuation and "the" do not
// count, and a code is taken as it is. It is empty for a name that is not
// known, never a guess.
func Country(name string) string {
	if len(name) == 2 && name != "UK" {
		if code := strings.ToUpper(name); isCode(code) {
			return code
		}
	}
	plain := plainName(name)
	if code := countryAtoL(plain); code != "" {
		return code
	}
	return countryMtoZ(plain)
}

// maxCountry bounds what is looked up, in bytes: the longest name has 52.
const maxCountry = 120

// plainName writes a name in lower-case ASCII words.
func plainName(name string) string {
	if len(name) > maxCountry {
		return ""
	}
	var b strings.Builder
	gap := false
	for _, r := range name {
		switch r = unaccented(unicode.ToLower(r)); {
		case r == '&':
			b.WriteString(" and")
			gap = true
		case r == '.' || r == '\'' || r == '’' || r == '‘':
		case r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteRune(r)
		case unicode.IsLetter(r):
			return "" // no name holds it
		case unicode.Is(unicode.Mn, r): // an accent of its own
		default:
			gap = true
		}
	}
	words := strings.ReplaceAll(" "+b.String()+" ", " the ", " ")
	return strings.TrimSpace(words)
}

// unaccented covers the letters that names of countries have.
func unaccented(r rune) rune {
	switch r {
	case 'å', 'ã', 'á', 'à', 'â', 'ä':
		return 'a'
	case 'é', 'è', 'ê', 'ë':
		return 'e'
	case 'í', 'ì', 'î', 'ï':
		return 'i'
	case 'ó', 'ò', 'ô', 'õ', 'ö':
		return 'o'
	case 'ú', 'ù', 'û', 'ü':
		return 'u'
	case 'ç':
		return 'c'
	case 'ñ':
		return 'n'
	}
	return r
}

// isCode reports whether a code is assigned, or Kosovo's.
func isCode(code string) bool {
	const codes = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ " +
		"BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM " +
		"DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS " +
		"GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN " +
		"KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ " +
		"MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM " +
		"PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV " +
		"SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI " +
		"VN VU WF WS XK YE YT ZA ZM ZW "
	return strings.Contains(codes, code+" ")
}
