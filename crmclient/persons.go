package crmclient

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/person"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// If two events of one new person were sent at once, neither would find a contact, and each would make one. So in one process
// the later event waits while the earlier one looks for a contact and makes it. A contact that this process made a moment ago
// is remembered, as the portal's look-ups may not find it yet.
const (
	// personTurn is how long an event waits for another event of its person without leaving its place in line. Then it is
	// deferred for the same time.
	personTurn = time.Second
	// personWait is how long an event waits for others of its person in all. Then it goes on, as the other event may be
	// unable to.
	personWait = 10 * time.Second
	// personRecent is how long a contact that this process made is remembered.
	personRecent = time.Minute
	// mostRecent is how many such contacts are remembered.
	mostRecent = 10_000
)

// persons holds the persons for whom contacts are being made, or were made a moment ago. Safe for concurrent use.
type persons struct {
	by person.By

	mu     sync.Mutex                 // guards everything below
	atWork map[string][]*personTask   // by contact point
	recent map[string][]*recentPerson // by contact point
	order  []*recentPerson            // all in recent, the oldest first
}

// personTask is the look-up for an event's person and the create that may follow.
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

// begin begins a task. If a task for what may be the same person is at work, begin returns no task but a channel that is
// closed when that task ends. With force it begins the task all the same.
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

// end ends a task. made is the id of the contact that the task made; 0: none.
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

// forget drops contacts that are too old, and the oldest ones if there are too many.
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

// made returns the contacts that this process made a moment ago for what may be the same person.
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

// claim waits until no other event of what may be the same person is at work, but no longer than personWait. For a fill it
// waits until no other step fills the same card, see claimCard. The caller must call release when the step's create has
// ended. ok is false if the caller must give a fill up instead of waiting. The error defers the step, or ends its call.
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

// madeHere returns the id of the contact that a step has made; 0 if it made none, as when the person's contact was there.
func (s *step) madeHere() int64 {
	if s.state != stateDone || s.given {
		return 0
	}
	return s.id
}
