package main

import (
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(100 - i) // not in order
	}
	for _, c := range []struct {
		name   string
		values []time.Duration
		q      float64
		want   time.Duration
	}{
		{"none", nil, .5, 0},
		{"one", []time.Duration{7}, .99, 7},
		{"median", hundred, .5, 50},
		{"p99", hundred, .99, 99},
		{"least", hundred, 0, 1},
		{"most", hundred, 1, 100},
		{"of three", []time.Duration{3, 1, 2}, .5, 2},
	} {
		if got := quantile(c.values, c.q); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
	if hundred[0] != 100 {
		t.Error("the values were put in order in place")
	}
}

func TestRoundedAndPart(t *testing.T) {
	t.Parallel()
	if got := rounded(2.3456, 2); got != 2.35 {
		t.Errorf("rounded: %v", got)
	}
	if got := part(1, 0); got != 0 {
		t.Errorf("part of nothing: %v", got)
	}
	if got := part(1, 4); got != .25 {
		t.Errorf("part: %v", got)
	}
}
