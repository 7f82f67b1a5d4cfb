package simulate

import "time"

// Attack names what an intruder, or a mistake, did.
type Attack string

// The attacks that a world knows.
const (
	NewCountryLogin     Attack = "new_country_login"     // an identity logs in from a country that nobody there used
	PostingBurst        Attack = "posting_burst"         // a spam campaign of 15 to 40 posts within minutes
	UnapprovedPost      Attack = "unapproved_post"       // a post that nobody approved
	EditedAfterApproval Attack = "edited_after_approval" // approved, then published with another link
	ExpiredApproval     Attack = "expired_approval"      // approved, published after the approval had ended
	WrongAccountPost    Attack = "wrong_account_post"    // approved for another account of the organisation
	HijackedApp         Attack = "hijacked_app"          // an app never used before is granted access and posts
	ProfileTakeover     Attack = "profile_takeover"      // name, picture and link replaced
	MassDeletion        Attack = "mass_deletion"         // 15 to 40 posts deleted within minutes
	CollectorBlind      Attack = "collector_blind"       // the network refuses the collector; what happens is missed
)

// The benign look-alikes, in Label.Attack of a label that is Benign.
const (
	Thread        Attack = "thread"         // 15 posts in a row, one answering the other
	LiveEvent     Attack = "live_event"     // some 25 posts in an afternoon
	HolidayTrip   Attack = "holiday_trip"   // one to two weeks of logins from another country
	NewColleague  Attack = "new_colleague"  // an identity that was not there before
	NewPhone      Attack = "new_phone"      // another second factor and device
	NewPicture    Attack = "new_picture"    // the organisation changes its own picture
	NetworkHiccup Attack = "network_hiccup" // the network answers with errors for some minutes
)

// Attacks returns all attacks in their documented order.
func Attacks() []Attack {
	return []Attack{
		NewCountryLogin, PostingBurst, UnapprovedPost, EditedAfterApproval, ExpiredApproval,
		WrongAccountPost, HijackedApp, ProfileTakeover, MassDeletion, CollectorBlind,
	}
}

// Lookalikes returns all benign look-alikes in their documented order.
func Lookalikes() []Attack {
	return []Attack{Thread, LiveEvent, HolidayTrip, NewColleague, NewPhone, NewPicture, NetworkHiccup}
}

// Names of the built-in rules that should notice an attack, in
// Label.ExpectRules. They are the Sigma names of the pack.
const (
	RuleNewCountry   = "login_new_country"
	RuleNewNetwork   = "login_new_network"
	RuleBurst        = "posting_burst"
	RuleUnapproved   = "message_not_approved"
	RuleEdited       = "message_edited"
	RuleExpired      = "message_expired"
	RuleWrongAccount = "message_wrong_account"
	RuleNewApp       = "new_client_app"
	RuleProfile      = "profile_changed"
	RuleDeletions    = "many_deletions"
	RuleBlind        = "collector_blind"
)

// Label is the truth about one attack or one benign look-alike.
type Label struct {
	ID     string `json:"id"`               // "attack-000001" or "benign-000001", unique in a world
	Attack Attack `json:"attack"`           // what it is
	Benign bool   `json:"benign,omitempty"` // a look-alike: nothing should fire
	// Account is the account or identity on which rules should fire.
	Account string `json:"account"`
	// From and Until are the times of the first and the last activity that
	// gives it away, UTC. Preparation (an approval later misused, a failed
	// login) lies before From, and repair after Until.
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// ActivityIDs are the native ids of all its activities, oldest first,
	// preparation and repair included. A WrongAccountPost's approval is an
	// activity of another account.
	ActivityIDs []string `json:"activity_ids"`
	// ExpectRules are names of built-in rules that should fire on Account.
	// Attacks that only a learned rule can notice are not staged before it has
	// learned, so none happens in the first two weeks of an account.
	ExpectRules []string `json:"expect_rules,omitempty"`
}
