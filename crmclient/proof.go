package crmclient

import (
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// An absence counts only from look-ups that have been seen to find: a portal may take a filter and find
// nothing by it. Until then each look-up asks for a control as well, in the same request.
// docs/delivery.md says what waits for that.

// asking is a way to look up, with the field that it filters by: a portal may find by phone and not
// by e-mail.
type asking struct {
	way
	filter string // the field's name
}

// control is an object of ours that is known to be in the portal: a look-up that can find finds it.
type control struct {
	object int64       // the CRM's id
	origin string      // the id of its event
	filter vibe.Filter // of a look-up by tag; nil: the id is asked for
	known  time.Time   // when it was made, or read
	missed bool        // a look-up missed it when it should have been findable
}

// maxControls bounds the controls that are kept of one way to ask, as people may delete some of them.
const maxControls = 8

// proof says whether look-ups that ask in one way have been seen to find. A pure value; the zero value
// has seen nothing.
type proof struct {
	proven   bool
	controls []control // the first is asked for next
	missed   time.Time // since when look-ups have missed controls that are there; zero: they have not
	awaited  bool      // absences were taken back: events wait for the proof
	lacking  time.Time // since when no control is to be had though one is needed; zero: there is one
	checkAt  time.Time // a control that was missed is looked at by its own id, not before
}

// add takes over a control. Those that came first stay: they are the likeliest to be findable. One that was missed
// makes room, as people may have changed what it is found by. It reports whether events wait for it.
func (p *proof) add(k control) (awaited bool) {
	if p.proven || p.has(k) {
		return false
	}
	if len(p.controls) == maxControls {
		missed := slices.IndexFunc(p.controls, func(other control) bool { return other.missed })
		if missed < 0 {
			return false
		}
		p.controls = slices.Delete(p.controls, missed, missed+1)
	}
	p.controls = append(p.controls, k)
	p.lacking = time.Time{}
	return p.awaited && len(p.controls) == 1
}

// found notes that a look-up found an object of ours: from now on absences count. It reports whether events
// wait for that.
func (p *proof) found() (awaited bool) {
	awaited = p.awaited
	*p = proof{proven: true}
	return awaited
}

// drop forgets a control that is gone, or no longer carries our id.
func (p *proof) drop(object int64) {
	p.controls = slices.DeleteFunc(p.controls, func(k control) bool { return k.object == object })
}

// miss notes that a look-up missed a control that is there. Within the lag that is expected; after it another control
// has its turn.
func (p *proof) miss(k control, lag time.Duration, now time.Time) {
	if now.Sub(k.known) < lag {
		return
	}
	k.missed = true
	p.pass(k)
	if p.missed.IsZero() {
		p.missed = now
	}
}

// pass gives another control its turn.
func (p *proof) pass(k control) {
	if p.has(k) {
		p.drop(k.object)
		p.controls = append(p.controls, k)
	}
}

func (p *proof) has(k control) bool {
	return slices.ContainsFunc(p.controls, func(other control) bool { return other.object == k.object })
}

// blind reports whether look-ups have missed what is there for longer than the lag.
func (p *proof) blind(lag time.Duration, now time.Time) bool {
	return !p.missed.IsZero() && now.Sub(p.missed) >= lag
}

// proofs are those of all ways to ask. Safe for concurrent use.
type proofs struct {
	lag time.Duration // how long after its creation an object may not be findable yet

	mu       sync.Mutex // guards everything below
	of       map[asking]*proof
	readings map[way]*objectReading
}

// leastLag is how long an object may not be findable at least, however small CRM_SETTLE is.
const leastLag = time.Second

func newProofs(settle time.Duration) *proofs {
	return &proofs{lag: max(settle, leastLag), of: map[asking]*proof{}, readings: map[way]*objectReading{}}
}

// with calls f with the proof of a way to ask. f must not block.
func (p *proofs) with(a asking, f func(*proof)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.of[a]
	if one == nil {
		one = &proof{}
		p.of[a] = one
	}
	f(one)
}

// reading calls f with what reading the objects of a way has come to: one reading serves all fields that are asked by. f
// must not block.
func (p *proofs) reading(w way, f func(*objectReading)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.readings[w]
	if one == nil {
		one = &objectReading{}
		p.readings[w] = one
	}
	f(one)
}

// proven reports whether absences count.
func (p *proofs) proven(a asking) (yes bool) {
	p.with(a, func(one *proof) { yes = one.proven })
	return yes
}

// next returns the control to ask for; not ok: absences count already, or none is known.
func (p *proofs) next(a asking) (k control, ok bool) {
	p.with(a, func(one *proof) {
		if ok = !one.proven && len(one.controls) > 0; ok {
			k = one.controls[0]
		}
	})
	return k, ok
}

// unfit is a way to ask whose absences do not count, for longer than can be put down to the lag.
type unfit struct {
	asking
	since time.Time
	blind bool // controls are missed; else there is none
}

// unfit returns one such way, a blind one first.
func (p *proofs) unfit(now time.Time) (u unfit, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for a, one := range p.of {
		switch {
		case one.blind(p.lag, now):
			if !u.blind || one.missed.Before(u.since) {
				u = unfit{a, one.missed, true}
			}
		case !one.lacking.IsZero() && now.Sub(one.lacking) >= p.lag && !u.blind:
			if u.since.IsZero() || one.lacking.Before(u.since) {
				u = unfit{a, one.lacking, false}
			}
		}
	}
	return u, !u.since.IsZero()
}

// Codes of a [Hold] for look-ups that cannot be trusted.
const (
	codeFindsNothing = "FILTER_FINDS_NOTHING" // they miss what is there
	codeNoControl    = "NO_RECORD_OF_OURS"    // nothing is known to be there that they could find
)

// untrustedRemedy says what to do where look-ups find nothing.
const untrustedRemedy = "Run leadbridge check --fix to make a field that can be searched, or set CRM_ORIGIN_FIELD to another field or to none."

// showProofs shows the hold of look-ups that cannot be trusted, if there is one.
func (c *Creator) showProofs(now time.Time) {
	u, ok := c.proofs.unfit(now)
	if !ok {
		c.holds.end(holdsProof, now)
		return
	}
	kind := string(u.entity)
	h := Hold{Cause: HoldOriginField, Since: u.since, Code: codeNoControl,
		Advice: "The portal shows none of our " + kind + " by which a look-up by " + u.filter + " could be tried: what is in doubt waits until one is created."}
	if u.entity != c.governor.main {
		h.Of = kind
	}
	if u.blind {
		h.Code = codeFindsNothing
		h.Advice = "Look-ups of " + kind + " by " + u.filter + " find nothing, though the CRM holds what they ask for: what is in doubt waits, new leads are created. " + untrustedRemedy
	}
	c.holds.show(holdsProof, h, false, now)
}

// knowMade takes an object that was just made for a control.
func (c *Creator) knowMade(field vibe.IDField, a *attempt, object int64, now time.Time) {
	d, w := a.delivery, way{a.step.entity, field}
	by, filter := c.filterOf(w, d.req.OriginID, *d.req.Contact, d.made().ContactID, d.req.RecordedAt)
	c.learnProof(asking{w, by}, func(p *proof) bool {
		return p.add(control{object: object, origin: d.req.OriginID, filter: filter, known: now})
	})
}

// learnProof notes what concerns a proof, and has those that wait for it ask at once if learn reports that there
// are any.
func (c *Creator) learnProof(a asking, learn func(*proof) (awaited bool)) {
	awaited := false
	c.proofs.with(a, func(p *proof) { awaited = learn(p) })
	if awaited {
		c.governor.hasten()
	}
}

// needsProof reports whether an absence of a step by a field needs proof that look-ups find. None is
// needed where nobody has reason to suspect the event, by fields that no create can have used, nor for fills, whose
// cards are read by their ids.
func (c *Creator) needsProof(d *delivery, s *step, field vibe.IDField) bool {
	p := c.portals.latest()
	k := p.kinds[s.entity]
	switch {
	case s.oneAbsenceSuffices, s.entity == vibe.Fills:
		return false
	case s.entity == vibe.Timelines:
		return true // see proveComments
	case field == k.idField:
		return true
	case !k.fields.Lists(field.Field()):
		return false
	case slices.Contains(c.portals.used(s.entity), field):
		return true
	case d.req.WayIsTold || d.req.SentWay == "" || vibe.ParseIDField(d.req.SentWay) != field:
		return false
	}
	// The ledger tells the way of the main kind: the same as now says that the other kinds' are, too.
	return s.entity == p.main || field != p.idField()
}

// askingOf returns how a waiter is looked up.
func (l *lookUp) askingOf(w *queue.Waiter) asking {
	by, _ := l.personFilter(w)
	return asking{l.way, by}
}

// control returns the control that look-ups in one way ask for in this job; not ok: none.
func (l *lookUp) control(a asking) (k control, ok bool) {
	if k, ok = l.controls[a]; ok {
		return k, true
	}
	if k, ok = l.proofs.next(a); ok {
		l.controls[a], l.tried[a] = k, true
	}
	return k, ok
}

// prove takes back absences that do not count, and learns from the look-up which do from now on.
func (l *lookUp) prove(waiters []*queue.Waiter) {
	if l.sure || isExtra(l.entity) { // comments are proven by their lists
		return
	}
	var ways []asking
	by := map[asking][]*queue.Waiter{}
	for _, w := range waiters {
		if _, answered := l.answers[w]; answered {
			a := l.askingOf(w)
			if by[a] == nil {
				ways = append(ways, a)
			}
			by[a] = append(by[a], w)
		}
	}
	for _, a := range ways {
		l.proveBy(a, by[a])
	}
	l.showProofs(time.Now())
}

// proveBy is prove for the waiters that were looked up in one way.
func (l *lookUp) proveBy(a asking, waiters []*queue.Waiter) {
	if l.proofs.proven(a) {
		return
	}
	found := func(w *queue.Waiter) bool { return l.answers[w].id > 0 }
	if l.seen[a] || slices.ContainsFunc(waiters, found) {
		l.learnProof(a, (*proof).found)
		return
	}
	_, asked := l.controls[a]
	if asked {
		l.check(a)
	}
	doubtful := slices.DeleteFunc(slices.Clone(waiters), func(w *queue.Waiter) bool { return !w.Payload.(*question).proof })
	if len(doubtful) == 0 {
		return
	}
	var absent []*queue.Waiter
	if _, known := l.proofs.next(a); !known {
		absent = l.read(a, doubtful)
	}
	again := l.askAgainAt(a, asked)
	for _, w := range doubtful {
		if !found(w) && !slices.Contains(absent, w) {
			delete(l.answers, w)
			l.untrusted[w] = again
		}
	}
}

// askAgainAt returns when to ask again for what was not found: at once when a control has become known, soon when the
// control that was asked for cannot be found yet or is gone, and otherwise the zero time: after a backoff.
func (l *lookUp) askAgainAt(a asking, asked bool) (at time.Time) {
	now := time.Now()
	l.proofs.with(a, func(p *proof) {
		p.awaited = true
		switch {
		case len(p.controls) == 0 || !p.missed.IsZero():
		case asked && (now.Sub(l.controls[a].known) < l.proofs.lag || !p.has(l.controls[a])):
			at = now.Add(recheck)
		case !l.tried[a]:
			at = now
		}
	})
	return at
}

// check looks at the control that was missed, by its own id, and drops those that are gone.
func (l *lookUp) check(a asking) {
	now, due := time.Now(), false
	l.proofs.with(a, func(p *proof) {
		if due = !now.Before(p.checkAt); due {
			p.checkAt = now.Add(leastLag)
		}
	})
	for due {
		k, ok := l.proofs.next(a)
		if !ok || now.Sub(k.known) < l.proofs.lag {
			return
		}
		switch l.exists(k) {
		case objectGone:
			l.proofs.with(a, func(p *proof) { p.drop(k.object) })
			continue
		case objectThere, objectHidden:
			if k.object == l.controls[a].object {
				l.proofs.with(a, func(p *proof) { p.miss(k, l.proofs.lag, time.Now()) })
			}
		case objectUnknown:
			l.proofs.with(a, func(p *proof) { p.pass(k) })
		}
		return
	}
}

// existence is what the portal says of a control when it is asked for it by its own id.
type existence int

const (
	objectUnknown existence = iota // no answer that tells
	objectThere
	objectHidden // the key may not see it
	objectGone   // or it no longer carries our id
)

func (l *lookUp) exists(k control) existence {
	o := l.do(l.request.job.Context(), l.request, vibe.Get(l.entity, k.object))
	if o.NotOffered() {
		return objectGone
	}
	object, marks := l.field.Identify(vibe.Row(o.Data))
	switch {
	case o.Class == vibe.Credentials && !o.NamesKey():
		return objectHidden
	case o.Class != vibe.Done || object != k.object:
		return objectUnknown
	case marks.Missing() || l.field.Carries(marks, l.cfg.Originator, k.origin):
		return objectThere
	}
	return objectGone
}
