package crmclient

import (
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// This file has the governor's decisions about extras. Each kind of extra has a lane of its own. Extras have a batch size of
// their own, and their requests take half of the slots at most, lent slots included.

// blocked reports whether creates are held for everybody.
func (g *governor) blocked() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, held := g.hold.Held()
	return held || g.paused || !g.ready
}

// kindFailsSince returns since when creates of a kind have been held while creates of all kinds were not; zero: they are not
// held.
func (g *governor) kindFailsSince(entity vibe.Entity) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, held := g.lane(entity).hold.Held()
	if !held {
		return time.Time{}
	}
	return later(s.Since, g.openedAt)
}

// kindFault returns the fault for which creates of a kind are held; the zero value: they are not held.
func (g *governor) kindFault(entity vibe.Entity) limit.Fault {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, _ := g.lane(entity).hold.Held()
	return s.Fault
}

// kindHeld reports whether creates of a kind are held. Probes are sent all the same.
func (g *governor) kindHeld(entity vibe.Entity) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, held := g.lane(entity).hold.Held()
	return held
}

// nextExtra returns whether look-ups or creates of extras may leave next, and when. ok is false if none may. The caller
// holds the lock.
func (g *governor) nextExtra(w queue.Waiting) (kind queue.Kind, at time.Time, ok bool) {
	if len(g.extrasOut) >= max(1, g.slots/2) || !g.room(w) {
		return 0, time.Time{}, false
	}
	for _, k := range [...]queue.Kind{queue.ExtraLookUp, queue.Extra} {
		n := w.Count[k]
		if n == 0 {
			continue
		}
		var due time.Time
		if k == queue.ExtraLookUp {
			due = g.extraLookUpsAt()
		}
		if n < min(g.most, vibe.PageLimit) {
			wait := gatherTime
			if w.Count[queue.Fresh] > 0 { // creates of fresh events can use the request meanwhile
				wait = gatherTimeBeside
			}
			due = later(due, w.Oldest[k].Add(wait))
		}
		if !ok || due.Before(at) {
			kind, at, ok = k, due, true
		}
	}
	return kind, at, ok
}

// extraLookUpsAt returns when look-ups of comments or of fills may leave, whichever is earlier. Those of the other kind are
// not in the queue while their look-ups fail, see lookUpsAt. The caller holds the lock.
func (g *governor) extraLookUpsAt() time.Time {
	comments, filled := g.lookUpGate(vibe.Timelines).At(), g.lookUpGate(vibe.Fills).At()
	if filled.Before(comments) {
		return filled
	}
	return comments
}

// extrasHang reports whether a request for extras was sent more than hangAfter ago and is not answered.
func (g *governor) extrasHang(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for l := range g.extrasOut {
		if now.Sub(l.at) >= hangAfter {
			return true
		}
	}
	return false
}

// batchOf returns the batch size of a kind: all extras share one, all objects another. The caller holds the lock.
func (g *governor) batchOf(entity vibe.Entity) *limit.BatchSize {
	if isExtra(entity) {
		return g.extraBatch
	}
	return g.batch
}

// holdsEveryKind reports whether there is a hold for a fault that concerns every kind. The caller holds the lock.
func (g *governor) holdsEveryKind() bool {
	s, held := g.hold.Held()
	return held && s.Fault.Proven
}

// concernsExtrasOnly reports whether a fault that a request for extras met concerns only extras of that kind.
func concernsExtrasOnly(f limit.Fault) bool { return !f.Proven || f.Status == 403 }

// extrasUnbatched reports whether extras are sent one by one now.
func (g *governor) extrasUnbatched(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.extraBatch.Size(now) == 1
}
