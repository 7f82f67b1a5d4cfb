package profile

// Default returns the numbers of the model for a budget of alerts in a month.
// They were chosen on recorded accounts with the protocol of package hijack, the
// same for all of them. Budget is a little more than asked for, since what is
// had falls short of what the threshold aims at.
func Default(budget float64) Model {
	return Model{
		Budget: 1.08 * budget,
		LR:     0.4, L2: 0.00036, Step: 0.04, VoiceFloor: -3.2, VoiceCap: 12,
		Name: 0.5, NameFloor: -0.588, Lang: 0.143, Decay: 4350,
		Word: 1, Talk: 1, Bait: 1.15, Pace: 0.85, Hour: 1, Client: 1.2,
		WordOff: 0.7, TalkOff: 0.5, BaitOff: 0.575, PaceOff: 0.35, HourOff: 1, ClientOff: 5,
		WordSlope: 0.35, TalkSlope: 0.6, BaitSlope: 0.3, PaceSlope: 0.25, HourSlope: 0.3,
		HourSmooth: 0.1, HourMax: 127, RareClient: 0.4, Prior: 0.49, Memory: 27.6, ClientMemory: 12, SessionCap: 58000,
		Horizon: 180, Control: 0.3, Least: 2, First: 4,
	}
}
