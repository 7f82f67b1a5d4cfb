package x

import "time"

// Ids of posts since November 2010 are "snowflakes": the upper bits are
// milliseconds since this epoch, the lower 22 a worker and a sequence number
// (github.com/twitter-archive/snowflake, release snowflake-2010). Older ids
// were counted up and lie far below the first snowflake.
const (
	snowflakeEpoch = 1288834974657 // ms since 1970
	snowflakeShift = 22
	firstSnowflake = 29_700_000_000
)

// snowflakeTime returns when an id was made, the zero time for one that tells
// no time.
func snowflakeTime(id int64) time.Time {
	if id < firstSnowflake {
		return time.Time{}
	}
	return time.UnixMilli(id>>snowflakeShift + snowflakeEpoch).UTC()
}

// snowflakeAt returns the smallest id that could be made at t, 0 for a time
// before there were any.
func snowflakeAt(t time.Time) int64 {
	return max(0, t.UnixMilli()-snowflakeEpoch) << snowflakeShift
}

// precision is how far a post's created_at, in whole seconds with API v1.1, may
// lie from its id's time before the id is no longer trusted.
const precision = 2 * time.Second

// postTime returns when a post was made: its id's millisecond where that
// agrees with created_at or where created_at is absent. Where they differ
// created_at is what X says, except for an edit, whose id is made by the edit
// while created_at may be that of the first version.
func postTime(id int64, created time.Time, edited bool) time.Time {
	made := snowflakeTime(id)
	if made.IsZero() {
		return created.UTC()
	}
	if created.IsZero() || edited || made.Sub(created).Abs() <= precision {
		return made
	}
	return created.UTC()
}
