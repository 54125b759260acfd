package crmclient

import (
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/rs/zerolog"
)

// gate is where holds are: while there is one, only one probe at a time goes
// through, each after a longer wait and with another event. Guarded by Creator.mu.
type gate struct {
	hold    *Hold       // nil: open
	counted time.Time   // until when the hold's seconds are counted
	probe   *job        // on its way; nil: none
	told    bool        // the hold is in the log
	tell    *time.Timer // puts it there
	backoff *backoff.ExponentialBackOff
}

// newBackoff gives the waits between tries: exponential, with jitter, for ever.
func newBackoff(cfg Config) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(cfg.BackoffInitial),
		backoff.WithMaxInterval(cfg.BackoffMax),
		backoff.WithMaxElapsedTime(0),
	)
}

// closed tells whether the gate lets nothing through before a time.
func (g *gate) closed() (until time.Time, yes bool) {
	if g.hold == nil {
		return time.Time{}, false
	}
	return g.hold.Until, true
}

// holds tells whether there is a hold of a cause.
func (g *gate) holds(cause Cause) bool { return g.hold != nil && g.hold.Cause == cause }

// probes tells whether a job is the probe of the hold in force.
func (g *gate) probes(j *job) bool { return j != nil && g.probe == j }

// fault is why a hold begins or goes on.
type fault struct {
	cause      Cause
	status     int
	code       string
	retryAfter time.Duration
}

// hold begins a hold, or keeps it up after a failed probe. What fails besides the
// probe was sent before the hold and says nothing new, save a later Retry-After.
// Called with mu held; j is the job that failed, nil for none.
func (c *Creator) hold(f fault, j *job) {
	now := time.Now()
	if f.cause == HoldThrottle {
		c.budget.block(now.Add(f.retryAfter))
	}
	g := &c.gate
	fresh, probe := g.hold == nil, g.probes(j)
	if fresh {
		g.backoff.Reset()
		g.hold, g.told = &Hold{}, false
		c.tellLater(g.hold)
	}
	if fresh || probe {
		g.hold.Until = now.Add(min(g.backoff.NextBackOff(), c.cfg.BackoffMax))
	}
	g.hold.Until = later(g.hold.Until, now.Add(f.retryAfter))
	if !fresh && !probe {
		return
	}
	c.countHold(now)
	changed := fresh || g.hold.Cause != f.cause
	if changed {
		c.meter.held(g.hold.Cause, false)
		g.hold.Cause, g.hold.Since = f.cause, now
		c.meter.held(f.cause, true)
	}
	g.hold.Status, g.hold.Code, g.hold.Advice = f.status, f.code, advice(f)
	if changed && (g.told || !f.fleeting()) {
		c.tellHold()
	}
}

// tellAfter is how long a fleeting hold lasts before it is told.
const tellAfter = time.Second

// fleeting tells whether holds of a fault come and go many times a minute under a CRM that
// fails now and then: one is news only when it lasts.
func (f fault) fleeting() bool {
	switch f.cause {
	case HoldOutage, HoldThrottle:
		return true
	case HoldCredentials:
		return !outcome{status: f.status, code: f.code}.blamesKey()
	}
	return false
}

// tellLater tells a hold if it lasts.
func (c *Creator) tellLater(h *Hold) {
	c.gate.tell = time.AfterFunc(tellAfter, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.gate.hold == h && !c.gate.told {
			c.tellHold()
		}
	})
}

// tellHold puts the hold in force into the log. Called with mu held.
func (c *Creator) tellHold() {
	h, level := c.gate.hold, zerolog.WarnLevel
	if h.Cause == HoldCredentials { // it does not end by itself
		level = zerolog.ErrorLevel
	}
	c.log.WithLevel(level).Str("cause", string(h.Cause)).Int("status", h.Status).Str("code", h.Code).
		Str("advice", h.Advice).Msg("CRM held")
	c.gate.told = true
}

// countHold adds the seconds since it was last asked to the hold's cause.
func (c *Creator) countHold(now time.Time) {
	if g := &c.gate; g.hold.Cause != "" {
		c.meter.heldFor.WithLabelValues(string(g.hold.Cause)).Add(max(0, now.Sub(later(g.counted, g.hold.Since)).Seconds()))
	}
	c.gate.counted = now
}

// release opens the gate.
func (c *Creator) release(why string) {
	g := &c.gate
	if g.hold == nil {
		return
	}
	now := time.Now()
	c.countHold(now)
	c.meter.held(g.hold.Cause, false)
	if g.told {
		c.log.Info().Str("cause", string(g.hold.Cause)).Dur("held_ms", now.Sub(g.hold.Since)).Msg(why)
	} else {
		g.tell.Stop()
	}
	g.hold, g.probe = nil, nil // what is on its way is no probe of the next hold
}

// advice says in a sentence what to do about a hold.
func advice(f fault) string {
	switch f.cause {
	case HoldPreparing:
		return "Nothing to do: the portal is being asked what it is."
	case HoldThrottle:
		return "Nothing to do: the CRM asked for a pause; lower CRM_REQUESTS_PER_MINUTE when it happens often."
	case HoldFlood:
		return "The CRM refuses every contact: read dlt-code and dlt-message of the newest dead letters, mend the mandatory field or default they name, and replay them."
	case HoldOriginField:
		return "The CRM does not keep our id: run leadbridge check --fix, or set CRM_ORIGIN_FIELD to a field that exists, or to none."
	case HoldOutage:
		return outageAdvice(f)
	}
	return credentialsAdvice(f)
}

func outageAdvice(f fault) string {
	switch {
	case f.status/100 == 3:
		return "CRM_BASE_URL redirects: set it to the address that answers by itself."
	case f.status != 0:
		return "The CRM does not answer as it should: look at its status page; delivery goes on by itself."
	}
	return "The CRM cannot be reached: look at CRM_BASE_URL, name resolution, proxy and network; delivery goes on by itself."
}

func credentialsAdvice(f fault) string {
	switch {
	case f.status == 404 || f.status == 405:
		return "The CRM does not know the address: set CRM_BASE_URL without /v1 and anything after it."
	case f.status == 402:
		return "The CRM wants to be paid: look at the portal's plan."
	case f.code == "TOKEN_MISSING" || f.code == "TOKEN_EXPIRED" || f.code == "TOKEN_REFRESH_FAILED":
		return "Give a new session in CRM_SESSION_TOKEN or its file; the file is read again by itself."
	case f.status == 403:
		return "The key may not make contacts: give it the scope crm and write access, and look at its rights and allowed addresses."
	}
	return "Give a working key in CRM_API_KEY or its file; the file is read again by itself."
}
