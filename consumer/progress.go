package consumer

import (
	"slices"
	"time"
)

// progress knows which records of one partition are done. It is a plain value.
//
// All records below next were dispatched. Those in unfinished are not done, all others are. The records in
// [next, inheritedEnd) are done too, unless inheritedSpans, which the earlier owner left, has them. Nobody has dispatched
// a record at or above both next and inheritedEnd.
type progress struct {
	next           int64
	unfinished     []unfinishedRecord // ascending by offset
	counts         [classes]int       // of open, by class
	inheritedSpans []span             // ascending, all at or above next
	inheritedEnd   int64
}

// An unfinishedRecord was dispatched and is not done. It holds no pointers, so that the garbage collector has no work when
// records are moved, as each one that is done moves those behind it.
type unfinishedRecord struct {
	offset  int64
	at      int64 // time of the record, in milliseconds since 1970, as Kafka keeps it
	suspect bool
	// untouched says that nobody can have sent a create for it.
	untouched bool
	class     class
}

// A class is the room that an unfinished record takes.
type class uint8

const (
	fresh   class = iota // a place in the window: it was not parked
	parked               // none
	resumed              // a place in the half of the window that is for what was parked
	classes              // how many there are
)

// newProgress returns the progress of a partition that starts at an offset, with what the earlier owner left.
func newProgress(start int64, left ledger) progress {
	p := progress{next: start, inheritedSpans: slices.Clone(left.spans), inheritedEnd: left.granted}
	p.dropInherited(start)
	return p
}

// position returns the offset to commit: all records below it are done.
func (p *progress) position() int64 {
	if len(p.unfinished) > 0 {
		return p.unfinished[0].offset
	}
	return p.next
}

// active returns how many dispatched records are neither done nor parked.
func (p *progress) active() int { return p.counts[fresh] + p.counts[resumed] }

// A priorState is what earlier owners did with a record.
type priorState int

const (
	priorNew     priorState = iota // nobody has ever sent a create for it
	priorSuspect                   // an earlier owner may have
	priorDone                      // an earlier owner finished it
)

// priorState returns what earlier owners did with the record at offset, which is not below next.
func (p *progress) priorState(offset int64) priorState {
	if offset >= p.inheritedEnd {
		return priorNew
	}
	for _, s := range p.inheritedSpans {
		if offset < s.from {
			break
		}
		if offset < s.to {
			if s.sent {
				return priorSuspect
			}
			return priorNew
		}
	}
	return priorDone
}

// dispatch notes that the record at offset is dispatched: it is unfinished from now on.
func (p *progress) dispatch(offset int64, at time.Time, suspect bool) {
	p.skip(offset + 1)
	p.unfinished = append(p.unfinished, unfinishedRecord{offset: offset, at: at.UnixMilli(), suspect: suspect})
	p.counts[fresh]++
}

// park takes a record out of the window. sent says that somebody may have sent a create for it.
func (p *progress) park(offset int64, sent bool) {
	if i, found := p.find(offset); found {
		p.classify(i, parked)
		p.unfinished[i].untouched = !sent
	}
}

// resume puts a parked record into its half of the window. When a create may be sent for it from now on, it counts as sent.
func (p *progress) resume(offset int64, mayCreate bool) {
	if i, found := p.find(offset); found {
		p.classify(i, resumed)
		p.unfinished[i].untouched = p.unfinished[i].untouched && !mayCreate
	}
}

// classify changes the class of unfinished[i].
func (p *progress) classify(i int, c class) {
	p.counts[p.unfinished[i].class]--
	p.unfinished[i].class = c
	p.counts[c]++
}

// oldest returns the time of the first dispatched record that is neither done nor parked; zero when there is none.
func (p *progress) oldest() time.Time {
	for _, o := range p.unfinished {
		if o.class != parked {
			return time.UnixMilli(o.at)
		}
	}
	return time.Time{}
}

// suspects returns how many unfinished records must be looked up before a create.
func (p *progress) suspects() int {
	n := 0
	for _, o := range p.unfinished {
		if o.suspect {
			n++
		}
	}
	return n
}

