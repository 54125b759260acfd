package crmclient

import (
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// lane is what is known of the creates of one kind of object or extra. Kinds are judged apart, as contacts that pass say
// nothing about deals. The governor's lock guards it.
type lane struct {
	evidence limit.Evidence
	flood    *limit.Flood
	floods   int // floods that have ended

	// hold holds the creates of this kind only. In the main kind's lane it is never in force, because failures of the
	// main kind hold everybody.
	hold    *limit.Hold
	unknown bool // the portal does not describe the kind
}

// lane returns the lane of a kind. The caller holds the lock.
func (g *governor) lane(entity vibe.Entity) *lane {
	l := g.lanes[entity]
	if l == nil {
		l = &lane{
			flood: limit.NewFlood(g.floodLimit, g.longest),
			hold:  limit.NewHold(g.initial, g.longest),
		}
		g.lanes[entity] = l
	}
	return l
}

// tryLeave returns whether a create of a kind may leave: if until is zero it may, else the next probe may leave at until.
// During a hold of the kind one create at a time may leave as a probe, which tryLeave notes.
func (g *governor) tryLeave(entity vibe.Entity, now time.Time) (until time.Time, probe bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lane(entity)
	who, at := l.hold.Next(now, time.Time{}, true, false)
	switch {
	case who == limit.Everybody:
		return time.Time{}, false
	case who == limit.Fresh && !at.After(now):
		l.hold.Left(limit.Fresh, now)
		return time.Time{}, true
	case who == limit.Fresh:
		return at, false
	}
	return now, false // a probe is in flight
}

// probeLanded notes that the probe of a kind has ended. Its result must have been noted before.
func (g *governor) probeLanded(entity vibe.Entity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lane(entity).hold.Landed(limit.Fresh)
}

// laneFailed notes that creates of a kind that is not the main one failed.
func (g *governor) laneFailed(entity vibe.Entity, f limit.Fault, fresh bool, left, now time.Time) {
	l := g.lane(entity)
	_, held := l.hold.Held() // during a hold every create is a probe
	l.hold.Fail(f, limit.Attempt{Fresh: fresh || held, Left: left}, now)
	g.showLanes(now)
}

// lanePassed notes that the CRM accepted a create of a kind. It returns whether the kind was held until now.
func (g *governor) lanePassed(entity vibe.Entity, now time.Time) (opened bool) {
	l := g.lane(entity)
	_, held := l.hold.Held()
	l.hold.Pass()
	g.showLanes(now)
	return held
}

// showLanes shows the hold of the first kind that is held. If none is, it ends the hold that was shown.
func (g *governor) showLanes(now time.Time) {
	for _, entity := range [...]vibe.Entity{vibe.Contacts, vibe.Leads, vibe.Deals, vibe.Timelines, vibe.Fills} {
		if s, held := g.lane(entity).hold.Held(); held {
			g.note.beginKind(entity.Words(), s, now)
			return
		}
	}
	g.note.end(holdsKind, now)
}

// described notes which kinds the portal describes: kinds that it does not describe are held.
func (g *governor) described(p *portal, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for entity, o := range p.lacking {
		l := g.lane(entity)
		f := faultOf(o)
		f.Proven, l.unknown = true, true
		l.hold.Landed(limit.Fresh)
		l.hold.Fail(f, limit.Attempt{Fresh: true, Left: now}, now)
	}
	for entity := range p.kinds {
		if l := g.lane(entity); l.unknown {
			l.unknown = false
			l.hold.Pass()
			g.open(now)
		}
	}
	g.showLanes(now)
}

// askAgain makes the governor ask the portal for its description before it sends anything else. That begins no hold.
func (g *governor) askAgain() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ready {
		g.ready, g.asksMore = false, true
	}
}
