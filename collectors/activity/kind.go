package activity

// Kind says what happened.
type Kind string

// The kinds of activity. KindApproval, KindPoll, KindFollowers and KindVerdict
// are facts about the account, of which Picket alone writes polls and verdicts;
// the rest is what somebody did.
const (
	KindPost           Kind = "post"
	KindRepost         Kind = "repost"
	KindReply          Kind = "reply"
	KindEdit           Kind = "edit"
	KindDelete         Kind = "delete"
	KindMessage        Kind = "message"
	KindLogin          Kind = "login"
	KindLoginFailure   Kind = "login_failure"
	KindLogout         Kind = "logout"
	KindSession        Kind = "session"
	KindTokenGrant     Kind = "token_grant"
	KindTokenRevoke    Kind = "token_revoke"
	KindMFAChange      Kind = "mfa_change"
	KindPasswordChange Kind = "password_change"
	KindRoleChange     Kind = "role_change"
	KindProfile        Kind = "profile"
	KindFollowers      Kind = "followers"
	KindMention        Kind = "mention"
	KindApproval       Kind = "approval"
	KindPoll           Kind = "poll"
	KindVerdict        Kind = "verdict"
)

// Kinds returns all kinds in their documented order.
func Kinds() []Kind {
	return []Kind{
		KindPost, KindRepost, KindReply, KindEdit, KindDelete, KindMessage,
		KindLogin, KindLoginFailure, KindLogout, KindSession,
		KindTokenGrant, KindTokenRevoke, KindMFAChange, KindPasswordChange, KindRoleChange,
		KindProfile, KindFollowers, KindMention, KindApproval, KindPoll, KindVerdict,
	}
}

// Class groups the kinds that are kept equally long.
type Class uint8

// The classes: attempts to get in and changes of who may, what was done with
// the account and what is said about it, and what others say of it.
const (
	ClassPosts Class = iota
	ClassLogins
	ClassMentions
)

// Class returns the class of k.
func (k Kind) Class() Class {
	switch k {
	case KindLogin, KindLoginFailure, KindLogout, KindSession,
		KindTokenGrant, KindTokenRevoke, KindMFAChange, KindPasswordChange, KindRoleChange:
		return ClassLogins
	case KindMention:
		return ClassMentions
	default:
		return ClassPosts
	}
}

// hashKey is 64-bit FNV-1a over kind, a zero byte and id. Its values are
// stored in journals, so it never changes.
func hashKey(kind Kind, id string) uint64 {
	const prime = 1099511628211
	h := uint64(14695981039346656037)
	for i := range len(kind) {
		h = (h ^ uint64(kind[i])) * prime
	}
	h *= prime
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * prime
	}
	return h
}
