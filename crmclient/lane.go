package crmclient

import (
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// lane is what the creates of one kind of object have come to: contacts that pass say nothing about
// deals. The governor's lock guards it.
type lane struct {
	evidence limit.Evidence
	flood    *limit.Flood
	floods   int // that have ended

	// hold keeps the creates of this kind alone. That of the main kind is never in force: what its
	// creates meet holds everybody.
	hold    *limit.Hold
	unknown bool // the portal does not describe the kind
}

// lane returns that of a kind. Its caller holds the lock.
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

// gate reports whether a create of a kind may leave: until is the zero time when it may, as a probe of
// its kind's hold or without one; else when the next probe may.
func (g *governor) gate(entity vibe.Entity, now time.Time) (until time.Time, probe bool) {
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
	return now, false // a probe is on its way
}

// probeLanded notes that a probe of a kind ended, after what it came to was noted.
func (g *governor) probeLanded(entity vibe.Entity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lane(entity).hold.Landed(limit.Fresh)
}

// laneFailed notes that creates of a kind that is not the main one failed.
func (g *governor) laneFailed(entity vibe.Entity, f limit.Fault, fresh bool, left, now time.Time) {
	l := g.lane(entity)
	_, held := l.hold.Held() // then it was a probe, whoever's
	l.hold.Fail(f, limit.Attempt{Fresh: fresh || held, Left: left}, now)
	g.showLanes(now)
}

// lanePassed notes that the CRM took up a create of a kind, and reports whether creates of it failed before.
func (g *governor) lanePassed(entity vibe.Entity, now time.Time) (opened bool) {
	l := g.lane(entity)
	_, held := l.hold.Held()
	l.hold.Pass()
	g.showLanes(now)
	return held
}

// showLanes shows the kind of which creates are held, if there is one.
func (g *governor) showLanes(now time.Time) {
	for _, entity := range [...]vibe.Entity{vibe.Contacts, vibe.Leads, vibe.Deals, vibe.Timelines, vibe.Fills} {
		if s, held := g.lane(entity).hold.Held(); held {
			g.note.beginKind(entity.Words(), s, now)
			return
		}
	}
	g.note.end(holdsKind, now)
}

// described notes what the portal says of the kinds that are not the main one.
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

// askAgain has the portal asked before anything else leaves, which says nothing about creates.
func (g *governor) askAgain() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ready {
		g.ready, g.asksMore = false, true
	}
}
