package x

import (
	"strings"
	"testing"

	"github.com/picketd/picket/collectors/x/xtest"
)

// TestBadAnswers holds the whole of what is said about answers that cannot be
// used: the account, the request, what X said and how to mend it. Which kind of
// error each is, and that no secret is in it, TestErrors holds.
func TestBadAnswers(t *testing.T) {
	const who = "x: posts of x/acme: "
	for _, row := range []struct{ fault, want string }{
		{xtest.Fault400, `GET /2/users/1000/tweets: status 400, invalid-request: Invalid Request: One or more parameters to your request was invalid.; to mend it: check fields_param (tweet.fields or post.fields) against X's current documentation, and look for a newer Picket`},
		{xtest.Fault401, `GET /2/users/1000/tweets: status 401: Unauthorized; to mend it: check the credential at console.x.com: regenerate it if it was revoked, and give all values of the same app and account`},
		{xtest.Fault402, `GET /2/users/1000/tweets: status 402, credits: CreditsDepleted: Your enrolled account [1] does not have any credits to fulfill this request.; to mend it: credit exhausted: buy credits or raise the spending limit at console.x.com; until then X answers nothing`},
		{xtest.Fault403, `GET /2/users/1000/tweets: status 403: Forbidden; to mend it: check at console.x.com that the app may read this account`},
		{xtest.Fault403Spend, `GET /2/users/1000/tweets: status 403, credits: SpendCapReached: Your enrolled account [1] has reached its billing cycle spend cap.; to mend it: credit exhausted: buy credits or raise the spending limit at console.x.com; until then X answers nothing`},
		{xtest.Fault403Client, `GET /2/users/1000/tweets: status 403, client-forbidden: Client Forbidden: When authenticating requests to the Twitter API v2 endpoints, you must use keys and tokens from a Twitter developer App that is attached to a Project.; to mend it: set api: v2, since today's credentials do not reach API v1.1; if it is v2 already, attach the app to a project with access to these endpoints at console.x.com (access level)`},
		{xtest.Fault404, `GET /2/users/1000/tweets: status 404: Not Found; to mend it: check base_url and api: there is no such path at that address`},
		{xtest.Fault429, `rate limited until 2026-03-06T12:10:00Z: GET /2/users/1000/tweets: status 429, code 88: Too Many Requests: Rate limit exceeded`},
		{xtest.Fault429Bare, `rate limited: GET /2/users/1000/tweets: status 429, code 88: Too Many Requests: Rate limit exceeded`},
		{xtest.Fault429Cap, `GET /2/users/1000/tweets: status 429, usage-capped: UsageCapExceeded: Usage cap exceeded: Monthly product cap; to mend it: wait for the next billing month or ask X for a higher cap: this app's monthly cap of post reads is used up`},
		{xtest.Fault500, `GET /2/users/1000/tweets: status 500: Internal Server Error: Something is broken.`},
		{xtest.Fault503, `GET /2/users/1000/tweets: status 503: Service Unavailable`},
		{xtest.FaultTruncated, `GET /2/users/1000/tweets: answer is cut off: JSON ends unfinished after 209 of 209 bytes`},
		{xtest.FaultBroken, `GET /2/users/1000/tweets: answer with status 200 breaks off after 209 of 419 bytes: unexpected EOF`},
		{xtest.FaultHTML, `GET /2/users/1000/tweets: answer is not JSON but 73 bytes of "text/html; charset=utf-8"`},
		{xtest.FaultHTML502, `GET /2/users/1000/tweets: status 502: Bad Gateway: 73 bytes of text/html; charset=utf-8 that begin "<!DOCTYPE html><html><head><title>X / Over capacity</title></head></html>"`},
		{xtest.FaultEmpty, `GET /2/users/1000/tweets: answer is cut off: it is empty`},
		{xtest.FaultHollow, `malformed GET /2/users/1000/tweets answer: neither data nor errors nor meta`},
	} {
		t.Run(row.fault, func(t *testing.T) {
			w := newWorld(t, xtest.Options{})
			w.old("there must be something to cut")
			if err := w.srv.AddFault(xtest.Fault{Kind: row.fault, Endpoint: "users/tweets", Reset: 600}); err != nil {
				t.Fatal(err)
			}
			_, err := w.try(nil)
			if err == nil {
				t.Fatal("no error")
			}
			got := strings.ReplaceAll(err.Error(), w.web.URL, "")
			if got != who+row.want {
				t.Errorf("error\n%s\nwant\n%s", got, who+row.want)
			}
		})
	}
}
