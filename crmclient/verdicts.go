package crmclient

import (
	"math"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// This file has what the governor learns from requests that have ended: which holds begin and end, how large batches may be,
// and whether an event itself is at fault.

// moments returns the present moment, by kind, for creates that are about to be sent.
func (g *governor) moments(now time.Time) map[vibe.Entity]moment {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := map[vibe.Entity]moment{}
	for _, entity := range [...]vibe.Entity{vibe.Contacts, vibe.Leads, vibe.Deals, vibe.Timelines, vibe.Fills} {
		l := g.lane(entity)
		all[entity] = moment{at: now, evidence: l.evidence.Mark(), passes: l.flood.Passes(), floods: l.floods}
	}
	return all
}

// passed notes that a create made an object, or that an extra succeeded. That ends the flood and the hold of its kind. Unless
// it was an extra, it also ends the hold of everybody.
func (g *governor) passed(entity vibe.Entity, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lane(entity)
	ended := l.flood.Pass()
	if ended {
		l.floods++
	}
	opened := g.lanePassed(entity, now)
	if isExtra(entity) && !g.holdsEveryKind() { // extras that pass say nothing about the rest
		if ended || opened {
			g.open(now)
		}
		return
	}
	g.release(now, ended || opened)
}

// turnedDown notes that the CRM looked at an event and refused it. As the CRM works, holds end as after a pass; a flood goes
// on.
func (g *governor) turnedDown(entity vibe.Entity, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	opened := g.lanePassed(entity, now)
	if isExtra(entity) && !g.holdsEveryKind() {
		if opened {
			g.open(now)
		}
		return
	}
	g.release(now, opened)
}

// matchFailed notes that the look-up for persons before creates of some kinds failed. It has the effects of createFailed.
func (g *governor) matchFailed(kinds []vibe.Entity, f limit.Fault, fresh bool, left, now time.Time) {
	g.createFailed(kinds, f, fresh, left, now)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.byMatch = true
}

// matched notes that a look-up for persons was answered. That ends a hold whose latest failure was such a look-up. It could not
// wait for a create to end it: if all waiting persons have contacts, no create is sent.
func (g *governor) matched(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, failing := g.hold.Failing(); failing && g.byMatch {
		g.release(now, false)
	}
}

// tookEffect notes that a create whose answer was lost has made its object. left is when it was sent. If no create that was
// sent later has failed, the hold ends: it may take long until another create could end it.
func (g *governor) tookEffect(left, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s, failing := g.hold.Failing(); failing && !left.Before(s.Left) {
		g.release(now, false)
	}
}

// release ends the hold of everybody, unless it waits for the portal's description. Steps that wait for the end of a hold or a
// flood are tried again, if there was a hold or opens says that another one, or a flood, has ended. The caller holds the
// lock.
func (g *governor) release(now time.Time, opens bool) {
	s, held := g.hold.Held()
	if held && (s.Fault.Cause == limit.Preparing || s.Fault.Cause == limit.OriginField) {
		return // they end when the portal is known
	}
	g.hold.Pass()
	g.note.end(holdsCreates, now)
	if held || opens {
		g.open(now)
	}
	for _, l := range g.lanes {
		if l.flood.Name() != "" {
			return
		}
	}
	g.note.end(holdsLetters, now)
}

// open has all steps that wait for the end of a hold or a flood tried again. The caller holds the lock.
func (g *governor) open(now time.Time) {
	g.openedAt = now
	g.holdEnd.happen()
	for _, e := range g.proofEnds {
		e.happen()
	}
}

// failed notes that a request failed, which may begin a hold of everybody: see limit.Hold. left is when it was sent.
func (g *governor) failed(f limit.Fault, fresh bool, left, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.byMatch = false
	g.hold.Fail(f, limit.Attempt{Fresh: fresh, Left: left}, now)
	if s, failing := g.hold.Failing(); failing {
		_, held := g.hold.Held()
		g.note.begin(holdsCreates, s, held, now)
	}
	if f.Cause == limit.OriginField || f.Cause == limit.Preparing {
		g.ready = false
	}
}

// createFailed notes that a request for creates of some kinds failed. The fault may concern everybody if it is proven, if
// there was no answer, or if one of the kinds is the main one. Otherwise it concerns these kinds only. For extras see
// concernsExtrasOnly.
func (g *governor) createFailed(kinds []vibe.Entity, f limit.Fault, fresh bool, left, now time.Time) {
	if isExtra(kinds[0]) && concernsExtrasOnly(f) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.laneFailed(kinds[0], f, fresh, left, now)
		return
	}
	if f.Proven || f.Status == 0 || slices.Contains(kinds, g.main) {
		g.failed(f, fresh, left, now)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, entity := range kinds {
		g.laneFailed(entity, f, fresh, left, now)
	}
}

// first adds to the evidence how an event's first create of a kind ended, and returns the entry's number.
func (g *governor) first(entity vibe.Entity, passed bool) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lane(entity).evidence.First(passed)
}

