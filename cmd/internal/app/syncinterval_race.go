//go:build race

package app

import "time"

// syncInterval is longer under the race detector: the server (v2.15) notes the
// timer of a store without the lock under which the timer reads it, and a timer
// that fires before the store was used for the first time is told as a race.
const syncInterval = 10 * time.Second
