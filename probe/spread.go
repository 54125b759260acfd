package probe

import (
	"slices"
	"time"
)

// samples are measured times and sizes.
type samples struct {
	times []time.Duration
	size  int // bytes of the largest answer
}

func (s *samples) add(took time.Duration, size int) {
	s.times = append(s.times, took)
	s.size = max(s.size, size)
}

// spread summarises times.
func spread(times []time.Duration) Spread {
	if len(times) == 0 {
		return Spread{}
	}
	sorted := slices.Sorted(slices.Values(times))
	return Spread{Samples: len(sorted), P50: milliseconds(sorted[(len(sorted)-1)/2]), Max: milliseconds(sorted[len(sorted)-1])}
}

func milliseconds(d time.Duration) int64 { return d.Round(time.Millisecond).Milliseconds() }
