package crmclient

import (
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// A portal may accept a filter and find nothing by it. So an absence counts only if look-ups by the same filter
// have been seen to find an object of ours. Until they have, each look-up asks for a control as well, in the same request.
// docs/delivery.md says which events wait for that.

// lookUpBy is a kind of look-ups that are proven together: what they look up, and the field that they filter by, as a portal
// may find objects by phone and not by e-mail.
type lookUpBy struct {
	idLocation
	filter string // the field's name
}

// control is an object of ours that is known to be in the portal, so that a look-up that works finds it.
type control struct {
	object int64       // the CRM's id
	origin string      // the id of its event
	filter vibe.Filter // the filter of a look-up by tag; nil: the look-up filters by origin
	known  time.Time   // when the object was made, or read
	missed bool        // a look-up missed the object when it should have been findable
}

// maxControls bounds the controls of one lookUpBy. There are several because people may delete some.
const maxControls = 8

// proof says whether look-ups by one lookUpBy have been seen to find an object of ours. A pure value; the zero value has seen
// none.
type proof struct {
	proven   bool
	controls []control // the first is asked for next
	missed   time.Time // since when look-ups have missed controls that are in the portal; zero: they have missed none
	awaited  bool      // events wait for the proof: their absences did not count
	lacking  time.Time // since when a control is needed and none is known; zero: none is needed, or one is known
	checkAt  time.Time // earliest time at which a missed control is read by its own id again
}

// add adds a control. If there are maxControls already, the new one replaces one that was missed, because people may have
// changed the field by which that one is found. Otherwise the old ones are kept, as they are more likely to be findable. add
// returns whether events wait for a control.
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

// found notes that a look-up found an object of ours, so that absences count from now on. It returns whether events wait
// for this proof.
func (p *proof) found() (awaited bool) {
	awaited = p.awaited
	*p = proof{proven: true}
	return awaited
}

// drop removes a control that is gone, or no longer carries our id.
func (p *proof) drop(object int64) {
	p.controls = slices.DeleteFunc(p.controls, func(k control) bool { return k.object == object })
}

// miss notes that a look-up did not find a control that is in the portal. Within the lag after the control was made, this
// proves nothing. Later another control is asked for next.
func (p *proof) miss(k control, lag time.Duration, now time.Time) {
	if now.Sub(k.known) < lag {
		return
	}
	k.missed = true
	p.putLast(k)
	if p.missed.IsZero() {
		p.missed = now
	}
}

// putLast puts a control behind the others, so that another one is asked for next.
func (p *proof) putLast(k control) {
	if p.has(k) {
		p.drop(k.object)
		p.controls = append(p.controls, k)
	}
}

func (p *proof) has(k control) bool {
	return slices.ContainsFunc(p.controls, func(other control) bool { return other.object == k.object })
}

// blind reports whether look-ups have missed controls that are in the portal for longer than the lag.
func (p *proof) blind(lag time.Duration, now time.Time) bool {
	return !p.missed.IsZero() && now.Sub(p.missed) >= lag
}

// proofs holds the proof of each lookUpBy. Safe for concurrent use.
type proofs struct {
	lag time.Duration // for how long after its creation a look-up may miss an object

	mu       sync.Mutex // guards everything below
	of       map[lookUpBy]*proof
	readings map[idLocation]*objectReading
}

// leastLag is the smallest lag, however small CRM_SETTLE is.
const leastLag = time.Second

func newProofs(settle time.Duration) *proofs {
	return &proofs{lag: max(settle, leastLag), of: map[lookUpBy]*proof{}, readings: map[idLocation]*objectReading{}}
}

// with calls f with the proof of a lookUpBy while it holds the lock. f must not block.
func (p *proofs) with(a lookUpBy, f func(*proof)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.of[a]
	if one == nil {
		one = &proof{}
		p.of[a] = one
	}
	f(one)
}

// reading calls f with the reading of an idLocation while it holds the lock. One reading serves look-ups by all fields. f
// must not block.
func (p *proofs) reading(w idLocation, f func(*objectReading)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	one := p.readings[w]
	if one == nil {
		one = &objectReading{}
		p.readings[w] = one
	}
	f(one)
}

// proven reports whether absences count in look-ups by a.
func (p *proofs) proven(a lookUpBy) (yes bool) {
	p.with(a, func(one *proof) { yes = one.proven })
	return yes
}

// next returns the control to ask for. ok is false if absences count already or no control is known.
func (p *proofs) next(a lookUpBy) (k control, ok bool) {
	p.with(a, func(one *proof) {
		ok = !one.proven && len(one.controls) > 0
		if ok {
			k = one.controls[0]
		}
	})
	return k, ok
}

// unfit is a lookUpBy whose absences have not counted for longer than the lag.
type unfit struct {
	lookUpBy
	since time.Time
	blind bool // because look-ups miss controls; else because no control is known
}

// unfit returns the lookUpBy that has been unfit for the longest time; one that is blind goes before others. ok is false if
// there is none.
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
	codeFindsNothing = "FILTER_FINDS_NOTHING" // they do not find objects that exist
	codeNoControl    = "NO_RECORD_OF_OURS"    // no object is known by which they could be tried
)

