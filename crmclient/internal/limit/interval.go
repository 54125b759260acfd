package limit

import (
	"math"
	"time"
)

// longestPause bounds every wait that the CRM asks for by Retry-After.
const longestPause = 5 * time.Minute

// interval returns min(initial · 1.5ⁿ, longest), the wait after n earlier failures. The rest of the project
// uses cenkalti/backoff, which keeps state and adds jitter. Here the wait must depend on the arguments only.
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
