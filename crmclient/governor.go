package crmclient

import (
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/limit"
	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// governor decides which request leaves when, from the CRM's limits and from what became of the
// requests before: it is the queue's policy. Its parts are pure values; it gives them the time and
// the lock. Safe for concurrent use.
type governor struct {
	main       vibe.Entity // whose failures hold everybody
	slots      int
	most       int // creates in a request
	floodLimit int
	initial    time.Duration // between tries, at first
	longest    time.Duration // and at last
	maxTries   int
	keyChanged func() bool // reports whether the key's file holds another key than the one in use
	note       *holdLog    // has a lock of its own, taken after mu

	mu      sync.Mutex // guards everything below
	budget  *limit.Budget
	hold    *limit.Hold
	lanes   map[vibe.Entity]*lane
	batch   *limit.BatchSize
	turn    limit.Turn
	lookUps map[vibe.Entity]*limit.LookUps // gates of look-ups, by what is looked up

	extraBatch *limit.BatchSize
	extrasOut  map[*leaving]struct{} // requests for extras that are on their way

	paused   bool      // by hand: creates wait
	ready    bool      // the portal is known
	askAt    time.Time // when it is asked, while it is not
	askFails int
	keyAt    time.Time     // when the key's file is looked at next
	oldest   bool          // among fresh events the next probe is the one that has waited longest
	passedBy bool          // one that came since the last probe was passed by for it
	probedAt time.Time     // the last probe of a fresh event
	asksMore bool          // the portal was known, and is asked for a further kind
	endings  endings       // so far
	opened   chan struct{} // closed at the next opening
	openedAt time.Time
	byMatch  bool // the latest failure that may be everybody's was of look-ups for persons
}

func newGovernor(cfg Config, keyChanged func() bool, note *holdLog) *governor {
	perSecond := cfg.RequestsPerSecond
	if perSecond < 0 {
		perSecond = documentedRate
	}
	return &governor{
		main: cfg.Target.entities()[0], floodLimit: cfg.FloodLimit, initial: cfg.BackoffInitial, longest: cfg.BackoffMax,
		lanes: map[vibe.Entity]*lane{},
		slots: cfg.Slots, most: cfg.BatchSize, maxTries: cfg.MaxAttempts, keyChanged: keyChanged, note: note,
		budget:  limit.NewBudget(max(cfg.RequestsPerMinute, 0), perSecond),
		hold:    limit.NewHold(cfg.BackoffInitial, cfg.BackoffMax),
		batch:   limit.NewBatchSize(cfg.BatchSize),
		lookUps: map[vibe.Entity]*limit.LookUps{},

		extrasOut:  map[*leaving]struct{}{},
		extraBatch: limit.NewBatchSize(cfg.BatchSize),

		opened: make(chan struct{}),
	}
}

// documentedRate is the portal's limit where GET /v1/me does not say it, requests a second.
const documentedRate = 10

// leaving is the tag of a job: what the policy decided about it.
type leaving struct {
	paid  time.Time // when the budget counted its first request; zero: it did not
	probe limit.Who // of a hold; limit.Everybody: none
	at    time.Time
}

const (
	// gatherTime is how long the first look-up waits for others: many come at once after a crash
	// or a failed batch, and one request serves fifty. While creates wait, they have
	// use for the request meanwhile: then it is gatherTimeBeside.
	gatherTime       = 50 * time.Millisecond
	gatherTimeBeside = time.Second
	// gatherTried is the same for creates of events that were tried before: they become due one by one.
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
	if g.paused { // as if none waited; look-ups go on
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

// nextAsk has the portal asked, by one job at a time.
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

// choose returns what may leave next, and when: for whom Nobody nothing that waits may. Without a
// hold it does not say which kind, as that counts as a turn.
func (g *governor) choose(now time.Time, w queue.Waiting) (kind queue.Kind, who limit.Who, at time.Time) {
	looks, lookAt := w.Count[queue.LookUp] > 0 && g.room(w), g.lookUpTime(w)
	commentKind, commentAt, comments := g.nextExtra(w)
	newest := w.Newest[queue.Fresh]
	if g.passedBy && w.Count[queue.Fresh] > 0 {
		newest = now // it is still the next to hasten the probe
	}
	who, at = g.hold.Next(now, newest, w.Count[queue.Fresh] > 0, w.Count[queue.Tried] > 0 || comments && commentKind == queue.Extra)
	switch who {
	case limit.Everybody:
		tried := w.Count[queue.Tried] > 0 && g.room(w)
		triedAt := g.triedTime(w)
		switch {
		case w.Count[queue.Fresh] > 0:
			return kind, who, now
		case comments && (!tried || commentAt.Before(triedAt)) && (!looks || commentAt.Before(lookAt)):
			return kind, who, commentAt
		case tried && (!looks || triedAt.Before(lookAt)):
			return kind, who, triedAt
		case looks:
			return kind, who, lookAt
		}
		return kind, limit.Nobody, time.Time{}
	case limit.Fresh:
		kind = queue.Fresh
	case limit.Tried:
		if kind = queue.Tried; w.Count[queue.Tried] == 0 {
			kind = queue.Extra
		}
	}
	// Look-ups have a gate of their own: what creates meet does not hold them.
	if looks && (who == limit.Nobody || lookAt.Before(at)) {
		return queue.LookUp, limit.Portal, lookAt
	}
	if comments && commentKind == queue.ExtraLookUp && (who == limit.Nobody || commentAt.Before(at)) {
		return commentKind, limit.Portal, commentAt
	}
	return kind, who, at
}

// turns returns whose turn it is without a hold.
func (g *governor) turns(now time.Time, w queue.Waiting) queue.Kind {
	tried := w.Count[queue.Tried]
	if g.triedTime(w).After(now) {
		tried = 0
	}
	comment, commentAt, ok := g.nextExtra(w)
	comments := 0
	if ok && !commentAt.After(now) {
		comments = w.Count[comment]
	}
	kind := g.turn.Pick(limit.Waiting{
		Fresh: w.Count[queue.Fresh], LookUps: w.Count[queue.LookUp], Tried: tried, Extras: comments,
		LookUpsDue: !g.lookUpTime(w).After(now),
	}, g.inFlight(w), g.slots)
	switch kind {
	case limit.LookUp:
		return queue.LookUp
	case limit.CreateTried:
		return queue.Tried
	case limit.Extra:
		return comment
	}
	return queue.Fresh
}

func (g *governor) inFlight(w queue.Waiting) int {
	return w.InFlight[queue.LookUp] + w.InFlight[queue.Tried] + w.InFlight[queue.Extra] + w.InFlight[queue.ExtraLookUp]
}

// room reports whether a request that is not a fresh event's leaves a slot for those.
func (g *governor) room(w queue.Waiting) bool { return g.inFlight(w) < max(1, g.slots-1) }

// lookUpTime returns when the waiting look-ups may leave, as far as they wait for each other. Whether those of a kind
// fail is asked before they wait: see lookUpsAt.
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

// triedTime returns when the waiting creates of tried events may leave.
func (g *governor) triedTime(w queue.Waiting) time.Time {
	if n := w.Count[queue.Tried]; n > 0 && n < g.most {
		return w.Oldest[queue.Tried].Add(gatherTried)
	}
	return time.Time{}
}

// pick has a job leave.
func (g *governor) pick(now time.Time, kind queue.Kind, who limit.Who, w queue.Waiting) (queue.Pick, time.Time, bool) {
	comment := kind == queue.Extra || kind == queue.ExtraLookUp
	p := queue.Pick{Kind: kind, Tag: &leaving{paid: now, probe: who, at: now}}
	if comment {
		g.extrasOut[p.Tag.(*leaving)] = struct{}{}
	}
	switch {
	case kind == queue.LookUp, kind == queue.ExtraLookUp:
		p.Most, p.Lend = vibe.PageLimit, lendAfter(1)
	case who == limit.Everybody:
		size := g.batch
		if comment {
			size = g.extraBatch
		}
		p.Most = size.Size(now)
		p.Lend = lendAfter(p.Most)
	default: // a probe goes alone
		p.Most = 1
		p.Newest = kind == queue.Fresh && g.takesNewest(now, w)
		g.hold.Left(who, now)
	}
	g.budget.Take(now)
	return p, time.Time{}, true
}

// takesNewest reports whether the newest fresh event is the next probe: the one whose record is the
// youngest, so that a lead of now is tried before what bad ones a backlog brings. When one came since
// the last probe it is, but in turn with the one that has waited longest: neither keeps the
// other from being tried.
func (g *governor) takesNewest(now time.Time, w queue.Waiting) bool {
	newcomer := g.passedBy || w.Newest[queue.Fresh].After(g.probedAt)
	g.probedAt = now
	newest := newcomer && !g.oldest
	g.oldest = newest
	g.passedBy = newcomer && !newest && w.Count[queue.Fresh] > 1
	return newest
}

// lendAfter is how long after a request of so many creates left its slot is lent: what takes as long
// hangs, or has lost its answer.
func lendAfter(creates int) time.Duration { return 5*time.Second + vibe.BatchTime(creates) }

// watchKey ends the wait for the next probe when the key that did not work was replaced.
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

// keyTime returns when the policy is to be asked again: earlier than at while the key is watched.
func (g *governor) keyTime(at time.Time) time.Time {
	if !g.blamesKey() || !at.IsZero() && at.Before(g.keyAt) {
		return at
	}
	return g.keyAt
}

// landed ends a job: a request that was paid for and not sent is given back to the budget.
func (g *governor) landed(l *leaving) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !l.paid.IsZero() {
		g.budget.Refund(l.paid)
	}
	g.hold.Landed(l.probe)
	delete(g.extrasOut, l)
}

// pay counts a request that leaves now, or returns when it may.
func (g *governor) pay(now time.Time) (at time.Time, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if at := g.budget.At(now); at.After(now) {
		return at, false
	}
	g.budget.Take(now)
	return now, true
}

// hear follows what an answer says about the CRM's limits.
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
		g.release(now, false) // whatever it answers, it takes requests again
	}
}

// setPaused has creates wait, or lets them leave again.
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
