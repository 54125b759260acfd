package main

import (
	"math"
	"slices"
	"time"
)

// quantile is the smallest value that at least a part q of all do not exceed; 0 when
// there are none.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// rounded has so many digits behind the point.
func rounded(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(x*scale) / scale
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// part is a of b, 0 when there is no b.
func part(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}
