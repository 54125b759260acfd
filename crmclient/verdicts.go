package crmclient

import (
	"math"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// This file is what the governor learns from the requests that ended.

// moments returns the moment at which creates of each kind leave.
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

// passed notes that a create made an object: it ends the holds, and the flood of its kind.
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

// turnedDown notes that the CRM looked at an event and refused it: then it works, for all that
// holds creates. It is no pass: a flood goes on.
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

// matchFailed is createFailed of look-ups for persons, right before creates of the kinds.
func (g *governor) matchFailed(kinds []vibe.Entity, f limit.Fault, fresh bool, left, now time.Time) {
	g.createFailed(kinds, f, fresh, left, now)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.byMatch = true
}

// matched notes that persons were looked for. That ends a hold that failures of such look-ups have begun or gone on
// with: where every person has a contact by now no create would.
func (g *governor) matched(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, failing := g.hold.Failing(); failing && g.byMatch {
		g.release(now, false)
	}
}

// tookEffect notes that a create whose answer was lost made a contact. When none that left later failed,
// the hold is over: otherwise it would last until the next create, which may be long to come.
func (g *governor) tookEffect(left, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s, failing := g.hold.Failing(); failing && !left.Before(s.Left) {
		g.release(now, false)
	}
}

// release ends the hold in force, and lets what backs off be tried again if there was one.
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

// open lets what backs off be tried again.
func (g *governor) open(now time.Time) {
	g.openedAt = now
	g.holdEnd.happen()
	for _, e := range g.proofEnds {
		e.happen()
	}
}

// failed notes that a request failed for a fault that may be everybody's.
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

// createFailed is failed of a request for creates of the kinds: of one that holds the main kind, or for a
// fault that speaks for all, it is everybody's; else that of its kinds.
func (g *governor) createFailed(kinds []vibe.Entity, f limit.Fault, fresh bool, left, now time.Time) {
	if isExtra(kinds[0]) && speaksForExtras(f) {
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

// first notes how an event's first create of a kind ended and returns its number among the evidence.
func (g *governor) first(entity vibe.Entity, passed bool) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lane(entity).evidence.First(passed)
}

// asked notes what the portal said of itself; f is the fault when it said nothing.
func (g *governor) asked(p *portal, f limit.Fault, followMe bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if p == nil {
		// Asking for the portal is everybody's request: what it meets speaks for all.
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

// askInterval is the wait after so many failures to learn what the portal is.
func askInterval(failures int) time.Duration {
	const initial, longest = 500 * time.Millisecond, 30 * time.Second
	return time.Duration(min(float64(initial)*math.Pow(1.5, float64(failures-1)), float64(longest)))
}

// unknownPortal has the portal asked before anything else leaves, and holds creates until then.
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

// batchFailed notes that a request of n creates failed as a whole.
func (g *governor) batchFailed(entity vibe.Entity, n int, applied bool, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.batchOf(entity).Failed(n, applied, now)
}

// noBatches notes that the CRM offers none now. It reports whether that is new.
func (g *governor) noBatches(entity vibe.Entity, now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	size := g.batchOf(entity)
	before := size.Size(now)
	size.NotOffered(now)
	return before > 1 && !isExtra(entity)
}

// hasten has steps of a kind ask again whose look-ups had not been seen to find. Whatever else is deferred goes on
// waiting.
func (g *governor) hasten(entity vibe.Entity) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.proofEnd(entity).happen()
}

// lookUpGate returns that of a kind: failing look-ups of deals do not keep those of contacts. Its caller holds
// the lock.
func (g *governor) lookUpGate(entity vibe.Entity) *limit.LookUps {
	gate := g.lookUps[entity]
	if gate == nil {
		gate = limit.NewLookUps(g.initial, g.longest)
		g.lookUps[entity] = gate
	}
	return gate
}

// lookedUp notes that a look-up of a kind was answered. Those of extras are not shown when they fail.
func (g *governor) lookedUp(entity vibe.Entity, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lookUpGate(entity).Passed()
	for of, gate := range g.lookUps {
		if !isExtra(of) && gate.Failing() && now.Sub(gate.At()) < g.longest { // and has not been left alone since
			return
		}
	}
	g.note.end(holdsLookUps, now)
}

// lookUpFailed notes that a look-up of a kind failed: the next ones of it wait, others and creates do not. It is shown
// when the whole request failed.
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

// lookUpsAt returns when the next look-up of a kind may leave.
func (g *governor) lookUpsAt(entity vibe.Entity) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lookUpGate(entity).At()
}

// held reports whether creates are held, and until when the next probe waits.
func (g *governor) held() (until time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, ok := g.hold.Held()
	return s.Until, ok
}

// ending is something for whose end steps wait. It can end many times.
type ending struct {
	count uint64        // how often it has ended
	next  chan struct{} // closed when it ends the next time
}

func newEnding() ending { return ending{next: make(chan struct{})} }

func (e *ending) happen() {
	close(e.next)
	*e = ending{e.count + 1, make(chan struct{})}
}

// endings are what the steps of a kind wait for, as it was at a moment.
type endings struct {
	holds  ending // a hold or a flood
	proofs ending // a hold, a flood, or the lack of a control or of a proof that look-ups of the kind find
}

// hurry reports whether a step that was deferred at some endings need not wait any longer.
func (s *step) hurry(now endings) bool {
	return s.endings.holds.count != now.holds.count || s.unproven && s.endings.proofs.count != now.proofs.count
}

// endingsOf returns what the steps of a kind wait for, as it is now.
func (g *governor) endingsOf(entity vibe.Entity) endings {
	g.mu.Lock()
	defer g.mu.Unlock()
	return endings{g.holdEnd, *g.proofEnd(entity)}
}

// proofEnd returns what unproven steps of a kind wait for. The caller holds the lock.
func (g *governor) proofEnd(entity vibe.Entity) *ending {
	e := g.proofEnds[entity]
	if e == nil {
		first := newEnding()
		e = &first
		g.proofEnds[entity] = e
	}
	return e
}

// refusalVerdict is what becomes of a refusal: it is sent again, written, or waits with its flood
// until a time.
type refusalVerdict struct {
	again, write bool
	flood        string
	until        time.Time
}

// judgeRefusal decides about a step that was refused. A flood that ended while its request was in
// the air may have been the reason.
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

// chargeAndJudge charges a step with its last create, once and if others passed since it left. Then it reports
// whether the charges show that it is the event that fails and not the CRM.
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

// faultOf returns why a failed request may be everybody's trouble.
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
