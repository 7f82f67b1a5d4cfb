//go:build !race

package app

import "time"

// syncInterval is how often the embedded server syncs its files with durability
// process.
const syncInterval = 100 * time.Millisecond
