package statetopic

import (
	"slices"
	"time"
)

// maxBytes is the largest estimated memory of a view. Ten replicas take 8 MiB in a month.
const maxBytes = 32 << 20

// view has the contents of the topic, as far as it was read. It does no I/O and has no lock.
type view struct {
	processes map[process]*remembered
	bytes     int // estimated memory
}

// remembered is what is known of one process.
type remembered struct {
	heard   *heard // nil: its record about itself was not read
	buckets map[span]bucket
}

// span is the width and the start of a bucket.
type span struct {
	width time.Duration
	start int64
}

func newView() *view { return &view{processes: map[process]*remembered{}} }

// apply adds a record, in place of an older one with its key. A tombstone removes that one.
func (v *view) apply(r record, now time.Time) {
	p := v.processes[r.process]
	if p == nil {
		if r.bucket == nil && r.heard == nil {
			return
		}
		p = &remembered{buckets: map[span]bucket{}}
		v.processes[r.process] = p
		v.bytes += processBytes
	}
	if r.width == 0 {
		v.forgetHeard(p)
		p.heard = r.heard
		if p.heard != nil {
			v.bytes += p.heard.bytes()
		}
	} else {
		at := span{r.width, r.start}
		v.forgetBucket(p, at)
		if r.bucket != nil {
			p.buckets[at] = *r.bucket
			v.bytes += r.bucket.bytes()
		}
	}
	v.tidy(r.process)
	for v.bytes > maxBytes {
		v.shed(now)
	}
}

func (v *view) forgetHeard(p *remembered) {
	if p.heard != nil {
		v.bytes -= p.heard.bytes()
	}
	p.heard = nil
}

func (v *view) forgetBucket(p *remembered, at span) {
	if b, there := p.buckets[at]; there {
		v.bytes -= b.bytes()
	}
	delete(p.buckets, at)
}

// tidy forgets a process of which nothing is known any more.
func (v *view) tidy(id process) {
	if p := v.processes[id]; p.heard == nil && len(p.buckets) == 0 {
		delete(v.processes, id)
		v.bytes -= processBytes
	}
}

// processBytes is the estimated memory of a process without its records: its names and nearly empty maps. It is counted
// because whoever may write to the topic can invent processes.
const processBytes = 1000

// shed forgets at least a tenth of all records: first those that are farthest in the future by our clock, then the oldest.
// They stay in the topic.
func (v *view) shed(now time.Time) {
	latest := now.Add(clockSlack).Unix()
	worth := func(at int64) int64 {
		if at > latest {
			return latest - at // negative, so less than any time in the past
		}
		return at
	}
	var all []int64
	for _, p := range v.processes {
		if p.heard != nil {
			all = append(all, worth(p.heard.At.Unix()))
		}
		for _, b := range p.buckets {
			all = append(all, worth(b.Start))
		}
	}
	slices.Sort(all)
	least := all[len(all)/10]
	for id, p := range v.processes {
		if p.heard != nil && worth(p.heard.At.Unix()) <= least {
			v.forgetHeard(p)
		}
		for at, b := range p.buckets {
			if worth(b.Start) <= least {
				v.forgetBucket(p, at)
			}
		}
		v.tidy(id)
	}
}

// clockSlack is by how much the clock of a replica may be ahead of another's.
const clockSlack = 5 * time.Minute

// bytes estimates the memory of a bucket, including its place in the map.
func (b *bucket) bytes() int {
	n := 250
	if b.HeldSeconds != nil {
		n += 150 + 110*len(b.HeldSeconds)
	}
	return n
}

// bytes estimates the memory of a process's record about itself.
func (h *heard) bytes() int {
	n := 1000 + 8*len(h.Partitions) + 50*len(h.Holds)
	for i := range h.Open {
		n += h.Open[i].bucket.bytes()
	}
	return n
}

// expired returns the keys of records that are too old to be kept. For records of self its own clock decides. Records of
// other processes must also be too old by the clock of one of these, so that a process whose clock is days ahead deletes
// nothing that others still show.
func (v *view) expired(own time.Time, self process) (keys []string) {
	confirmed := v.confirmed(own, self)
	for id, p := range v.processes {
		now := confirmed
		if id == self {
			now = own
		}
		for at, b := range p.buckets {
			if b.expired(now) {
				keys = append(keys, id.bucketKey(at.width, at.start))
			}
		}
		if p.heard != nil && p.heard.At.Before(now.Add(-coarseKept)) {
			keys = append(keys, id.key())
		}
	}
	return keys
}

// confirmed returns the latest time that another process than self has written, but no later than own. It is zero if there is
// no other process.
func (v *view) confirmed(own time.Time, self process) (at time.Time) {
	for id, p := range v.processes {
		if id != self && p.heard != nil && p.heard.At.After(at) {
			at = p.heard.At
		}
	}
	if at.After(own) {
		return own
	}
	return at
}

// each calls f with every bucket of a width, including those that are still open.
func (v *view) each(width time.Duration, f func(bucket)) {
	for _, p := range v.processes {
		for at, b := range p.buckets {
			if at.width == width {
				f(b)
			}
		}
		if p.heard == nil {
			continue
		}
		for _, open := range p.heard.Open {
			if _, over := p.buckets[span{open.Width, open.Start}]; !over && open.Width == width {
				f(open.bucket)
			}
		}
	}
}
