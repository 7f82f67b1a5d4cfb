package profile

// Default returns the numbers of the model for a budget of alerts in a month.
// They were chosen on half of a set of recorded accounts; see package hijack
// for how they are measured.
func Default(budget float64) Model {
	return Model{
		Budget: 0.95 * budget,
		LR:     0.6, L2: 0.00036, Step: 0.04, VoiceFloor: -3.2, VoiceCap: 8,
		Name: 0.5, NameFloor: -0.588, Lang: 0.287, Decay: 4350,
		Word: 1, Talk: 1, Bait: 1.15, Pace: 1, Hour: 1, Client: 1.2,
		WordOff: 0.7, TalkOff: 0.5, BaitOff: 0.5, PaceOff: 0.35, HourOff: 1, ClientOff: 3.5,
		WordSlope: 0.35, TalkSlope: 0.6, BaitSlope: 0.3, PaceSlope: 0.25, HourSlope: 0.3,
		HourSmooth: 0.1, HourMax: 127, RareClient: 0.35, Prior: 0.49, Memory: 12, ClientMemory: 12, SessionCap: 82900,
		Horizon: 180, Control: 0.3, Least: 0.2, First: 4,
	}
}
