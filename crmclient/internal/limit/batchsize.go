package limit

import "time"

const (
	// cleanStrikes and lostStrikes are how many batches have to fail in a row, while single creates
	// pass, until batches are halved: the first when the failures cannot have taken effect. The others
	// are lost answers as often as not, which come by chance.
	cleanStrikes = 2
	lostStrikes  = 3
	// cleanRetry and lostRetry are how long after that a greater batch is tried: a whole one when the
	// failures cannot have taken effect, else one of twice the size, as it leaves that many events in
	// doubt should it fail.
	cleanRetry = time.Minute
	lostRetry  = 10 * time.Second
)

// BatchSize is how many creates a request of this process bears. It is halved when batches fail in
// a row while single creates pass, and grows again by trials. Create it by [NewBatchSize].
type BatchSize struct {
	largest int
	size    int

	failures int  // batches that failed as a whole since one was answered
	least    int  // the least of them
	clean    bool // none of them can have taken effect
	singles  bool // a single create has passed since the first of them
	tryAt    time.Time
}

// NewBatchSize returns a size that begins with the largest.
func NewBatchSize(largest int) *BatchSize {
	return &BatchSize{largest: max(1, largest), size: max(1, largest), clean: true}
}

// Size returns how many creates a request may bear that leaves now. After a batch failed, single
// creates leave until one of them passes, which shows that it was the batch, or fails,
// which shows that it was not.
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

// Failed notes that a request of n creates failed as a whole. Applied says that it may have taken
// effect, as when there was no answer.
func (b *BatchSize) Failed(n int, applied bool, now time.Time) {
	switch {
	case n == 1:
		b.forget()
		return
	case n > b.size: // a trial, or one that left before batches were made smaller
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
	case n > b.size && b.clean: // however few it was tried with
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

func (b *BatchSize) retry() time.Duration {
	if b.clean {
		return cleanRetry
	}
	return lostRetry
}

func (b *BatchSize) forget() { b.failures, b.singles = 0, false }

// NotOffered notes that the CRM has no batches (404 or 405): creates leave singly for a minute.
func (b *BatchSize) NotOffered(now time.Time) {
	b.forget()
	b.size, b.clean = 1, true
	b.tryAt = now.Add(cleanRetry)
}
