package crmclient

import (
	"math"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// This file is what the governor learns from requests that have ended: which holds begin and end, how large batches may be,
// and whether a failure is its event's own.

// moments returns the moment of now for creates of each kind, which are about to be sent.
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

// passed notes that a create made an object, or a fill filled its card. That ends the flood and the hold of its kind, and
// unless it is an extra the hold of everybody.
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

// turnedDown notes that the CRM looked at an event and refused it. So it works: holds end as after a pass. A flood goes on.
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

// matchFailed notes, as createFailed does, that the look-up for persons failed which comes before creates of some kinds.
func (g *governor) matchFailed(kinds []vibe.Entity, f limit.Fault, fresh bool, left, now time.Time) {
	g.createFailed(kinds, f, fresh, left, now)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.byMatch = true
}

// matched notes that a look-up for persons was answered. That ends a hold if its latest failure was such a look-up: if all
// persons that wait have contacts, no create would be sent that could end it.
func (g *governor) matched(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, failing := g.hold.Failing(); failing && g.byMatch {
		g.release(now, false)
	}
}

// tookEffect notes that a create whose answer was lost has made its object. left is when it was sent. The hold ends if no
// create that was sent later has failed: there may be no other create for long that could end it.
func (g *governor) tookEffect(left, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s, failing := g.hold.Failing(); failing && !left.Before(s.Left) {
		g.release(now, false)
	}
}

// release ends the hold of everybody, unless it waits for the portal's description. If there was a hold, or opens says that
// something else ended that steps wait for, these are tried again. The caller holds the lock.
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

// open has the steps tried again that wait for the end of a hold or a flood. The caller holds the lock.
func (g *governor) open(now time.Time) {
	g.openedAt = now
	g.holdEnd.happen()
	for _, e := range g.proofEnds {
		e.happen()
	}
}

// failed notes that a request failed for a fault that may concern everybody: see limit.Hold. left is when it was sent.
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
// there was no answer, or if the main kind is among them; else it concerns these kinds only. A request for extras speaks
// for its kind, save where the fault names the key.
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

// first notes among the evidence how an event's first create of a kind ended, and returns the entry's number.
func (g *governor) first(entity vibe.Entity, passed bool) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lane(entity).evidence.First(passed)
}

// asked notes the answer to the question what the portal is. Without a portal, f is why. followMe takes the limit of requests a
// second from the answer.
func (g *governor) asked(p *portal, f limit.Fault, followMe bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p == nil {
		// Everybody waits for this request, so that its fault concerns all.
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

// askInterval returns how long after so many failures the portal is asked again what it is.
func askInterval(failures int) time.Duration {
	const initial, longest = 500 * time.Millisecond, 30 * time.Second
	return time.Duration(min(float64(initial)*math.Pow(1.5, float64(failures-1)), float64(longest)))
}

// unknownPortal holds all creates until the portal has been asked again what it is.
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

// noBatches notes that the CRM offers no batches now. It reports whether that is news worth a warning.
func (g *governor) noBatches(entity vibe.Entity, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	size := g.batchOf(entity)
	before := size.Size(now)
	size.NotOffered(now)
	return before > 1 && !isExtra(entity)
}

// lookUpGate returns the gate of look-ups of a kind, which is closed for a while after one failed. Each kind has its own, so
// that failing look-ups of deals do not delay those of contacts. The caller holds the lock.
func (g *governor) lookUpGate(entity vibe.Entity) *limit.LookUps {
	gate := g.lookUps[entity]
	if gate == nil {
		gate = limit.NewLookUps(g.initial, g.longest)
		g.lookUps[entity] = gate
	}
	return gate
}

// lookedUp notes that a look-up of a kind was answered. That ends the hold of look-ups that is shown, unless those of another
// kind fail. Failing look-ups of extras are never shown.
func (g *governor) lookedUp(entity vibe.Entity, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lookUpGate(entity).Passed()
	for of, gate := range g.lookUps {
		if !isExtra(of) && gate.Failing() && now.Sub(gate.At()) < g.longest { // its latest failure is not long ago
			return
		}
	}
	g.note.end(holdsLookUps, now)
}

// lookUpFailed notes that a look-up of a kind failed: the next ones of the kind wait, look-ups of other kinds and creates do
// not. It is shown as a hold if the request failed as a whole.
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

// refusalVerdict is what becomes of a refusal. If neither again nor write is set, it waits with its flood.
type refusalVerdict struct {
	again bool      // the event is sent again
	write bool      // the refusal is handed out, for a dead letter
	flood string    // the flood's name
	until time.Time // when the event is tried again, if the flood has not ended earlier
}

// judgeRefusal decides what becomes of a step's refusal. It is sent again if a flood of its kind has ended since its create
// was sent, as that flood's cause may have been the reason.
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

// chargeAndJudge charges a step with its last create that failed, once, and only if creates of other events have passed
// since that one was sent. It reports whether the charges show that the event fails and not the CRM.
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

// faultOf returns the fault that a failed request shows. A proven one concerns everybody.
func faultOf(o vibe.Outcome) limit.Fault {
	f := limit.Fault{Cause: limit.Outage, Status: o.Status, Code: o.Code, RetryAfter: o.RetryAfter}
	switch {
	case o.Code == codeFieldUnknown:
		f.Cause, f.Proven = limit.OriginField, true
	case o.Class == vibe.Throttled:
		f.Cause, f.Proven = limit.Throttle, true
	case o.Class == vibe.Credentials:
		f.Cause, f.Proven = limit.Credentials, o.NamesKey()
	case o.Class == vibe.NotApplied, o.Status/100 == 3: // no connection; the address redirects
		f.Proven = true
	}
	return f
}