// skip moves next to offset: between them no record is left to be delivered.
func (p *progress) skip(offset int64) {
	if offset <= p.next {
		return
	}
	p.next = offset
	p.dropInherited(offset)
}

// finish marks an unfinished record as done.
func (p *progress) finish(offset int64) {
	if i, found := p.find(offset); found {
		p.counts[p.unfinished[i].class]--
		p.unfinished = slices.Delete(p.unfinished, i, i+1)
	}
}

// markUntouched notes that nobody can have sent a create for an unfinished record.
func (p *progress) markUntouched(offset int64) {
	if i, found := p.find(offset); found {
		p.unfinished[i].untouched = true
	}
}

// find returns where the record at offset is in unfinished, or would be, and whether it is there.
func (p *progress) find(offset int64) (int, bool) {
	return slices.BinarySearchFunc(p.unfinished, offset, func(o unfinishedRecord, offset int64) int {
		return int(min(max(o.offset-offset, -1), 1))
	})
}

// nobodySent notes that no create was ever sent for a record at or above next.
func (p *progress) nobodySent() {
	for i := range p.inheritedSpans {
		p.inheritedSpans[i].sent = false
	}
}

// split ends the progress at end, which is not below next, and returns that of the records from there on. What nobody has
// dispatched below end is untouched from now on.
func (p *progress) split(end int64) progress {
	newer := newProgress(end, ledger{granted: max(end, p.inheritedEnd), spans: p.inheritedSpans})
	var older []span
	for _, s := range p.inheritedSpans {
		if s.from < end {
			older = append(older, span{s.from, min(s.to, end), s.sent})
		}
	}
	if from := max(p.next, p.inheritedEnd); from < end {
		older = appendSpan(older, span{from, end, false})
	}
	p.inheritedSpans, p.inheritedEnd = older, end
	return newer
}

// isOwnSpan reports whether the record at offset, the next to be dispatched, is a span of its own already, so that
// dispatching it adds no span to the ledger.
func (p *progress) isOwnSpan(offset int64) bool {
	return len(p.inheritedSpans) > 0 && p.inheritedSpans[0] == span{offset, offset + 1, p.inheritedSpans[0].sent}
}

// spans returns the spans and the grant of a commit that grants this owner the records below limit: the unfinished offsets
// of [position, granted). Records that may be dispatched under this grant count as sent. With a limit of next or less
// nothing more will be dispatched.
func (p *progress) spans(limit int64) (spans []span, granted int64) {
	spans = make([]span, 0, len(p.unfinished)+len(p.inheritedSpans)+1)
	for _, o := range p.unfinished {
		spans = appendSpan(spans, span{o.offset, o.offset + 1, !o.untouched})
	}
	limit = max(limit, p.next)
	for _, s := range p.inheritedSpans {
		if s.from < limit { // may be dispatched from now on
			spans = appendSpan(spans, span{s.from, min(s.to, limit), true})
		}
		if s.to > limit {
			spans = appendSpan(spans, span{max(s.from, limit), s.to, s.sent})
		}
	}
	if from := max(p.next, p.inheritedEnd); from < limit {
		spans = appendSpan(spans, span{from, limit, true})
	}
	return spans, max(limit, p.inheritedEnd)
}

// appendSpan appends s to spans. If it continues the last span, that one becomes longer.
func appendSpan(spans []span, s span) []span {
	if n := len(spans); n > 0 && spans[n-1].to == s.from && spans[n-1].sent == s.sent {
		spans[n-1].to = s.to
		return spans
	}
	return append(spans, s)
}

// dropInherited removes what lies below offset from inheritedSpans.
func (p *progress) dropInherited(offset int64) {
	keep := 0
	for keep < len(p.inheritedSpans) && p.inheritedSpans[keep].to <= offset {
		keep++
	}
	p.inheritedSpans = p.inheritedSpans[keep:]
	if len(p.inheritedSpans) > 0 && p.inheritedSpans[0].from < offset {
		p.inheritedSpans[0].from = offset
	}
}
