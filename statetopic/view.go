package statetopic

import (
	"slices"
	"time"
)

// maxBytes bounds the memory of a view, by estimates. Ten replicas take 8 MiB in a month.
const maxBytes = 32 << 20

// view is what the topic holds, as far as it was read. It does no I/O and has no lock.
type view struct {
	processes map[process]*remembered
	bytes     int // of all that is remembered, estimated
}

// remembered is what is known of one process.
type remembered struct {
	heard   *heard // nil: its own record was not read
	buckets map[span]bucket
}

// span is the width and the start of a bucket.
type span struct {
	width time.Duration
	start int64
}

func newView() *view { return &view{processes: map[process]*remembered{}} }

// apply takes a record over.
func (v *view) apply(r record) {
	p := v.processes[r.process]
	if p == nil {
		if r.bucket == nil && r.heard == nil {
			return
		}
		p = &remembered{buckets: map[span]bucket{}}
		v.processes[r.process] = p
		v.bytes += processBytes
	}
	if at := (span{r.width, r.start}); r.width == 0 {
		v.forgetHeard(p)
		if p.heard = r.heard; p.heard != nil {
			v.bytes += p.heard.bytes()
		}
	} else {
		v.forgetBucket(p, at)
		if r.bucket != nil {
			p.buckets[at] = *r.bucket
			v.bytes += r.bucket.bytes()
		}
	}
	v.tidy(r.process)
	for v.bytes > maxBytes {
		v.shed()
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

// processBytes estimates the memory of a process's names, and of its maps while little is in them: strangers can make up
// as many as fit.
const processBytes = 1000

// shed forgets the oldest tenth of what there is too much of. The topic keeps it.
func (v *view) shed() {
	var times []int64
	for _, p := range v.processes {
		if p.heard != nil {
			times = append(times, p.heard.At.Unix())
		}
		for _, b := range p.buckets {
			times = append(times, b.end())
		}
	}
	slices.Sort(times)
	oldest := times[len(times)/10]
	for id, p := range v.processes {
		if p.heard != nil && p.heard.At.Unix() <= oldest {
			v.forgetHeard(p)
		}
		for at, b := range p.buckets {
			if b.end() <= oldest {
				v.forgetBucket(p, at)
			}
		}
		v.tidy(id)
	}
}

// bytes estimates the memory of a bucket, with its place in the map.
func (b *bucket) bytes() int {
	n := 250
	if b.HeldSeconds != nil {
		n += 150 + 110*len(b.HeldSeconds)
	}
	return n
}

// bytes estimates the memory of what a process told of itself.
func (h *heard) bytes() int {
	n := 1000 + 8*len(h.Partitions) + 50*len(h.Holds)
	for i := range h.Open {
		n += h.Open[i].bucket.bytes()
	}
	return n
}

// expired returns the keys of what is no longer kept.
func (v *view) expired(now time.Time) (keys []string) {
	for id, p := range v.processes {
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

// each calls f with every bucket of a width, those that are still open included.
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
