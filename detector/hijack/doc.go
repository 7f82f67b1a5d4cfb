// Package hijack measures how rules would have caught the takeover of an
// account: it plays attacks into real posting histories and counts which are
// noticed, after how many posts, and how often real posts raise an alert.
//
// The method is that of COMPA (Egele, Stringhini, Kruegel, Vigna: "COMPA:
// Detecting Compromised Accounts on Social Networks", NDSS 2013, section 5;
// TDSC 2017) with more attacks. The attacks, the player and the table belong
// here. What is attacked is behind the Subject interface, and where histories
// come from is the caller's matter: this package opens no file and reads no
// clock, and the same histories and seed give the same table.
//
// COMPA's own detector is in the tests as a yardstick: go test -v -run BesideCOMPA
// ./detector/hijack -all plays the same scripts on it and on the built-in rules.
package hijack
