package limit

import "time"

// LookUps says when the next look-up may leave. Look-ups wait for their own failures only, and
// creates never wait for them. Create it by [NewLookUps].
type LookUps struct {
	initial, longest time.Duration // CRM_BACKOFF_INITIAL, CRM_BACKOFF_MAX
	failed           int           // in a row
	next             time.Time
}

// NewLookUps returns a gate that is open. The wait after a failure grows from initial to longest.
func NewLookUps(initial, longest time.Duration) *LookUps {
	return &LookUps{initial: initial, longest: longest}
}

// At returns when the next look-up may leave. A time that is not after now means now.
func (l *LookUps) At() time.Time { return l.next }

// Failed notes that a look-up failed. The next waits for as long as the CRM asked (0: it did not),
// but for the longest wait at most.
func (l *LookUps) Failed(retryAfter time.Duration, now time.Time) {
	wait := max(interval(l.failed, l.initial, l.longest), min(retryAfter, l.longest))
	l.failed++
	l.next = later(l.next, now.Add(wait))
}

// Failing reports whether the last look-up failed.
func (l *LookUps) Failing() bool { return l.failed > 0 }

// Passed notes that a look-up was answered.
func (l *LookUps) Passed() { l.failed, l.next = 0, time.Time{} }
