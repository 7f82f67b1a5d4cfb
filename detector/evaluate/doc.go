// Package evaluate answers how the rules in force would have caught a takeover
// of one's own accounts: it plays the protocol of detector/hijack on the engine
// that the daemon runs, and gathers what it gave. Attacks and the counting
// belong in detector/hijack, what a rule finds belongs in detector, and how the
// answer looks belongs to whoever asks. It opens no file and reads no clock.
package evaluate
