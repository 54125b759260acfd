package sendqueue

import (
	"slices"
	"sync"
	"testing"
)

// TestNext: batches keep the order and the limits, and what nobody waits for is left out.
func TestNext(t *testing.T) {
	t.Parallel()
	size := func(n int) int { return n }
	for name, c := range map[string]struct {
		limits  Limits
		items   []int
		dropped func(int) bool
		want    [][]int
	}{
		"all at once":        {Limits{10, 100}, []int{1, 2, 3}, nil, [][]int{{1, 2, 3}}},
		"by number":          {Limits{2, 100}, []int{1, 2, 3}, nil, [][]int{{1, 2}, {3}}},
		"by size":            {Limits{10, 5}, []int{2, 3, 1}, nil, [][]int{{2, 3}, {1}}},
		"too large":          {Limits{10, 5}, []int{9, 1}, nil, [][]int{{9}, {1}}},
		"one is given up":    {Limits{2, 100}, []int{1, 2, 3}, func(n int) bool { return n == 2 }, [][]int{{1, 3}}},
		"all are given up":   {Limits{2, 100}, []int{1, 2, 3}, func(int) bool { return true }, nil},
		"nothing was put in": {Limits{2, 100}, nil, nil, nil},
	} {
		q := New(c.limits, size, c.dropped)
		for i, item := range c.items {
			if needs := q.Add(item); needs != (i == 0) {
				t.Errorf("%s: item %d wants a sender: %v", name, i, needs)
			}
		}
		var got [][]int
		for batch := q.Next(); len(batch) > 0; batch = q.Next() {
			got = append(got, batch)
		}
		if !slices.EqualFunc(got, c.want, slices.Equal) || q.Len() > 0 {
			t.Errorf("%s: batches %v, want %v; %d left", name, got, c.want, q.Len())
		}
		if !q.Add(1) {
			t.Errorf("%s: the next item after the end wants no sender", name)
		}
	}
}

// TestOneSender: whatever comes while a sender ends, everything is sent, by one sender at a time: what they count
// has no lock of its own, which the race detector would tell.
func TestOneSender(t *testing.T) {
	t.Parallel()
	q := New(Limits{3, 100}, func(int) int { return 1 }, nil)
	const adders, each = 8, 500
	sent := 0
	send := func() {
		for batch := q.Next(); len(batch) > 0; batch = q.Next() {
			sent += len(batch)
		}
	}
	var work sync.WaitGroup
	for range adders {
		work.Go(func() {
			for range each {
				if q.Add(1) {
					work.Go(send)
				}
			}
		})
	}
	work.Wait()
	if sent != adders*each || q.Len() > 0 {
		t.Errorf("%d of %d items were sent, %d wait", sent, adders*each, q.Len())
	}
}
