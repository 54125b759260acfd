package consumer

import "time"

// opening is where and how a partition starts.
type opening struct {
	log    bounds
	commit int64 // the group's, -1 for none
	start  int64
	left   ledger // what earlier owners left at and above start
	// sentBefore: no earlier owner can have written a create after it.
	sentBefore time.Time
	takeover   time.Time

	unexplored bool  // no commit: look up until a whole window in a row is absent
	replaced   bool  // the commit belongs to an earlier topic of this name
	lost       int64 // unfinished offsets that retention deleted
}

// openingOf reads the log's bounds and the group's commit.
//
// Nothing at or above the log's end was ever dispatched by an earlier owner,
// whatever it was granted: it had stopped before the end was read.
func openingOf(log bounds, commit committed, takeover time.Time) opening {
	o := opening{log: log, commit: commit.offset, start: commit.offset, sentBefore: takeover, takeover: takeover}
	suspectAll := func(from int64) {
		o.start = from
		o.left = ledger{granted: max(from, log.end), trial: -1}
		if from < log.end {
			o.left.spans = []span{{from: from, to: log.end, sent: true}}
		}
	}
	left, err := decodeLedger(commit.offset, commit.metadata)
	switch {
	case commit.offset < 0:
		o.unexplored = log.first < log.end
		suspectAll(log.first)
		o.sentBefore = time.Time{} // see exploration
		return o
	case commit.offset > log.end, err == nil && left.doneEnd(commit.offset) > log.end:
		o.replaced = true
		suspectAll(log.first)
		return o
	}
	if err != nil {
		suspectAll(max(commit.offset, log.first))
	} else {
		o.left = left
		o.left.spans = unsentFrom(left.spans, log.end)
		if left.horizon.Before(takeover) {
			o.sentBefore = left.horizon
		}
	}
	if commit.offset < log.first {
		o.lost = left.unfinishedBelow(commit.offset, log.first) // all of it, when left is not ours
		o.start = log.first
		o.left.granted = max(o.left.granted, log.first)
	}
	return o
}

// unfinishedBelow counts the offsets of [committed, end) that are not done.
func (l ledger) unfinishedBelow(committed, end int64) int64 {
	n := max(end-max(l.granted, committed), 0) // nobody came as far
	for _, s := range l.spans {
		n += max(min(s.to, end)-s.from, 0)
	}
	return n
}

// unsentFrom takes back the suspicion of everything at and above offset.
func unsentFrom(spans []span, offset int64) []span {
	cut := make([]span, 0, len(spans)+1)
	for _, s := range spans {
		if s.from < offset {
			cut = appendSpan(cut, span{s.from, min(s.to, offset), s.sent})
		}
		if s.to > offset {
			cut = appendSpan(cut, span{max(s.from, offset), s.to, false})
		}
	}
	return cut
}

// exploration is the state of a partition that the group has no commit for:
// a new group, or one whose offsets are gone. Records are looked up until a
// whole window of them in a row is absent. Once one is found there was an
// earlier owner, whose last requests may still be on their way.
type exploration struct {
	on      bool
	window  int
	out     int // records that are being looked up for it
	absent  int
	foundAt bool
}

// explorationSlack is how many records may be stuck without the others waiting for them.
const explorationSlack = 32

// room tells whether one more record may be taken up. More than what can end the
// exploration would be looked up in vain, twice and a settle time apart.
func (e *exploration) room() bool { return !e.on || e.out+e.absent < e.window+explorationSlack }

// result notes a look-up's answer; it tells whether the exploration ends with it.
func (e *exploration) result(found bool) bool {
	if !e.on {
		return false
	}
	if found {
		e.absent, e.foundAt = 0, true
		return false
	}
	e.absent++
	if e.absent >= e.window {
		e.on = false
		return true
	}
	return false
}
