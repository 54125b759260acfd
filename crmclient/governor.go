package crmclient

import (
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// governor is the queue's policy: it decides which request is sent when, from the CRM's limits and from the outcomes of
// earlier requests. Its parts are pure values; the governor gives them the time and the lock. Safe for concurrent use.
type governor struct {
	main       vibe.Entity // whose failures hold everybody
	slots      int
	most       int // creates in a request
	floodLimit int
	initial    time.Duration // the first backoff between tries
	longest    time.Duration // the longest backoff
	maxTries   int
	freshFirst float64     // the part of a request's places that go to events that are not Later
	keyChanged func() bool // reports whether the key's file holds another key than the one in use
	note       *holdLog    // has a lock of its own, which is taken after mu

	mu      sync.Mutex // guards everything below
	budget  *limit.Budget
	hold    *limit.Hold
	lanes   map[vibe.Entity]*lane
	batch   *limit.BatchSize
	turn    limit.Turn
	lookUps map[vibe.Entity]*limit.LookUps // gates of look-ups, by what is looked up

	holdEnd   ending                  // the end of a hold or a flood
	proofEnds map[vibe.Entity]*ending // what unproven steps of a kind wait for, see endings

	extraBatch *limit.BatchSize
	extrasOut  map[*leaving]struct{} // requests for extras that are in flight

	paused   bool      // by hand: creates wait
	ready    bool      // the portal is known
	askAt    time.Time // while the portal is not known: when it is asked next
	askFails int
	keyAt    time.Time // when the key's file is looked at next
	oldest   bool      // the next probe is the fresh event that has waited longest, not the newest
	passedBy bool      // the last probe was the oldest fresh event, though a newer one had come
	probedAt time.Time // the last probe of a fresh event
	asksMore bool      // the portal is known, and is asked again: for a further kind, or for fields in doubt
	openedAt time.Time // when a hold or a flood ended last
	byMatch  bool      // the latest failure that may concern everybody was a look-up for persons
}

func newGovernor(cfg Config, keyChanged func() bool, note *holdLog) *governor {
	perSecond := cfg.RequestsPerSecond
	if perSecond < 0 {
		perSecond = documentedRate
	}
	return &governor{
		main: cfg.Target.entities()[0], floodLimit: cfg.FloodLimit, initial: cfg.BackoffInitial, longest: cfg.BackoffMax,
		lanes: map[vibe.Entity]*lane{},
		slots: cfg.Slots, most: cfg.BatchSize, maxTries: cfg.MaxAttempts, freshFirst: cfg.FreshFirst, keyChanged: keyChanged, note: note,
		budget:  limit.NewBudget(max(cfg.RequestsPerMinute, 0), perSecond),
		hold:    limit.NewHold(cfg.BackoffInitial, cfg.BackoffMax),
		batch:   limit.NewBatchSize(cfg.BatchSize),
		lookUps: map[vibe.Entity]*limit.LookUps{},

		extrasOut:  map[*leaving]struct{}{},
		extraBatch: limit.NewBatchSize(cfg.BatchSize),

		holdEnd:   newEnding(),
		proofEnds: map[vibe.Entity]*ending{},
	}
}

// documentedRate is the limit in requests a second that is assumed where GET /v1/me does not tell one.
const documentedRate = 10

// leaving is what the governor decided about one job. It is the job's tag.
type leaving struct {
	paid  time.Time // when the budget counted the job's next request; zero: it has not yet
	probe limit.Who // whose probe of a hold the job is; limit.Everybody: it is none
	at    time.Time // when the job left the queue
}

const (
	// gatherTime is how long the first look-up waits for others: many come at once after a crash or a failed batch, and
	// one request serves fifty. While creates wait it is gatherTimeBeside, because creates can use the request
	// meanwhile.
	gatherTime       = 50 * time.Millisecond
	gatherTimeBeside = time.Second
	// gatherTried is how long the first create of an event that was tried before waits for others, which become due one
	// by one.
	gatherTried = 500 * time.Millisecond
	// keyInterval is how often a key's file is looked at while the key does not work.
	keyInterval = time.Second
)

// Next implements [queue.Policy].
func (g *governor) Next(now time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ready && w.Count[queue.Prepare] > 0 { // costs no request
		return queue.Pick{Kind: queue.Prepare, Most: w.Count[queue.Prepare], Tag: &leaving{at: now}}, time.Time{}, true
	}
	g.watchKey(now)
	at := g.budget.At(now)
	if !g.ready {
		return g.nextAsk(now, later(at, g.askAt), w)
	}
	if g.paused { // no create or extra is sent, as if none waited; look-ups go on
		w.Count[queue.Fresh], w.Count[queue.Tried], w.Count[queue.Extra] = 0, 0, 0
	}
	kind, who, due := g.choose(now, w)
	at = later(at, due)
	switch {
	case who == limit.Nobody:
		return queue.Pick{}, g.keyTime(due), false
	case at.After(now):
		return queue.Pick{}, g.keyTime(at), false
	}
	if who == limit.Everybody {
		kind = g.turns(now, w)
	}
	return g.pick(now, kind, who, w)
}

// nextAsk picks the job that asks the portal for its fields. There is one such job at a time.
func (g *governor) nextAsk(now, at time.Time, w queue.Waiting) (queue.Pick, time.Time, bool) {
	switch {
	case w.InFlight[queue.Prepare] > 0:
		return queue.Pick{}, time.Time{}, false
	case at.After(now):
		return queue.Pick{}, g.keyTime(at), false
	}
	g.budget.Take(now)
	return queue.Pick{Kind: queue.Prepare, Tag: &leaving{paid: now, probe: limit.Everybody, at: now}}, time.Time{}, true
}

// choose returns what may be sent next, and when. With who Nobody, nothing that waits may be sent. With Everybody,
// which means that there is no hold, kind is not set: the caller asks turns, which counts as a turn.
func (g *governor) choose(now time.Time, w queue.Waiting) (kind queue.Kind, who limit.Who, at time.Time) {
	looks, lookAt := w.Count[queue.LookUp] > 0 && g.room(w), g.lookUpTime(w)
	extraKind, extraAt, extras := g.nextExtra(w)
	newest := w.Newest[queue.Fresh]
	if g.passedBy && w.Count[queue.Fresh] > 0 {
		newest = now // the event that was passed by still hastens the probe
	}
	who, at = g.hold.Next(now, newest, w.Count[queue.Fresh] > 0, w.Count[queue.Tried] > 0 || extras && extraKind == queue.Extra)
	switch who {
	case limit.Everybody:
		tried := w.Count[queue.Tried] > 0 && g.room(w)
		triedAt := g.triedTime(w)
		switch {
		case w.Count[queue.Fresh] > 0:
			return kind, who, now
		case extras && (!tried || extraAt.Before(triedAt)) && (!looks || extraAt.Before(lookAt)):
			return kind, who, extraAt
		case tried && (!looks || triedAt.Before(lookAt)):
			return kind, who, triedAt
		case looks:
			return kind, who, lookAt
		}
		return kind, limit.Nobody, time.Time{}
	case limit.Fresh:
		kind = queue.Fresh
	case limit.Tried:
		kind = queue.Tried
		if w.Count[queue.Tried] == 0 {
			kind = queue.Extra
		}
	}
	// Look-ups have a gate of their own: failures of creates do not hold them.
	if looks && (who == limit.Nobody || lookAt.Before(at)) {
		return queue.LookUp, limit.Portal, lookAt
	}
	if extras && extraKind == queue.ExtraLookUp && (who == limit.Nobody || extraAt.Before(at)) {
		return extraKind, limit.Portal, extraAt
	}
	return kind, who, at
}

// turns returns the kind whose turn it is, and counts the turn. It is used when there is no hold.
func (g *governor) turns(now time.Time, w queue.Waiting) queue.Kind {
	tried := w.Count[queue.Tried]
	if g.triedTime(w).After(now) {
		tried = 0
	}
	extra, extraAt, ok := g.nextExtra(w)
	extras := 0
	if ok && !extraAt.After(now) {
		extras = w.Count[extra]
	}
	kind := g.turn.Pick(limit.Waiting{
		Fresh: w.Count[queue.Fresh], LookUps: w.Count[queue.LookUp], Tried: tried, Extras: extras,
		LookUpsDue: !g.lookUpTime(w).After(now),
	}, g.inFlight(w), g.slots)
	switch kind {
	case limit.LookUp:
		return queue.LookUp
	case limit.CreateTried:
		return queue.Tried
	case limit.Extra:
		return extra
	}
	return queue.Fresh
}

func (g *governor) inFlight(w queue.Waiting) int {
	return w.InFlight[queue.LookUp] + w.InFlight[queue.Tried] + w.InFlight[queue.Extra] + w.InFlight[queue.ExtraLookUp]
}

// room reports whether a request that is not for fresh events may be sent and leave a slot free for those.
func (g *governor) room(w queue.Waiting) bool { return g.inFlight(w) < max(1, g.slots-1) }

// lookUpTime returns until when the waiting look-ups wait for further ones, to share a request. Look-ups of a kind that
// fails do not get into the queue: see lookUpsAt.
func (g *governor) lookUpTime(w queue.Waiting) (at time.Time) {
	if n := w.Count[queue.LookUp]; n > 0 && n < vibe.PageLimit {
		wait := gatherTime
		if w.Count[queue.Fresh] > 0 {
			wait = gatherTimeBeside
		}
		at = w.Oldest[queue.LookUp].Add(wait)
	}
	return at
}

// triedTime returns until when the waiting creates of tried events wait for further ones, to share a request.
func (g *governor) triedTime(w queue.Waiting) time.Time {
	if n := w.Count[queue.Tried]; n > 0 && n < g.most {
		return w.Oldest[queue.Tried].Add(gatherTried)
	}
	return time.Time{}
}

// pick sends a job of a kind off: it pays for its first request, and notes a probe.
func (g *governor) pick(now time.Time, kind queue.Kind, who limit.Who, w queue.Waiting) (queue.Pick, time.Time, bool) {
	extra := kind == queue.Extra || kind == queue.ExtraLookUp
	p := queue.Pick{Kind: kind, Tag: &leaving{paid: now, probe: who, at: now}}
	if extra {
		g.extrasOut[p.Tag.(*leaving)] = struct{}{}
	}
	switch {
	case kind == queue.LookUp, kind == queue.ExtraLookUp:
		p.Most, p.Lend = vibe.PageLimit, lendAfter(1)
	case who == limit.Everybody:
		size := g.batch
		if extra {
			size = g.extraBatch
		}
		p.Most, p.First = size.Size(now), g.freshFirst
		p.Lend = lendAfter(p.Most)
	default: // a probe goes alone
		p.Most = 1
		p.Newest = kind == queue.Fresh && g.chooseNewest(now, w)
		g.hold.Left(who, now)
	}
	g.budget.Take(now)
	return p, time.Time{}, true
}

// chooseNewest decides whether the next probe is the newest fresh event, which has the youngest record, or the one that
// has waited longest. A new lead should be tried before the bad ones of a backlog, so that the newest is chosen if it
// came since the last probe; but the two take turns, so that neither keeps the other from being tried.
func (g *governor) chooseNewest(now time.Time, w queue.Waiting) bool {
	newcomer := g.passedBy || w.Newest[queue.Fresh].After(g.probedAt)
	g.probedAt = now
	newest := newcomer && !g.oldest
	g.oldest = newest
	g.passedBy = newcomer && !newest && w.Count[queue.Fresh] > 1
	return newest
}

// lendAfter is how long after a request of so many creates was sent its slot is lent to another request. A request that
// takes longer hangs, or its answer is lost.
func lendAfter(creates int) time.Duration { return 5*time.Second + vibe.BatchTime(creates) }

// watchKey probes at once when the file of a key that does not work holds another key.
func (g *governor) watchKey(now time.Time) {
	if !g.blamesKey() || now.Before(g.keyAt) {
		return
	}
	g.keyAt = now.Add(keyInterval)
	if g.keyChanged() {
		g.hold.ProbeNow()
		g.askAt = time.Time{}
	}
}

func (g *governor) blamesKey() bool {
	s, held := g.hold.Held()
	return held && s.Fault.Cause == limit.Credentials
}

// keyTime returns when the queue must ask the governor again: at, or earlier while the key's file is watched.
func (g *governor) keyTime(at time.Time) time.Time {
	if !g.blamesKey() || !at.IsZero() && at.Before(g.keyAt) {
		return at
	}
	return g.keyAt
}

// landed ends a job. If a request was paid for and not sent, the budget gets it back.
func (g *governor) landed(l *leaving) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !l.paid.IsZero() {
		g.budget.Refund(l.paid)
	}
	g.hold.Landed(l.probe)
	delete(g.extrasOut, l)
}

