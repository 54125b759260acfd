package statetopic

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Range is a span of time that ends now, and the steps in which it is shown.
type Range struct {
	Name  string        // "24h"
	Span  time.Duration // how far it goes back
	Step  time.Duration // between two points
	width time.Duration // of the buckets that it is made of
}

// Ranges returns all ranges, the shortest first.
func Ranges() []Range {
	const day = 24 * time.Hour
	return []Range{
		{"1h", time.Hour, time.Minute, fineWidth},
		{"6h", 6 * time.Hour, 2 * time.Minute, fineWidth},
		{"24h", day, 5 * time.Minute, fineWidth},
		{"7d", 7 * day, coarseWidth, coarseWidth},
		{"30d", 30 * day, 2 * time.Hour, coarseWidth},
	}
}

// Point is one step of a history, of all replicas together.
type Point struct {
	T int64 `json:"t"` // the end of the step, in Unix seconds
	Counts
	Lag        *int64   `json:"lag"`        // in records, at the end of the step; null: not known
	LagSeconds *float64 `json:"lagSeconds"` // the highest in the step; null: not known
}

// history returns the points of a range, oldest first; a step of which nothing is known has none. Counts are those of all
// replicas. Of a cause it has the longest time that a replica was held by it: replicas are mostly held at the same time.
func (v *view) history(r Range, now time.Time) []Point {
	// What a bucket says is put together for each bucket first: lags of two replicas may only be added when they are of
	// one time, and a partition may have changed its owner between two buckets.
	spans := map[int64]*bucket{}
	from := now.Add(-r.Span).Unix()
	v.each(r.width, func(b bucket) {
		if b.end() <= from || b.Start > now.Unix() {
			return
		}
		all := spans[b.Start]
		if all == nil {
			all = &bucket{Start: b.Start, Width: b.Width}
			spans[b.Start] = all
		}
		all.join(b)
	})
	points := map[int64]*Point{}
	step := int64(r.Step / time.Second)
	for _, start := range slices.Sorted(maps.Keys(spans)) {
		b := spans[start]
		end := start/step*step + step
		p := points[end]
		if p == nil {
			p = &Point{T: end}
			points[end] = p
		}
		p.add(b.Counts)
		if b.Lag != nil {
			p.Lag = b.Lag
		}
		p.LagSeconds = highest(p.LagSeconds, b.LagSeconds)
	}
	list := make([]Point, 0, len(points))
	for _, end := range slices.Sorted(maps.Keys(points)) {
		list = append(list, *points[end])
	}
	return list
}

// join adds what another replica did in the same span.
func (b *bucket) join(other bucket) {
	held := maps.Clone(b.HeldSeconds)
	b.add(other.Counts)
	for cause, seconds := range other.HeldSeconds {
		b.hold(cause, max(held[cause], seconds))
	}
	if other.Lag != nil {
		sum := *other.Lag
		if b.Lag != nil {
			sum += *b.Lag
		}
		b.Lag = &sum
	}
	b.LagSeconds = highest(b.LagSeconds, other.LagSeconds)
}

func highest(a, b *float64) *float64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// Replica is the last process of a host, as it told of itself.
type Replica struct {
	Host    string    `json:"host"`
	Here    bool      `json:"here"` // it is this process
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Heard   time.Time `json:"heard"` // when it told of itself last
	Gone    bool      `json:"gone"`  // it stopped, or was not heard for a minute
	Now
}

const (
	// publishEvery is how often a process tells of itself.
	publishEvery = 15 * time.Second
	// goneAfter is when a process that is not heard counts as gone.
	goneAfter = 4 * publishEvery
	// shownGone is for how long replicas that are gone are shown.
	shownGone = 24 * time.Hour
	// stopped is the state of a process that has ended in order.
	stopped = "stopped"
	// maxShown is how many replicas are shown at most, and maxOwned how many partitions all of these may own: the page has
	// them in each state, once a second, and the topic may hold more than anybody runs.
	maxShown = 500
	maxOwned = 2 * maxPartitions
)

// replicas returns those that were heard in the last day, by host: of each host all processes that are there, and when
// none is, the last one. Those that are gone have no partitions.
// One whose clock is ahead is treated as one whose clock is late: it would be there long after its end.
func (v *view) replicas(now time.Time, self process) []Replica {
	var all []Replica
	for id, p := range v.processes {
		if p.heard == nil || now.Sub(p.heard.At).Abs() > shownGone {
			continue
		}
		r := Replica{
			Host: id.host, Here: id == self, Version: p.heard.Version, Started: p.heard.Started, Heard: p.heard.At, Now: p.heard.Now,
			Gone: p.heard.State == stopped || now.Sub(p.heard.At).Abs() > goneAfter,
		}
		if r.Gone {
			r.Now = Now{State: r.State}
		}
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b Replica) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), gone(a)-gone(b), b.Heard.Compare(a.Heard))
	})
	shown := all[:0]
	for _, r := range all {
		if n := len(shown); r.Gone && n > 0 && shown[n-1].Host == r.Host {
			continue // a later process of the host is shown
		}
		shown = append(shown, r)
	}
	return bounded(shown)
}

// bounded returns as many replicas as are shown, by host: those that are there before those that are gone, and the newest
// before others.
func bounded(all []Replica) []Replica {
	if len(all) > maxShown {
		slices.SortStableFunc(all, func(a, b Replica) int {
			return cmp.Or(gone(a)-gone(b), b.Heard.Compare(a.Heard))
		})
		all = all[:maxShown]
		slices.SortStableFunc(all, func(a, b Replica) int { return cmp.Compare(a.Host, b.Host) })
	}
	owned := 0
	for i := range all {
		if owned += len(all[i].Partitions); owned > maxOwned {
			owned -= len(all[i].Partitions)
			all[i].Partitions = nil
		}
	}
	return all
}

func gone(r Replica) int {
	if r.Gone {
		return 1
	}
	return 0
}
