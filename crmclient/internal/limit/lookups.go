package limit

import "time"

// LookUps says when the next look-up may leave. Only failed look-ups delay look-ups, and they do not delay
// creates. Create it by [NewLookUps].
type LookUps struct {
	initial, longest time.Duration // CRM_BACKOFF_INITIAL, CRM_BACKOFF_MAX
	failed           int           // look-ups that failed in a row
	next             time.Time     // when the next look-up may leave; zero: at once
}

// NewLookUps returns a LookUps by which look-ups may leave at once. The wait after a failure grows from
// initial to longest.
func NewLookUps(initial, longest time.Duration) *LookUps {
	return &LookUps{initial: initial, longest: longest}
}

// At returns when the next look-up may leave. A time that is not after now means now.
func (l *LookUps) At() time.Time { return l.next }

// Failed notes that a look-up failed. retryAfter is the wait that the CRM asked for; 0: none. It counts only up
// to the longest wait.
func (l *LookUps) Failed(retryAfter time.Duration, now time.Time) {
	wait := max(interval(l.failed, l.initial, l.longest), min(retryAfter, l.longest))
	l.failed++
	l.next = later(l.next, now.Add(wait))
}

// Failing reports whether the last look-up failed.
func (l *LookUps) Failing() bool { return l.failed > 0 }

// Passed notes that a look-up was answered.
func (l *LookUps) Passed() { l.failed, l.next = 0, time.Time{} }
