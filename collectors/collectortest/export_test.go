package collectortest

// KillAtAppends is a part of Run, for the test of pages that need several
// batches.
var KillAtAppends = killAtAppends
