package limit

import "time"

const (
	// Batches are halved when this many batches have failed in a row while single creates pass: cleanStrikes if none
	// of these batches can have taken effect, else lostStrikes, as answers also get lost by chance.
	cleanStrikes = 2
	lostStrikes  = 3
	// This long after batches were halved, a larger one is tried: after cleanRetry one of the largest size if
	// the failures cannot have taken effect, else after lostRetry one of twice the size, because all events
	// of a batch that fails then are in doubt.
	cleanRetry = time.Minute
	lostRetry  = 10 * time.Second
)

// BatchSize decides how many creates a request of this process may have. The size is halved when batches fail
// in a row while single creates pass, and grows again by trials. Create it by [NewBatchSize].
type BatchSize struct {
	largest int
	size    int

	failures int       // batches that failed as a whole since one was answered
	least    int       // the size of the smallest of these batches
	clean    bool      // none of these batches can have taken effect; false: one may have
	singles  bool      // a single create has passed since the first of these batches failed
	tryAt    time.Time // when a larger size is tried next
}

// NewBatchSize returns a BatchSize that begins with the largest size.
func NewBatchSize(largest int) *BatchSize {
	return &BatchSize{largest: max(1, largest), size: max(1, largest), clean: true}
}

// Size returns how many creates a request may have that leaves now. After a batch failed, creates are sent
// singly until one of them passes, which shows that batches are at fault, or fails, which shows that they
// are not.
func (b *BatchSize) Size(now time.Time) int {
	switch {
	case b.failures > 0 && !b.singles:
		return 1
	case b.size == b.largest || now.Before(b.tryAt):
		return b.size
	case b.clean:
		return b.largest
	}
	return min(2*b.size, b.largest)
}

// Failed notes that a request of n creates failed as a whole. applied says that the request may have taken
// effect, for example because there was no answer.
func (b *BatchSize) Failed(n int, applied bool, now time.Time) {
	switch {
	case n == 1:
		b.forget()
		return
	case n > b.size: // a trial, or a batch that left before batches were made smaller
		b.clean = b.clean && !applied
		b.tryAt = now.Add(b.retry())
		return
	case b.failures == 0:
		b.clean, b.least = true, n
	}
	b.failures++
	b.least = min(b.least, n)
	b.clean = b.clean && !applied
	b.judge(now)
}

// Passed notes that a request of n creates was answered for each of them.
func (b *BatchSize) Passed(n int, now time.Time) {
	switch {
	case n == 1 && b.failures > 0:
		b.singles = true
		b.judge(now)
	case n == 1:
	case n > b.size && b.clean: // a trial of the largest size, even if there were fewer creates to send
		b.size = b.largest
		b.forget()
	case n > b.size:
		b.size, b.tryAt = n, now.Add(b.retry())
		b.forget()
	default:
		b.forget()
	}
}

// judge halves batches when enough of them have failed while single creates pass.
func (b *BatchSize) judge(now time.Time) {
	strikes := cleanStrikes
	if !b.clean {
		strikes = lostStrikes
	}
	if b.failures < strikes || !b.singles {
		return
	}
	b.size = max(1, b.least/2)
	b.tryAt = now.Add(b.retry())
	b.forget()
}

// retry returns how long after batches were halved a larger one is tried.
func (b *BatchSize) retry() time.Duration {
	if b.clean {
		return cleanRetry
	}
	return lostRetry
}

// forget forgets the failures.
func (b *BatchSize) forget() { b.failures, b.singles = 0, false }

// NotOffered notes that the CRM has no batches (404 or 405): creates leave singly for a minute.
func (b *BatchSize) NotOffered(now time.Time) {
	b.forget()
	b.size, b.clean = 1, true
	b.tryAt = now.Add(cleanRetry)
}