// pay counts a request in the budget if it may be sent now. Otherwise ok is false, and at is when it may.
func (g *governor) pay(now time.Time) (at time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := g.budget.At(now); at.After(now) {
		return at, false
	}
	g.budget.Take(now)
	return now, true
}

// hear takes from an answer what it says about the CRM's limits.
func (g *governor) hear(o vibe.Outcome, jitter float64, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if o.RateLimit.Told {
		g.budget.Hear(limit.RateLimit{Limit: o.RateLimit.Limit, Remaining: o.RateLimit.Remaining, Reset: o.RateLimit.Reset.Seconds()}, now)
	}
	if o.Class == vibe.Throttled && !o.Item {
		g.budget.Throttled(o.RetryAfter, jitter, now)
		return
	}
	if s, held := g.hold.Held(); held && s.Fault.Cause == limit.Throttle && o.Status != 0 {
		g.release(now, false) // any answer other than a throttle shows that the CRM takes requests again
	}
}

// setPaused stops creates and extras, or lets them be sent again.
func (g *governor) setPaused(paused bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.paused = paused
}

// setShare sets this process's part of the portal's limits, 0 to 1.
func (g *governor) setShare(part float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.budget.SetShare(min(max(part, 0), 1))
}

// rates returns the limit a minute of the whole portal, and this process's part of it.
func (g *governor) rates() (perMinute, share float64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.budget.PerMinute(), g.budget.Share()
}
