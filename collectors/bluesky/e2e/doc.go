// Package e2e holds the test of the bluesky collector against the reference
// server: @atproto/pds with a PLC directory, as @atproto/dev-env starts them
// (deploy/e2e/pds). Tests against the fake belong in package bluesky.
package e2e
