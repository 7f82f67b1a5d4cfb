// Package slack tells messages in a channel of Slack, a thread for each
// incident, and takes what people do with the buttons there.
//
// The first message of an incident begins its thread, and is kept up to date:
// its state, its lines, and its buttons while somebody is needed. Each later
// message is a reply, shown in the channel too where somebody is needed.
// Buttons come in over Socket Mode, a connection that Picket opens: nothing
// needs to reach Picket from outside.
//
// All that a message says is sent as plain_text, which Slack neither formats
// nor searches for mentions, and defanged; the only mrkdwn is a mention of
// people whose ids are configured. A message leads to the pages of its links
// and nowhere else.
//
// It follows https://docs.slack.dev, as of November 2026:
// chat.postMessage, chat.update, chat.postEphemeral, Block Kit's reference,
// rate limits, and "Using Socket Mode".
//
// What a message says belongs in dispatch, what a deed means in alerting.
package slack
