package consumer

import "time"

// commitState is what the last commit of a partition allows, and what the next one will allow. It needs no lock.
type commitState struct {
	ahead  int   // how many records a commit grants beyond those that are dispatched
	wanted int64 // the offset of the record that waits for a grant

	// granted, horizon and offset are of the last acknowledged commit: the offset below which records may be dispatched, the
	// time until which requests for them may leave, and its offset, -1 before the first commit.
	granted int64
	horizon time.Time
	offset  int64

	begun, done int // how many commits were begun, and how many of these are acknowledged
}

// nextGrant returns the grant of the next commit: it lies ahead records beyond those that are dispatched or wait for a grant,
// but not beyond the log's end. So records that are produced later are not granted yet, and are no suspects after a crash.
// dispatched is the offset of the next record to be dispatched.
func (c *commitState) nextGrant(dispatched, logEnd int64) int64 {
	ahead := max(c.wanted, dispatched) + int64(c.ahead)
	return max(c.granted, dispatched, min(ahead, logEnd))
}

// wantsGrant reports whether a commit would grant more, and it is needed soon.
func (c *commitState) wantsGrant(dispatched, logEnd int64) bool {
	return c.nextGrant(dispatched, logEnd) > c.granted && c.wanted+int64(c.ahead)/2 >= c.granted
}

// acknowledge notes that a commit is acknowledged. As one is in flight at a time, all commits that were begun are done then.
func (c *commitState) acknowledge(offset, grant int64, horizon time.Time) {
	c.granted, c.horizon, c.offset = grant, horizon, offset
	c.done = c.begun
}
