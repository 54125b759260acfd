package crmclient

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/person"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Two events of one new person must not both find no contact and make one each. So in one
// process the later event waits while the earlier one looks for a contact and makes it, and a contact that was made a moment
// ago is known although the portal's look-ups may not find it yet.
const (
	// personTurn is how long an event waits at its place in line for another one of its person. Then it is deferred for
	// the same time.
	personTurn = time.Second
	// personWait is how long an event waits in all. Then it goes on, as the other one may have trouble of its own.
	personWait = 10 * time.Second
	// personRecent is how long a contact that was made is known without a look-up.
	personRecent = time.Minute
	// mostRecent is how many such contacts are known.
	mostRecent = 10_000
)

// persons holds the persons for whom contacts are being made, or were made a moment ago. Safe for concurrent use.
type persons struct {
	by person.By

	mu     sync.Mutex                 // guards everything below
	atWork map[string][]*personTask   // by contact point
	recent map[string][]*recentPerson // by contact point
	order  []*recentPerson            // of recent, the oldest first
}

// personTask is an event's look-up for its person and the create that may follow.
type personTask struct {
	who  person.Person
	done chan struct{}
}

// recentPerson is a contact that this process made.
type recentPerson struct {
	who person.Person
	id  int64
	at  time.Time
}

func newPersons(by person.By) *persons {
	return &persons{by: by, atWork: map[string][]*personTask{}, recent: map[string][]*recentPerson{}}
}

// begin begins a task. While another one for what may be the same person is at work, it returns no task but a channel
// that is closed when that one ends. With force it begins the task all the same.
func (p *persons) begin(who person.Person, force bool) (t *personTask, busy <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	points := who.Points(p.by)
	for _, point := range points {
		for _, other := range p.atWork[point] {
			if !force && who.Agrees(other.who, p.by) {
				return nil, other.done
			}
		}
	}
	t = &personTask{who: who, done: make(chan struct{})}
	for _, point := range points {
		p.atWork[point] = append(p.atWork[point], t)
	}
	return t, nil
}

// end ends a task. made is the id of the contact that it made; 0: none.
func (p *persons) end(t *personTask, made int64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	points := t.who.Points(p.by)
	for _, point := range points {
		remove(p.atWork, point, t)
	}
	p.forget(now)
	if made > 0 {
		r := &recentPerson{t.who, made, now}
		p.order = append(p.order, r)
		for _, point := range points {
			p.recent[point] = append(p.recent[point], r)
		}
	}
	close(t.done)
}

// forget drops the contacts that are not recent any more, or too many.
func (p *persons) forget(now time.Time) {
	for len(p.order) > 0 && (len(p.order) >= mostRecent || now.Sub(p.order[0].at) > personRecent) {
		for _, point := range p.order[0].who.Points(p.by) {
			remove(p.recent, point, p.order[0])
		}
		p.order = p.order[1:]
	}
}

// remove takes an element out of a point's list, and drops the point when nothing is left.
func remove[T comparable](lists map[string][]T, point string, one T) {
	lists[point] = slices.DeleteFunc(lists[point], func(other T) bool { return other == one })
	if len(lists[point]) == 0 {
		delete(lists, point)
	}
}

// made returns the contacts that were made a moment ago and agree with a person.
func (p *persons) made(who person.Person, now time.Time) (ids []int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, point := range who.Points(p.by) {
		for _, r := range p.recent[point] {
			if now.Sub(r.at) <= personRecent && who.Agrees(r.who, p.by) && !slices.Contains(ids, r.id) {
				ids = append(ids, r.id)
			}
		}
	}
	return ids
}

// claim waits until no other event of what may be the same person is at work, but no longer than personWait; a fill waits
// until nobody else fills its card. The caller must call release when the step's create has ended. ok is false if a fill is
// to be given up instead of waiting. The error defers the step, or ends its call.
func (c *Creator) claim(ctx context.Context, d *delivery, s *step) (release func(), ok bool, err error) {
	switch {
	case s.entity == vibe.Fills:
		return c.claimCard(ctx, d, s)
	case s.entity != vibe.Contacts || !c.matches(d, s):
		return func() {}, true, nil
	}
	who, began := personOf(*d.req.Contact), time.Now()
	if d.personSince.IsZero() {
		d.personSince = began
	}
	patience := time.NewTimer(personTurn)
	defer patience.Stop()
	for {
		t, busy := c.persons.begin(who, time.Since(d.personSince) >= personWait)
		if t != nil {
			return func() { c.persons.end(t, s.madeHere(), time.Now()) }, true, nil
		}
		select {
		case <-busy:
		case <-patience.C:
			return nil, false, c.deferUntil(s, WaitPerson, time.Now().Add(personTurn))
		case <-d.req.Stop:
			return nil, false, ErrStopped
		case <-ctx.Done():
			return nil, false, ctx.Err()
		}
	}
}

// madeHere returns the id of the contact that a step has made; 0 when it made none, or was given to one that was there.
func (s *step) madeHere() int64 {
	if s.state != stateDone || s.given {
		return 0
	}
	return s.id
}
