package limit

import (
	"math"
	"time"
)

// longestPause bounds every wait that the CRM asks for: it is probed at least this often, however
// long its Retry-After.
const longestPause = 5 * time.Minute

// interval returns min(initial · 1.5ⁿ, longest), the wait after n earlier failures.
// cenkalti/backoff, which the rest of the project uses, keeps its progress inside and adds jitter
// of its own; a verdict that depends on nothing but its arguments needs a function.
func interval(n int, initial, longest time.Duration) time.Duration {
	wait := float64(initial) * math.Pow(1.5, float64(n))
	return time.Duration(min(wait, float64(longest)))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
