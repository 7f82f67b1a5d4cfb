// Package notifytest is the contract that every output passes: what it makes of
// each way in which a receiver answers, fails or lies, that no error holds a
// secret, and messages to try it with, hostile ones among them.
//
// What one service wants of a message, its goldens and its own error codes
// belong in the tests of that output's package.
package notifytest
