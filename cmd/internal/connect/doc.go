// Package connect walks a person at a terminal through connecting an account:
// it says where a credential is made and with which least rights, takes it
// without showing it, looks at the account with it, estimates what watching
// takes, and adds the account to the configuration file. What a network answers
// belongs in its collector, what a configuration means in package config.
//
// A walk changes nothing before it has been told so at its end. The credential
// then goes into a file of its own that only its owner may read, the
// configuration is replaced in one step, and every byte of it that is not the
// account's stays as it was.
package connect
