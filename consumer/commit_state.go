package consumer

import "time"

// commitState is what the commits of a partition allow, and what the next one is to allow. It is a plain value.
type commitState struct {
	ahead  int   // how many records beyond those dispatched a commit grants
	wanted int64 // the offset of the record that waits for a grant

	// granted, horizon and offset are of the last acknowledged commit: the offset below which records may be dispatched, the
	// time until which requests for them may leave, and its offset, -1 before the first commit.
	granted int64
	horizon time.Time
	offset  int64

	begun, done int // how many were begun, and how many of these are acknowledged
}

// nextGrant returns the grant of the next commit: some records beyond the one that waits and those dispatched, but none
// beyond the log's end. So what is produced later is granted by nobody yet, and no suspect after a crash. dispatched is the
// offset of the next record to be dispatched.
func (c *commitState) nextGrant(dispatched, logEnd int64) int64 {
	ahead := max(c.wanted, dispatched) + int64(c.ahead)
	return max(c.granted, dispatched, min(ahead, logEnd))
}

// wantsGrant reports whether a commit would grant more, and it is needed soon.
func (c *commitState) wantsGrant(dispatched, logEnd int64) bool {
	return c.nextGrant(dispatched, logEnd) > c.granted && c.wanted+int64(c.ahead)/2 >= c.granted
}

// acknowledge takes over an acknowledged commit. One is in flight at a time, so that all that were begun are done.
func (c *commitState) acknowledge(offset, grant int64, horizon time.Time) {
	c.granted, c.horizon, c.offset = grant, horizon, offset
	c.done = c.begun
}
