// Package rules compiles Sigma documents and Picket's baseline documents into
// one immutable Program that matches an activity against all of them. It
// parses nothing (that is rules/sigma) and keeps no memory between activities
// (that is detector).
package rules
