package consumer

import (
	"slices"
	"time"
)

// progress knows which records of one partition are done. It is a plain value.
//
// Of the records below next, all of which were dispatched, those in unfinished are not done. Of the records in
// [next, inheritedEnd), which an earlier owner may have dispatched, those in inheritedSpans are not done. All others of both are
// done. Nobody has dispatched a record at or above next and inheritedEnd.
type progress struct {
	next           int64              // the offset of the next record to be dispatched
	unfinished     []unfinishedRecord // ascending by offset
	counts         [classes]int       // how many unfinished records there are of each class
	inheritedSpans []span             // ascending, all at or above next
	inheritedEnd   int64
}

// An unfinishedRecord is a record that was dispatched and is not done. It holds no pointers, so that the garbage collector need not
// look at it: each record that is done moves those behind it in memory.
type unfinishedRecord struct {
	offset  int64
	at      int64 // time of the record, in milliseconds since 1970, as Kafka keeps it
	suspect bool
	// untouched says that nobody can have sent a create for it.
	untouched bool
	class     class
}

// A class says which room an unfinished record takes in the window.
type class uint8

const (
	fresh   class = iota // it was never parked, and takes a place
	parked               // it takes no place
	resumed              // it was parked before, and takes a place in the half for such records
	classes              // the number of classes
)

// newProgress returns the progress of a partition that starts at an offset, with the ledger that the earlier owner left.
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
	priorSuspect                   // an earlier owner may have sent a create for it
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

// split ends the progress at end, which is not below next, and returns the progress of the records from there on. Records below end
// that nobody has dispatched become untouched spans.
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

// isOwnSpan reports whether the next record to be dispatched, at offset, is alone in an inherited span, so that dispatching it adds
// no span to the ledger.
func (p *progress) isOwnSpan(offset int64) bool {
	return len(p.inheritedSpans) > 0 && p.inheritedSpans[0] == span{offset, offset + 1, p.inheritedSpans[0].sent}
}

// spans returns the ledger's spans and grant for a commit that lets this owner dispatch the records below limit. The spans are the
// unfinished offsets of [position, granted). Those of records that may be dispatched below limit count as sent. A limit of next or
// less means that nothing more will be dispatched.
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
