// Package alertmanager tells Prometheus Alertmanagers of incidents, over their
// API v2 (the OpenAPI document in Alertmanager's api/v2, POST /api/v2/alerts).
// Whom an Alertmanager tells in turn is its own configuration's matter.
//
// # Labels
//
// An incident is one alert. Alertmanager knows an alert by its labels, so those
// of the incident's first message stay, but for its level:
//
//	alertname  PicketIncident; PicketSummary and PicketTest of those
//	incident   id of the incident
//	receiver   name of Picket's receiver
//	level      informational, low, medium, high, critical
//	severity   critical; warning of high and medium; info of the rest
//	again      2 and so on, of what waits for somebody again after it was acknowledged
//	network, account, rule, type, tag, drill, group_ip and so on
//	           what the incident's first message is matched by; signs that label
//	           names may not have are "_"
//
// and those that the configuration adds. When the level changes, the alert with
// the old one is resolved and one with the new one fires. So it is when an incident
// that was acknowledged waits again: Alertmanager would tell nobody of an alert that
// goes on firing before its repeat_interval. Values of group_… come
// from outside and are defanged, but for addresses.
//
// The annotations are summary, description, number, state, alerts, and link_…
// for each kind of link; generatorURL is the link that only looks. Nothing that
// others wrote can ping, format or link where an Alertmanager passes it on.
//
// # One-shot alerts
//
// A post happens once, and nothing repeats it. Alertmanager would take such an
// alert for resolved after its resolve_timeout, 5 minutes by default, had it no
// end; so it gets one that is far away, Config.Hold. Until then it fires unless
// Picket resolves it. Alertmanager keeps alerts in memory only, therefore every
// [Output.Beat] tells it again of all that fires, at the latest a heartbeat
// after it was started anew. So is what Picket told within Hold before it was started
// anew itself, but for incidents that are over, whether or not the Alertmanager was
// told so. An acknowledgement changes the annotation state and nothing else, since
// Alertmanager knows none. A summary ends by itself after an hour and a test
// after 5 minutes.
//
// # Several
//
// Alertmanagers of a cluster do not pass alerts on to each other, so each is
// told. A message is taken when at least one has taken it: one that is down
// must not keep people from being told by the others. What one has missed, it is
// told after the next message that it takes, or with the next heartbeat.
//
// # Heartbeat
//
// An alert PicketHeartbeat with severity none that always fires, and ends when
// three heartbeats were missed. Route it to a service that raises the alarm when
// it hears nothing.
//
// # What an answer means
//
// 200 with an empty body is taken. A body in it that is not JSON, or that speaks
// of an error, is a lie of something in between and is tried again; 400 is given
// up. See package httpsend for the rest.
package alertmanager
