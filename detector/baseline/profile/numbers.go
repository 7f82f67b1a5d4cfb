package profile

// Default returns the numbers of the model for a budget of alerts in a month.
// They were chosen on every other recorded account with the protocol of package
// hijack, the same for all of them; then the slope of bait, the numbers of clients,
// two of hours and the part of the budget on all, since few accounts have words in
// clear and name their client. Budget is a little less than asked for: other rules
// want their part.
func Default(budget float64) Model {
	return Model{
		Budget: 0.975 * budget,
		LR:     0.3, L2: 0.00036, Step: 0.04, VoiceFloor: -2.6, VoiceCap: 5.2,
		Name: 0.41, NameFloor: -0.65, Lang: 0.13, Decay: 4350,
		Word: 1.27, Talk: 1, Bait: 0.91, Pace: 0.935, Hour: 1.21, Client: 1.12,
		WordOff: 0.79, TalkOff: 0.87, BaitOff: 0.97, PaceOff: 0.47, HourOff: 1.5, ClientOff: 6.6,
		WordSlope: 0.31, TalkSlope: 0.72, BaitSlope: 1.2, PaceSlope: 0.2, HourSlope: 0.45,
		HourSmooth: 0.24, HourMax: 220, RareClient: 0.4, Prior: 0.49, Memory: 18, ClientMemory: 7.6, SessionCap: 58000,
		Horizon: 180, Control: 0.27, Least: 2, First: 4,
	}
}
