package consumer

import (
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Refusals of many different events in a row, while none passes, are a flood: see docs/delivery.md. The refused events
// are parked, as the CRM may refuse them for a reason that somebody can remove. Their letters are written when that wait
// is ended here.

// floodPause is the least time between two such letters of the process while parking is full.
const floodPause = time.Second

// ReleaseFlood ends the wait of all events that are parked because they were refused in a flood, as somebody has
// confirmed that the refusals are right: their dead letters are written now. It returns how many there are.
func (c *Consumer) ReleaseFlood() int {
	g := c.deps.board.currentGeneration()
	if g == nil {
		return 0
	}
	n := 0
	for _, p := range g.partitions {
		n += p.releaseFlood(time.Now())
	}
	return n
}

// releaseFlood is ReleaseFlood for one partition.
func (p *partition) releaseFlood(now time.Time) int {
	p.mu.Lock()
	n := 0
	var pending []*crmclient.Pending
	for _, r := range p.state.parking.records {
		if r.refusal != nil {
			n++
			pending = append(pending, r.becomeLetter(now))
		}
	}
	p.mu.Unlock()
	p.forget(pending...)
	signal(p.reread)
	return n
}

// releaseOneOfFlood makes room when parking is full: the oldest record that was refused in a flood becomes a letter, if
// floodPause has passed. It returns when the next one may; zero when parking is not full of these.
func (p *partition) releaseOneOfFlood(now time.Time) time.Time {
	p.mu.Lock()
	r := p.state.parking.firstInFlood()
	if !p.state.parkingFull || r == nil {
		p.mu.Unlock()
		return time.Time{}
	}
	next, ok := p.deps.floodPace.allow(now, floodPause)
	var pending *crmclient.Pending
	if ok {
		pending = r.becomeLetter(now)
	}
	p.mu.Unlock()
	p.forget(pending)
	return next
}

// becomeLetter ends a record's wait for the end of the flood: its letter is due now. It returns what the CRM client is
// to forget, nil for nothing.
func (r *parkedRecord) becomeLetter(now time.Time) *crmclient.Pending {
	pending := r.pending
	r.failure, r.refusal, r.pending = r.refusal, nil, nil
	r.due, r.why = now, waitLetter
	return pending
}
