package okta

// The names are those of CLDR, of ISO 3166 and of MaxMind, as plainName writes
// them.

// countryAtoL returns codes that begin with A to L.
func countryAtoL(plain string) string {
	switch plain {
	case "andorra":
		return "AD"
	case "united arab emirates":
		return "AE"
	case "afghanistan":
		return "AF"
	case "antigua and barbuda":
		return "AG"
	case "anguilla":
		return "AI"
	case "albania":
		return "AL"
	case "armenia":
		return "AM"
	case "angola":
		return "AO"
	case "antarctica":
		return "AQ"
	case "argentina":
		return "AR"
	case "american samoa":
		return "AS"
	case "austria":
		return "AT"
	case "australia":
		return "AU"
	case "aruba":
		return "AW"
	case "aland islands":
		return "AX"
	case "azerbaijan":
		return "AZ"
	case "bosnia and herzegovina":
		return "BA"
	case "barbados":
		return "BB"
	case "bangladesh":
		return "BD"
	case "belgium":
		return "BE"
	case "burkina faso":
		return "BF"
	case "bulgaria":
		return "BG"
	case "bahrain":
		return "BH"
	case "burundi":
		return "BI"
	case "benin":
		return "BJ"
	case "st barthelemy", "saint barthelemy":
		return "BL"
	case "bermuda":
		return "BM"
	case "brunei", "brunei darussalam":
		return "BN"
	case "bolivia", "bolivia plurinational state of", "plurinational state of bolivia":
		return "BO"
	case "caribbean netherlands", "bonaire sint eustatius and saba", "bonaire saint eustatius and saba":
		return "BQ"
	case "brazil":
		return "BR"
	case "bahamas":
		return "BS"
	case "bhutan":
		return "BT"
	case "bouvet island":
		return "BV"
	case "botswana":
		return "BW"
	case "belarus":
		return "BY"
	case "belize":
		return "BZ"
	case "canada":
		return "CA"
	case "cocos keeling islands", "cocos islands":
		return "CC"
	case "congo kinshasa", "congo democratic republic of", "democratic republic of congo", "congo drc", "dr congo":
		return "CD"
	case "central african republic":
		return "CF"
	case "congo brazzaville", "congo", "republic of congo", "congo republic of", "congo republic":
		return "CG"
	case "switzerland":
		return "CH"
	case "cote divoire", "ivory coast":
		return "CI"
	case "cook islands":
		return "CK"
	case "chile":
		return "CL"
	case "cameroon":
		return "CM"
	case "china", "mainland china", "peoples republic of china":
		return "CN"
	case "colombia":
		return "CO"
	case "costa rica":
		return "CR"
	case "cuba":
		return "CU"
	case "cape verde", "cabo verde":
		return "CV"
	case "curacao":
		return "CW"
	case "christmas island":
		return "CX"
	case "cyprus":
		return "CY"
	case "czechia", "czech republic":
		return "CZ"
	case "germany":
		return "DE"
	case "djibouti":
		return "DJ"
	case "denmark":
		return "DK"
	case "dominica":
		return "DM"
	case "dominican republic":
		return "DO"
	case "algeria":
		return "DZ"
	case "ecuador":
		return "EC"
	case "estonia":
		return "EE"
	case "egypt":
		return "EG"
	case "western sahara":
		return "EH"
	case "eritrea":
		return "ER"
	case "spain":
		return "ES"
	case "ethiopia":
		return "ET"
	case "finland":
		return "FI"
	case "fiji":
		return "FJ"
	case "falkland islands", "falkland islands malvinas", "falkland islands islas malvinas":
		return "FK"
	case "micronesia", "micronesia federated states of", "federated states of micronesia":
		return "FM"
	case "faroe islands":
		return "FO"
	case "france":
		return "FR"
	case "gabon":
		return "GA"
	case "united kingdom", "united kingdom of great britain and northern ireland", "great britain", "uk":
		return "GB"
	case "grenada":
		return "GD"
	case "georgia":
		return "GE"
	case "french guiana":
		return "GF"
	case "guernsey":
		return "GG"
	case "ghana":
		return "GH"
	case "gibraltar":
		return "GI"
	case "greenland":
		return "GL"
	case "gambia":
		return "GM"
	case "guinea":
		return "GN"
	case "guadeloupe":
		return "GP"
	case "equatorial guinea":
		return "GQ"
	case "greece":
		return "GR"
	case "south georgia and south sandwich islands":
		return "GS"
	case "guatemala":
		return "GT"
	case "guam":
		return "GU"
	case "guinea bissau":
		return "GW"
	case "guyana":
		return "GY"
	case "hong kong sar china", "hong kong", "hong kong sar":
		return "HK"
	case "heard and mcdonald islands", "heard island and mcdonald islands":
		return "HM"
	case "honduras":
		return "HN"
	case "croatia", "hrvatska":
		return "HR"
	case "haiti":
		return "HT"
	case "hungary":
		return "HU"
	case "indonesia":
		return "ID"
	case "ireland", "republic of ireland":
		return "IE"
	case "israel":
		return "IL"
	case "isle of man":
		return "IM"
	case "india":
		return "IN"
	case "british indian ocean territory":
		return "IO"
	case "iraq":
		return "IQ"
	case "iran", "iran islamic republic of", "islamic republic of iran":
		return "IR"
	case "iceland":
		return "IS"
	case "italy":
		return "IT"
	case "jersey":
		return "JE"
	case "jamaica":
		return "JM"
	case "jordan", "hashemite kingdom of jordan":
		return "JO"
	case "japan":
		return "JP"
	case "kenya":
		return "KE"
	case "kyrgyzstan":
		return "KG"
	case "cambodia":
		return "KH"
	case "kiribati":
		return "KI"
	case "comoros":
		return "KM"
	case "st kitts and nevis", "saint kitts and nevis":
		return "KN"
	case "north korea", "korea democratic peoples republic of", "democratic peoples republic of korea":
		return "KP"
	case "south korea", "korea republic of", "republic of korea", "korea":
		return "KR"
	case "kuwait":
		return "KW"
	case "cayman islands":
		return "KY"
	case "kazakhstan":
		return "KZ"
	case "laos", "lao peoples democratic republic":
		return "LA"
	case "lebanon":
		return "LB"
	case "st lucia", "saint lucia":
		return "LC"
	case "liechtenstein":
		return "LI"
	case "sri lanka":
		return "LK"
	case "liberia":
		return "LR"
	case "lesotho":
		return "LS"
	case "lithuania", "republic of lithuania":
		return "LT"
	case "luxembourg":
		return "LU"
	case "latvia":
		return "LV"
	case "libya", "libyan arab jamahiriya":
		return "LY"
	}
	return ""
}