// asked notes the portal's description. If the portal did not give one, p is nil and f says why. followMe says that the
// limit of requests a second is taken from the description.
func (g *governor) asked(p *portal, f limit.Fault, followMe bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p == nil {
		// Everybody waits for the description, so that the fault concerns all.
		f.Proven, g.asksMore = true, false
		g.hold.Fail(f, limit.Attempt{Fresh: true, Left: now}, now)
		s, _ := g.hold.Held()
		g.note.begin(holdsCreates, s, true, now)
		g.askFails++
		g.askAt = now.Add(max(askInterval(g.askFails), min(f.RetryAfter, 5*time.Minute)))
		return
	}
	g.askFails, g.askAt = 0, time.Time{}
	if followMe {
		rate := p.rate
		if rate <= 0 {
			rate = documentedRate
		}
		g.budget.SetPerSecond(rate)
	}
	if _, held := g.hold.Held(); !g.asksMore && (held || !g.ready) {
		g.hold.Pass()
		g.note.end(holdsCreates, now)
	}
	g.ready, g.asksMore = true, false
}

// askInterval returns how long after a number of failures the portal is asked again for its description.
func askInterval(failures int) time.Duration {
	const initial, longest = 500 * time.Millisecond, 30 * time.Second
	return time.Duration(min(float64(initial)*math.Pow(1.5, float64(failures-1)), float64(longest)))
}

// unknownPortal holds all creates until the portal has described itself again.
func (g *governor) unknownPortal(f limit.Fault, now time.Time) {
	f.Proven = true
	g.failed(f, true, now, now)
}

// batchAnswered notes that a request of n creates was answered for each of them.
func (g *governor) batchAnswered(entity vibe.Entity, n int, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batchOf(entity).Passed(n, now)
}

// batchFailed notes that a request of n creates failed as a whole. applied says that it may have taken effect.
func (g *governor) batchFailed(entity vibe.Entity, n int, applied bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batchOf(entity).Failed(n, applied, now)
}

// noBatches notes that the CRM offers no batches now. It reports whether that is new, and so deserves a warning. Extras
// deserve none.
func (g *governor) noBatches(entity vibe.Entity, now time.Time) (isNew bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	size := g.batchOf(entity)
	before := size.Size(now)
	size.NotOffered(now)
	return before > 1 && !isExtra(entity)
}

// lookUpGate returns what decides when look-ups of a kind may leave. Each kind has its own, so that failing look-ups of deals
// do not delay those of contacts. The caller holds the lock.
func (g *governor) lookUpGate(entity vibe.Entity) *limit.LookUps {
	gate := g.lookUps[entity]
	if gate == nil {
		gate = limit.NewLookUps(g.initial, g.longest)
		g.lookUps[entity] = gate
	}
	return gate
}

