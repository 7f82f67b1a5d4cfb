// Package slacktest is a Slack for tests: the few methods of the Web API and
// the part of Socket Mode that Picket uses, in the wire format of
// https://docs.slack.dev, as of November 2026 (the methods auth.test,
// chat.postMessage, chat.update, chat.postEphemeral and apps.connections.open,
// Block Kit's reference, rate limits, "Using Socket Mode"). It holds messages
// to the documented limits, and posting to a message a second in a channel.
//
// What Picket should say does not belong here, only what Slack would take.
package slacktest
