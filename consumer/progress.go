package consumer

import (
	"slices"
	"time"
)

// progress knows which records of one partition are done. It is not safe for
// concurrent use: its partition's mutex guards it.
//
// Everything below next was delivered; of that, unfinished records are in
// open and all else is done. What an earlier owner left at or above next is in
// inherited: there, inside [next, inheritedEnd), what no span covers is done.
type progress struct {
	next         int64
	open         []openRecord // ascending by offset
	inherited    []span       // ascending, all at or above next
	inheritedEnd int64
}

// An openRecord is delivered and not done. It holds no pointers: each record that is done moves
// those behind it, which the garbage collector would have to be told of.
type openRecord struct {
	offset  int64
	at      int64 // time of the record, in milliseconds since 1970, as Kafka keeps it
	suspect bool
	// untouched says that no create can have been sent for it, by anyone.
	untouched bool
}

// newProgress starts at the offset start with what the earlier owner left.
func newProgress(start int64, left ledger) progress {
	p := progress{next: start, inherited: slices.Clone(left.spans), inheritedEnd: left.granted}
	p.dropInherited(start)
	return p
}

// position is the offset to commit: everything below it is done.
func (p *progress) position() int64 {
	if len(p.open) > 0 {
		return p.open[0].offset
	}
	return p.next
}

// unfinished counts the delivered records that are not done.
func (p *progress) unfinished() int { return len(p.open) }

// A standing is what is known of a record before it is dispatched.
type standing int

const (
	standingNew     standing = iota // nobody has ever sent a create for it
	standingSuspect                 // an earlier owner may have
	standingDone                    // an earlier owner finished it
)

// standing tells what the earlier owner left about a record at or above next.
func (p *progress) standing(offset int64) standing {
	if offset >= p.inheritedEnd {
		return standingNew
	}
	for _, s := range p.inherited {
		if offset < s.from {
			break
		}
		if offset < s.to {
			if s.sent {
				return standingSuspect
			}
			return standingNew
		}
	}
	return standingDone
}

// deliver moves past the record at offset, which is unfinished from now on.
func (p *progress) deliver(offset int64, at time.Time, suspect bool) {
	p.skip(offset + 1)
	p.open = append(p.open, openRecord{offset: offset, at: at.UnixMilli(), suspect: suspect})
}

// oldest is the time of the first unfinished record; zero when there is none.
func (p *progress) oldest() time.Time {
	if len(p.open) == 0 {
		return time.Time{}
	}
	return time.UnixMilli(p.open[0].at)
}

// suspects counts the unfinished records that are looked up first.
func (p *progress) suspects() int {
	n := 0
	for _, o := range p.open {
		if o.suspect {
			n++
		}
	}
	return n
}

// skip moves next to offset: what lies between holds no record, or done ones.
func (p *progress) skip(offset int64) {
	if offset <= p.next {
		return
	}
	p.next = offset
	p.dropInherited(offset)
}

// finish marks a delivered record as done.
func (p *progress) finish(offset int64) {
	if i, found := p.find(offset); found {
		p.open = slices.Delete(p.open, i, i+1)
	}
}

// untouched notes that nobody can have sent a create for a delivered record.
func (p *progress) untouched(offset int64) {
	if i, found := p.find(offset); found {
		p.open[i].untouched = true
	}
}

func (p *progress) find(offset int64) (int, bool) {
	return slices.BinarySearchFunc(p.open, offset, func(o openRecord, offset int64) int {
		return int(min(max(o.offset-offset, -1), 1))
	})
}

// nobodySent takes back every suspicion above next: it is known that no
// create was ever sent for a record there.
func (p *progress) nobodySent() {
	for i := range p.inherited {
		p.inherited[i].sent = false
	}
}

// spans tells the unfinished offsets of [position, granted), where granted is
// the second result. Records below limit may be dispatched by this owner, so
// that they count as sent; limit is next or less when nothing more will be.
func (p *progress) spans(limit int64) ([]span, int64) {
	spans := make([]span, 0, len(p.open)+len(p.inherited)+1)
	for _, o := range p.open {
		spans = appendSpan(spans, span{o.offset, o.offset + 1, !o.untouched})
	}
	limit = max(limit, p.next)
	for _, s := range p.inherited {
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

// appendSpan joins s to the last span where they touch and are alike.
func appendSpan(spans []span, s span) []span {
	if n := len(spans); n > 0 && spans[n-1].to == s.from && spans[n-1].sent == s.sent {
		spans[n-1].to = s.to
		return spans
	}
	return append(spans, s)
}

// dropInherited forgets what lies below offset.
func (p *progress) dropInherited(offset int64) {
	keep := 0
	for keep < len(p.inherited) && p.inherited[keep].to <= offset {
		keep++
	}
	p.inherited = p.inherited[keep:]
	if len(p.inherited) > 0 && p.inherited[0].from < offset {
		p.inherited[0].from = offset
	}
}
