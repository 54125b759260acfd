package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/table"
)

// quantile returns the q-quantile of values by the nearest-rank method; 0 when there are no values.
func quantile(values []time.Duration, q float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	rank := int(math.Ceil(q*float64(len(sorted)))) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

// rounded returns x rounded to a number of digits after the point.
func rounded(x float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(x*scale) / scale
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// part returns a/b, or 0 when b is 0.
func part(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// figuresTable returns a table with a row for each case.
func figuresTable(results []result) table.Table {
	t := table.Table{{"case", "contacts/s", "ceiling", "share", "bare client", "share", "requests", "429", "CPU µs", "peak RSS MiB", "p50 ms", "p99 ms"}}
	for _, r := range results {
		title := r.Title
		if r.Cut {
			title += " (cut)"
		}
		t = append(t, []string{
			title, table.Short(r.Rate), table.Blank(r.Ceiling, table.Short), table.Blank(r.Share, table.Percent), table.Blank(r.Bare, table.Short), table.Blank(r.OfBare, table.Percent),
			fmt.Sprint(r.Requests), fmt.Sprint(r.Throttled), table.Short(r.CPU), table.Short(r.PeakRSS), table.Blank(r.P50, table.Short), table.Blank(r.P99, table.Short),
		})
	}
	return t
}

// goalsTable returns a table with a row for each goal.
func goalsTable(goals []goal) table.Table {
	t := table.Table{{"case", "what", "verdict", "value", "bound (aim)"}}
	for _, g := range goals {
		t = append(t, []string{g.Case, g.What, g.Verdict, fmt.Sprintf("%g", g.Value), g.limit()})
	}
	return t
}