// untrustedRemedy says what to do if look-ups find nothing.
func untrustedRemedy() phrase.Text {
	return phrase.New("searchable_field", "Run leadbridge check --fix to make a field that can be searched, or set CRM_ORIGIN_FIELD to another field or to none.")
}

// showProofs shows the hold of look-ups that cannot be trusted, if there is one.
func (c *Creator) showProofs(now time.Time) {
	u, ok := c.proofs.unfit(now)
	if !ok {
		c.holds.end(holdsProof, now)
		return
	}
	kind := string(u.entity)
	h := Hold{Cause: HoldOriginField, Since: u.since, Code: codeNoControl,
		Advice: phrase.New("nothing_to_try", "The portal shows none of our {kind} by which a look-up by {field} could be tried: what is in doubt waits until one is created.", "kind", kind, "field", u.filter)}
	if u.entity != c.governor.main {
		h.Of = kind
	}
	if u.blind {
		h.Code = codeFindsNothing
		h.Advice = append(phrase.New("finds_nothing", "Look-ups of {kind} by {field} find nothing, though the CRM holds what they ask for: what is in doubt waits, new leads are created.", "kind", kind, "field", u.filter), untrustedRemedy()...)
	}
	c.holds.show(holdsProof, h, false, now)
}

// knowMade adds an object that was made just now as a control.
func (c *Creator) knowMade(field vibe.IDField, a *attempt, object int64, now time.Time) {
	d, w := a.delivery, idLocation{a.step.entity, field}
	by, filter := c.filterOf(w, d.req.OriginID, *d.req.Contact, d.made().ContactID, d.req.RecordedAt)
	c.learnProof(lookUpBy{w, by}, func(p *proof) bool {
		return p.add(control{object: object, origin: d.req.OriginID, filter: filter, known: now})
	})
}

// learnProof calls learn with the proof of a lookUpBy. If learn returns that events wait for it, they are looked up at once.
func (c *Creator) learnProof(a lookUpBy, learn func(*proof) (awaited bool)) {
	awaited := false
	c.proofs.with(a, func(p *proof) { awaited = learn(p) })
	if awaited {
		c.governor.hasten(a.entity)
	}
}

// needsProof reports whether the absence of a step's object in look-ups by a field counts only if such look-ups are proven.
// No proof is needed if one absence suffices, if no create can have used the field, and for fills, whose contacts are read
// by their ids.
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
	case d.req.IDFieldFromHeader || d.req.SentIDField == "" || vibe.ParseIDField(d.req.SentIDField) != field:
		return false
	}
	// SentIDField, from the ledger, is the field of the main kind. If it is still in force there, the fields of the other
	// kinds have not changed either.
	return s.entity == p.main || field != p.idField()
}

