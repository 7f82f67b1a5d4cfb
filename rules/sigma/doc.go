// Package sigma reads Sigma documents (specification 2.1, and collections with
// action documents of the time before) and Picket's own documents, which are
// written in the same style, into a syntax tree in which every node knows its
// line and column, and prints such a tree in one canonical form.
//
// It knows the shape of the documents: which keys there are, what kind of
// value each takes, the grammar of conditions, modifiers, wildcards and
// durations. What a document means, whether its fields exist, its regular
// expressions compile and the rules that it refers to are there, belongs in
// rules. It does no I/O and reads no clock.
//
// # What Picket adds to Sigma
//
// Any rule may have a block of settings, each of them optional:
//
//	picket:
//	  quiet: 1h                    # an episode ends after this long without a match
//	  mode: enforce                # or observe, or off
//	  joins: [odd_login]           # while that rule, at least as urgent, has an alert open, be a reason of it
//	  resolved-by: [all_is_well]   # detection rules whose match ends an episode
//	  response: [Phone the owner.] # what to do, one step each
//	  generate: true               # raise findings although other rules use this one
//	  across-accounts: true        # a correlation over a source's own events is not counted for each account apart
//
// A baseline takes the place of detection or correlation. It judges the
// matches of other rules by what is normal for the account:
//
//	baseline:
//	  type: new_value
//	  rules: [login]               # names or ids of detection rules
//	  group-by: [account]          # the default
//	  field: geo.country           # whose values are learned
//	  learn: {period: 14d, events: 20}
//	  forget: 90d                  # a value unseen for this long is new again
//
// with numbers of its own for some types, as named in package rules:
//
//	baseline:
//	  type: travel
//	  rules: [login]
//	  without: [login_on_aircraft] # says nothing of a place
//	  distance: 100                # km
//	  speed: 900                   # km/h
//
// or what others do about it, in intervals of time, and what is counted of it:
//
//	baseline:
//	  type: storm
//	  rules: [mention]
//	  timespan: 5m                 # the intervals
//	  least: 10                    # fewer are no storm
//	  threshold: 0.5               # the score from which it is one
//	  warm-up: 3d                  # learned before it is judged
//
//	baseline:
//	  type: drift
//	  rules: [counted]
//	  field: metrics.followers
//	  direction: -1                # falls only; 1 rises only, 0 both
//	  share: 0.05                  # of the count, that must come or go
//	  least: 100                   # in number
//	  times: 8                     # its usual daily variation
//	  days: 7                      # known before it is judged
//
//	baseline:
//	  type: rate
//	  rules: [post]
//	  every: 1825d                 # what it reaches less often than this is odd
//	  least: 12                    # fewer in a window are never too many
//	  gap: 1d                      # a shorter silence is never too long
//	  warm-up: 30d
//	  direction: -1                # silences only; 1 too many only, 0 both
//
// or by the approvals that its messages have:
//
//	baseline:
//	  type: approval
//	  rules: [message]
//	  verdict: missing             # or edited, expired, wrong_account
//	  grace: 2m                    # an approval this late still counts
//
// or by how it writes. Numbers that a model takes stand beside the other keys:
//
//	baseline:
//	  type: profile
//	  rules: [published]
//	  learn: {period: 30d, events: 300}
//	  budget: 1                    # false alerts that one account may cost in a month, 0.05 to 8
//
// A filter is Sigma's own; its "rules" may also be the word any. Placeholders say
// what %name% stands for under the modifier expand:
//
//	title: Who belongs to us
//	placeholders:
//	  admins: [alice, bob*]
//
// A tune document sets numbers of one rule for some accounts, for a time. All of
// its keys are needed:
//
//	title: Match days
//	tune:
//	  rule: posting_burst          # name or id
//	  set: {condition.gte: 40}
//	  accounts: [x/acme]
//	  owner: jane@example.org
//	  reason: Live tickers
//	  until: 2026-12-31            # the first day on which it no longer holds, UTC
//
// Attributes that neither knows are carried along, as Sigma wants it, unless
// they look like a misspelt one.
package sigma
