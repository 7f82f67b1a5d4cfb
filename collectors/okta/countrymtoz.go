package okta

// countryMtoZ returns codes that begin with M to Z.
func countryMtoZ(plain string) string {
	switch plain {
	case "morocco":
		return "MA"
	case "monaco":
		return "MC"
	case "moldova", "moldova republic of", "republic of moldova":
		return "MD"
	case "montenegro":
		return "ME"
	case "st martin", "saint martin", "saint martin french part":
		return "MF"
	case "madagascar":
		return "MG"
	case "marshall islands":
		return "MH"
	case "north macedonia", "macedonia", "macedonia former yugoslav republic of", "republic of north macedonia":
		return "MK"
	case "mali":
		return "ML"
	case "myanmar burma", "myanmar", "burma":
		return "MM"
	case "mongolia":
		return "MN"
	case "macao sar china", "macau sar china", "macao", "macau", "macao sar":
		return "MO"
	case "northern mariana islands":
		return "MP"
	case "martinique":
		return "MQ"
	case "mauritania":
		return "MR"
	case "montserrat":
		return "MS"
	case "malta":
		return "MT"
	case "mauritius":
		return "MU"
	case "maldives":
		return "MV"
	case "malawi":
		return "MW"
	case "mexico":
		return "MX"
	case "malaysia":
		return "MY"
	case "mozambique":
		return "MZ"
	case "namibia":
		return "NA"
	case "new caledonia":
		return "NC"
	case "niger":
		return "NE"
	case "norfolk island":
		return "NF"
	case "nigeria":
		return "NG"
	case "nicaragua":
		return "NI"
	case "netherlands", "kingdom of netherlands":
		return "NL"
	case "norway":
		return "NO"
	case "nepal":
		return "NP"
	case "nauru":
		return "NR"
	case "niue":
		return "NU"
	case "new zealand":
		return "NZ"
	case "oman":
		return "OM"
	case "panama":
		return "PA"
	case "peru":
		return "PE"
	case "french polynesia":
		return "PF"
	case "papua new guinea":
		return "PG"
	case "philippines":
		return "PH"
	case "pakistan":
		return "PK"
	case "poland":
		return "PL"
	case "st pierre and miquelon", "saint pierre and miquelon":
		return "PM"
	case "pitcairn islands", "pitcairn":
		return "PN"
	case "puerto rico":
		return "PR"
	case "palestinian territories", "palestine", "palestine state of", "state of palestine", "palestinian territory occupied", "palestinian territory", "occupied palestinian territory":
		return "PS"
	case "portugal":
		return "PT"
	case "palau":
		return "PW"
	case "paraguay":
		return "PY"
	case "qatar":
		return "QA"
	case "reunion":
		return "RE"
	case "romania":
		return "RO"
	case "serbia":
		return "RS"
	case "russia", "russian federation":
		return "RU"
	case "rwanda":
		return "RW"
	case "saudi arabia":
		return "SA"
	case "solomon islands":
		return "SB"
	case "seychelles":
		return "SC"
	case "sudan":
		return "SD"
	case "sweden":
		return "SE"
	case "singapore":
		return "SG"
	case "st helena", "saint helena", "saint helena ascension and tristan da cunha":
		return "SH"
	case "slovenia":
		return "SI"
	case "svalbard and jan mayen":
		return "SJ"
	case "slovakia", "slovak republic":
		return "SK"
	case "sierra leone":
		return "SL"
	case "san marino":
		return "SM"
	case "senegal":
		return "SN"
	case "somalia":
		return "SO"
	case "suriname":
		return "SR"
	case "south sudan":
		return "SS"
	case "sao tome and principe":
		return "ST"
	case "el salvador":
		return "SV"
	case "sint maarten", "sint maarten dutch part", "st maarten":
		return "SX"
	case "syria", "syrian arab republic":
		return "SY"
	case "eswatini", "swaziland":
		return "SZ"
	case "turks and caicos islands":
		return "TC"
	case "chad":
		return "TD"
	case "french southern territories":
		return "TF"
	case "togo":
		return "TG"
	case "thailand":
		return "TH"
	case "tajikistan":
		return "TJ"
	case "tokelau":
		return "TK"
	case "timor leste", "east timor":
		return "TL"
	case "turkmenistan":
		return "TM"
	case "tunisia":
		return "TN"
	case "tonga":
		return "TO"
	case "turkiye", "turkey":
		return "TR"
	case "trinidad and tobago":
		return "TT"
	case "tuvalu":
		return "TV"
	case "taiwan", "taiwan province of china":
		return "TW"
	case "tanzania", "tanzania united republic of", "united republic of tanzania":
		return "TZ"
	case "ukraine":
		return "UA"
	case "uganda":
		return "UG"
	case "us outlying islands", "united states minor outlying islands":
		return "UM"
	case "united states", "united states of america", "usa":
		return "US"
	case "uruguay":
		return "UY"
	case "uzbekistan":
		return "UZ"
	case "vatican city", "holy see vatican city state", "holy see", "vatican city state":
		return "VA"
	case "st vincent and grenadines", "saint vincent and grenadines":
		return "VC"
	case "venezuela", "venezuela bolivarian republic of", "bolivarian republic of venezuela":
		return "VE"
	case "british virgin islands", "virgin islands british":
		return "VG"
	case "us virgin islands", "virgin islands us", "united states virgin islands":
		return "VI"
	case "vietnam", "viet nam":
		return "VN"
	case "vanuatu":
		return "VU"
	case "wallis and futuna":
		return "WF"
	case "samoa":
		return "WS"
	case "kosovo":
		return "XK"
	case "yemen":
		return "YE"
	case "mayotte":
		return "YT"
	case "south africa":
		return "ZA"
	case "zambia":
		return "ZM"
	case "zimbabwe":
		return "ZW"
	}
	return ""
}