// lookedUp notes that a look-up of a kind was answered. That ends the hold of look-ups, unless look-ups of another kind fail.
// Look-ups of extras have no such hold.
func (g *governor) lookedUp(entity vibe.Entity, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lookUpGate(entity).Passed()
	for of, gate := range g.lookUps {
		failedRecently := gate.Failing() && now.Sub(gate.At()) < g.longest
		if !isExtra(of) && failedRecently {
			return
		}
	}
	g.note.end(holdsLookUps, now)
}

// lookUpFailed notes that a look-up of a kind failed. The next look-ups of the kind wait; those of other kinds and creates do
// not. If the request failed as a whole, it is shown as a hold.
func (g *governor) lookUpFailed(entity vibe.Entity, f limit.Fault, whole bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	gate := g.lookUpGate(entity)
	gate.Failed(f.RetryAfter, now)
	if !whole {
		return
	}
	hold := holdOf(limit.Status{Fault: f, Since: now, Until: gate.At()})
	if entity != g.main {
		hold.Of = string(entity)
	}
	g.note.show(holdsLookUps, hold, f.Fleeting(), now)
}

// lookUpsAt returns when the next look-up of a kind may be sent.
func (g *governor) lookUpsAt(entity vibe.Entity) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lookUpGate(entity).At()
}

// held reports whether creates are held for everybody, and returns when the next probe is due.
func (g *governor) held() (until time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.hold.Held()
	return s.Until, ok
}

// refusalVerdict is what becomes of a refused step. If neither again nor write is set, it waits for the end of a flood.
type refusalVerdict struct {
	again bool      // the create is sent again
	write bool      // the refusal is handed out, for a dead letter
	flood string    // the flood's name
	until time.Time // when the create is sent again, if the flood has not ended by then
}

// judgeRefusal decides what becomes of a refused step. If a flood of its kind has ended since its create was sent, the create
// is sent again, as the cause of the flood may have been the reason for the refusal.
func (g *governor) judgeRefusal(id string, replayed bool, s *step, now time.Time) refusalVerdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	l := g.lane(s.entity)
	if s.atSend.floods != l.floods {
		return refusalVerdict{again: true}
	}
	write, flood := l.flood.Refused(id, s.refusedAt.passes, replayed, now)
	if l.flood.Name() != "" {
		g.note.begin(holdsLetters, limit.Status{Fault: limit.Fault{Cause: HoldFlood, Status: s.last.Status, Code: s.last.Code}, Since: now}, true, now)
	}
	if write {
		return refusalVerdict{write: true}
	}
	return refusalVerdict{flood: flood, until: l.flood.NextProbe(now)}
}

// chargeAndJudge charges a step with its last failed create, once, and only if creates of other events have passed since that
// create was sent. It reports whether the charges show that the event is at fault and not the CRM.
func (g *governor) chargeAndJudge(s *step) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s.weighed {
		return false
	}
	if !s.charges.Add(g.lane(s.entity).evidence.Since(s.atSend.evidence, s.first)) {
		return false
	}
	s.weighed, s.uncharged = true, 0
	return s.charges.Guilty(g.maxTries)
}

// faultOf returns the fault that a failed request shows. A proven fault concerns everybody.
func faultOf(o vibe.Outcome) limit.Fault {
	f := limit.Fault{Cause: limit.Outage, Status: o.Status, Code: o.Code, RetryAfter: o.RetryAfter}
	switch {
	case o.Code == codeFieldUnknown:
		f.Cause, f.Proven = limit.OriginField, true
	case o.Class == vibe.Throttled:
		f.Cause, f.Proven = limit.Throttle, true
	case o.Class == vibe.Credentials:
		f.Cause, f.Proven = limit.Credentials, o.BlamesKey()
	case o.Class == vibe.NotApplied, o.Status/100 == 3: // no connection; the address redirects
		f.Proven = true
	}
	return f
}
