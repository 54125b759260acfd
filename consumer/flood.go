package consumer

import (
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Refusals of many different events in a row, while none passes, are a flood: see docs/delivery.md. The refused events are
// parked, as the CRM may refuse them for a reason that somebody can remove. Their letters are written when somebody confirms
// the refusals, or one at a time while parking is full.

// floodPause is the least time between two letters that are written in a flood because parking is full.
const floodPause = time.Second

// ReleaseFlood makes dead letters of all events that were refused in a flood and are parked, as somebody has confirmed that the
// refusals are right. It returns how many there are.
func (c *Consumer) ReleaseFlood() int {
	g := c.deps.board.currentGeneration()
	if g == nil {
		return 0
	}
	n := 0
	for _, p := range g.parts() {
		n += p.releaseFlood(time.Now())
	}
	return n
}

// releaseFlood does the same for one partition.
func (p *partition) releaseFlood(now time.Time) int {
	n, pending := p.records.releaseFlood(now)
	forget(p.deps.creator, pending...)
	signal(p.records.wakeReader)
	return n
}

// releaseFlood makes letters of all records that wait for the end of a flood. It returns how many there are, and their states
// with the CRM client, which can be forgotten.
func (k *parking) releaseFlood(now time.Time) (n int, pending []*crmclient.Pending) {
	for _, r := range k.records {
		if r.refusal != nil {
			n++
			pending = append(pending, r.becomeLetter(now))
		}
	}
	return n, pending
}

// becomeLetter ends a record's wait for the end of a flood: its letter is due now. It returns its state with the CRM client,
// which can be forgotten; it may be nil.
func (r *parkedRecord) becomeLetter(now time.Time) *crmclient.Pending {
	pending := r.pending
	r.failure, r.refusal, r.pending = r.refusal, nil, nil
	r.due, r.why = now, waitLetter
	return pending
}
