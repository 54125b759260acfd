package statetopic

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// Range is a span of time that ends now, and the steps in which it is shown.
type Range struct {
	Name  string        // such as "24h"
	Span  time.Duration // how far it goes back
	Step  time.Duration // the time between two points
	width time.Duration // the width of the buckets from which points are made
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
	LagSeconds *float64 `json:"lagSeconds"` // the greatest in the step; null: not known
}

// history returns the points of a range, oldest first. A step of which nothing is known has no point. Counts are sums over all
// replicas. The time held by a cause is the longest one of any replica, as replicas are mostly held at the same time.
func (v *view) history(r Range, now time.Time) []Point {
	// First the buckets of all replicas for the same span are joined, then the spans of each step. Lags of two replicas
	// may only be added if they are of the same time, as a partition may change its owner between two buckets.
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

// join adds the bucket of another replica for the same span.
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

// highest returns the greater value; nil counts as less than any.
func highest(a, b *float64) *float64 {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

// Replica is a process, by its last record about itself.
type Replica struct {
	Host    string    `json:"host"`
	Here    bool      `json:"here"` // it is this process
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Heard   time.Time `json:"heard"` // when it wrote that record
	Gone    bool      `json:"gone"`  // it has stopped, or has written nothing for a minute
	Now
}

const (
	// publishEvery is how often a process writes its record.
	publishEvery = 15 * time.Second
	// goneAfter is how long after its last record a process counts as gone.
	goneAfter = 4 * publishEvery
	// shownGone is for how long replicas that are gone are shown.
	shownGone = 24 * time.Hour
	// stopped is the state of a process that has ended in an orderly way.
	stopped = "stopped"
	// maxShown is how many replicas are shown at most, and maxOwned how many partitions they may own together. They are
	// bounded because the page gets all of them once a second, and anybody may have written to the topic.
	maxShown = 500
	maxOwned = 2 * maxPartitions
)

// replicas returns the replicas that have written a record in the last day, by host: of each host all that are not gone or,
// if all are gone, the last one. Replicas that are gone have no partitions.
// A record from the future counts as just as old: otherwise a replica whose clock was ahead would be shown long after its
// end.
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
			continue // another process of the host is shown: it is not gone, or wrote later
		}
		shown = append(shown, r)
	}
	return bounded(shown)
}

// bounded returns at most maxShown replicas, by host. If there are more, those that are gone are left out first, and among
// these the ones that wrote the longest time ago.
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

// gone returns 1 for a replica that is gone, else 0, for sorting.
func gone(r Replica) int {
	if r.Gone {
		return 1
	}
	return 0
}