// lookUpByOf returns the lookUpBy of a waiter's look-up.
func (l *lookUp) lookUpByOf(w *queue.Waiter) lookUpBy {
	by, _ := l.personFilter(w)
	return lookUpBy{l.idLocation, by}
}

// control returns the control that this job asks for in look-ups by a. It is the same one during the whole job. ok is false
// if there is none.
func (l *lookUp) control(a lookUpBy) (k control, ok bool) {
	if k, ok = l.controls[a]; ok {
		return k, true
	}
	if k, ok = l.proofs.next(a); ok {
		l.controls[a], l.tried[a] = k, true
	}
	return k, ok
}

// prove removes the answers that say "absent" where look-ups are not proven. What the answers showed may prove later look-ups.
func (l *lookUp) prove(waiters []*queue.Waiter) {
	if l.sure || isExtra(l.entity) { // for comments see proveComments
		return
	}
	var order []lookUpBy
	grouped := map[lookUpBy][]*queue.Waiter{}
	for _, w := range waiters {
		if _, answered := l.answers[w]; answered {
			a := l.lookUpByOf(w)
			if grouped[a] == nil {
				order = append(order, a)
			}
			grouped[a] = append(grouped[a], w)
		}
	}
	for _, a := range order {
		l.proveBy(a, grouped[a])
	}
	l.showProofs(time.Now())
}

// proveBy does what prove does for the waiters of one lookUpBy.
func (l *lookUp) proveBy(a lookUpBy, waiters []*queue.Waiter) {
	if l.proofs.proven(a) {
		return
	}
	found := func(w *queue.Waiter) bool { return l.answers[w].id > 0 }
	if l.seen[a] || slices.ContainsFunc(waiters, found) {
		l.learnProof(a, (*proof).found)
		return
	}
	_, askedForControl := l.controls[a]
	if askedForControl {
		l.check(a)
	}
	needProof := slices.DeleteFunc(slices.Clone(waiters), func(w *queue.Waiter) bool { return !w.Payload.(*question).proof })
	if len(needProof) == 0 {
		return
	}
	var absent []*queue.Waiter
	if _, hasControl := l.proofs.next(a); !hasControl {
		absent = l.read(a, needProof)
	}
	again := l.askAgainAt(a, askedForControl)
	for _, w := range needProof {
		if !found(w) && !slices.Contains(absent, w) {
			delete(l.answers, w)
			l.untrusted[w] = again
		}
	}
}

// askAgainAt notes that events wait for the proof, and returns when their look-up is repeated: at once if a control has
// become known, soon if the control that was asked for is too young to be found or is gone, else after a backoff, for which
// the time is zero.
func (l *lookUp) askAgainAt(a lookUpBy, asked bool) (at time.Time) {
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

// check is called after a look-up did not find its control. It reads the control by its own id, to see whether it still
// exists. Controls that are gone are dropped.
func (l *lookUp) check(a lookUpBy) {
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
			l.proofs.with(a, func(p *proof) { p.putLast(k) })
		}
		return
	}
}

// existence is whether an object exists, by the portal's answer when it is read by its own id.
type existence int

const (
	objectUnknown existence = iota // the answer does not say
	objectThere
	objectHidden // the key may not see it
	objectGone   // deleted, or it no longer carries our id
)

// exists reads a control by its own id.
func (l *lookUp) exists(k control) existence {
	o := l.do(l.request.job.Context(), l.request, vibe.Get(l.entity, k.object))
	if o.NotOffered() {
		return objectGone
	}
	object, marks := l.field.Identify(vibe.Row(o.Data))
	switch {
	case o.Class == vibe.Credentials && !o.BlamesKey():
		return objectHidden
	case o.Class != vibe.Done || object != k.object:
		return objectUnknown
	case marks.Missing() || l.field.Carries(marks, l.cfg.Originator, k.origin):
		return objectThere
	}
	return objectGone
}
