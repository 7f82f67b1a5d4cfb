package simulate

// Autonomous systems reserved for documentation, 64496 to 64511 (RFC 5398):
// one provider for each country, then these.
const (
	firstASN   = 64496
	mobileASN  = 64508
	hotelASN   = 64509
	hostingASN = 64510 // and 64511: rented servers, used by intruders only
)

// city is a place where people log in.
type city struct {
	country int // index into catalogue.countries
	region  string
	name    string
	lat     float64
	lon     float64
	zone    zone
}

// network is what one social network shows and allows.
type network struct {
	name  string
	app   bool // says which app posted
	edits bool // posts can be edited
	boost bool // others' posts can be reposted
}

// catalogue holds what worlds are made of.
type catalogue struct {
	countries []string // ISO 3166-1 alpha-2
	cities    []city   // those of one country are neighbours
	networks  []network
	rhythms   []*rhythm
	sectors   []sector
	phrases   phrases
	apps      []string
	rogueApps []string
	devices   [2]string // user agents of a laptop and of a phone
	adjective []string
	noun      []string
	scams     []string // domains
}

func newCatalogue() *catalogue {
	cal := newCalendar()
	at := func(name string, quarters int64, rule summer) zone {
		return zone{name: name, std: quarters * 15 * minute, rule: rule, cal: cal}
	}
	berlin, paris := at("Europe/Berlin", 4, summerEU), at("Europe/Paris", 4, summerEU)
	london, bucharest := at("Europe/London", 0, summerEU), at("Europe/Bucharest", 8, summerEU)
	newYork, toronto := at("America/New_York", -20, summerUS), at("America/Toronto", -20, summerUS)
	mexico, saoPaulo := at("America/Mexico_City", -24, summerNone), at("America/Sao_Paulo", -12, summerNone)
	tokyo, kolkata := at("Asia/Tokyo", 36, summerNone), at("Asia/Kolkata", 22, summerNone)
	nairobi, saigon := at("Africa/Nairobi", 12, summerNone), at("Asia/Ho_Chi_Minh", 28, summerNone)
	return &catalogue{
		countries: []string{"DE", "FR", "GB", "US", "JP", "BR", "IN", "KE", "RO", "VN", "CA", "MX"},
		cities: []city{
			{0, "DE-BE", "Berlin", 52.52, 13.405, berlin},
			{0, "DE-HH", "Hamburg", 53.551, 9.994, berlin},
			{1, "FR-IDF", "Paris", 48.857, 2.352, paris},
			{1, "FR-ARA", "Lyon", 45.764, 4.836, paris},
			{2, "GB-LND", "London", 51.507, -0.128, london},
			{2, "GB-LDS", "Leeds", 53.801, -1.549, london},
			{3, "US-NY", "New York", 40.713, -74.006, newYork},
			{3, "US-MA", "Boston", 42.36, -71.059, newYork},
			{4, "JP-13", "Tokyo", 35.69, 139.692, tokyo},
			{4, "JP-27", "Osaka", 34.694, 135.502, tokyo},
			{5, "BR-SP", "São Paulo", -23.551, -46.633, saoPaulo},
			{6, "IN-KA", "Bengaluru", 12.972, 77.595, kolkata},
			{6, "IN-MH", "Pune", 18.52, 73.857, kolkata},
			{7, "KE-30", "Nairobi", -1.286, 36.817, nairobi},
			{8, "RO-CJ", "Cluj-Napoca", 46.771, 23.624, bucharest},
			{9, "VN-HN", "Hanoi", 21.028, 105.804, saigon},
			{10, "CA-ON", "Toronto", 43.653, -79.383, toronto},
			{11, "MX-CMX", "Mexico City", 19.433, -99.133, mexico},
		},
		networks: []network{
			{"x", true, true, true},
			{"mastodon", true, true, true},
			{"instagram", false, true, false},
			{"bluesky", false, false, true},
		},
		rhythms:   newRhythms(),
		sectors:   newSectors(),
		phrases:   newPhrases(),
		apps:      []string{"Sim Web Client", "Sim Phone Client", "Sim Scheduler", "Sim Newsdesk", "Sim Calendar Bridge"},
		rogueApps: []string{"sim-growth-helper", "sim-free-verifier", "sim-follower-doctor", "sim-quick-share"},
		devices:   [2]string{"SimBrowser/4 (laptop)", "SimMobile/7 (phone)"},
		adjective: []string{
			"amber", "brisk", "cedar", "dapple", "early", "fennel", "gentle", "hazel", "indigo", "juniper",
			"kindly", "linden", "mellow", "nimble", "olive", "patient", "quiet", "russet", "saffron", "tidy",
			"umber", "velvet", "willow", "yonder", "zesty", "briar", "copper", "dewy", "flaxen", "heather",
		},
		noun: []string{
			"lantern", "orchard", "ferry", "almanac", "bellows", "causeway", "dovecote", "estuary", "footbridge", "granary",
			"hayloft", "inkwell", "jetty", "kiln", "loft", "millpond", "nursery", "oatfield", "paddock", "quarry",
			"rookery", "sundial", "towpath", "upland", "viaduct", "weir", "yardarm", "beehive", "compass", "teapot",
		},
		scams: []string{
			"gift-claims.example", "double-coins.example", "verify-badge.example", "lucky-wallet.example",
			"prize-desk.example", "fast-refund.example", "bonus-drop.example",
		},
	}
}

// citiesIn returns the bounds of a country's cities in the catalogue.
func (c *catalogue) citiesIn(country int) (from, to int) {
	for from = 0; c.cities[from].country != country; from++ {
	}
	for to = from; to < len(c.cities) && c.cities[to].country == country; to++ {
	}
	return from, to
}
