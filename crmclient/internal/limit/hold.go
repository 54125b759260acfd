package limit

import "time"

const (
	// failuresToHold is how many fresh events' requests must fail in a row to hold all creates,
	// when none of the faults speaks for all by itself.
	failuresToHold = 2
	// freshWait is how long after a probe left a fresh event that arrived since then waits at most,
	// even when the probe hangs.
	freshWait = 5 * time.Second
)

// Who is tried next under a [Hold].
type Who int

// The answers of [Hold.Next].
const (
	Nobody    Who = iota // a probe is in flight, or nothing that may probe waits
	Everybody            // there is no hold: see [Turn]
	Portal               // the portal is asked what it is; no create probes
	Fresh                // the youngest event without a judged create
	Tried                // an event of which a create failed before
)

// Hold says whether creates are held for everybody, and whose try is next. Only requests of fresh
// events speak for everybody, save for faults that are proven: what else a tried event meets begins
// no hold. Failures lengthen the wait of probes of their own kind only. An event is fresh once, so two failures of fresh requests are always those of different events.
// Create it by [NewHold].
type Hold struct {
	initial, longest time.Duration // CRM_BACKOFF_INITIAL, CRM_BACKOFF_MAX

	failures int // of fresh events' requests since the last pass
	held     bool
	fault    Fault
	since    time.Time // when the hold of this cause began
	begun    time.Time // when the hold began, whatever its cause was then
	pause    time.Time // until when the CRM asked for a pause
	left     time.Time // when the latest of the attempts left that failed

	fresh, tried probes
	now          bool // the next probe does not wait
}

// probes are those of one kind of event under a hold.
type probes struct {
	inFlight int
	failed   int
	left     time.Time // when the last was sent
	ended    time.Time // when the last failed, or the hold began
}

// Status describes a [Hold] that is in force.
type Status struct {
	Fault Fault
	Since time.Time // when it began
	Left  time.Time // when the latest of the attempts left that failed
	Until time.Time // when the next fresh event is tried that waits already; the zero time: at once
}

// NewHold returns a value that holds nothing. The wait between two probes grows from initial to
// longest.
func NewHold(initial, longest time.Duration) *Hold {
	return &Hold{initial: initial, longest: longest}
}

// Held returns the hold in force, if there is one.
func (h *Hold) Held() (s Status, ok bool) {
	if !h.held {
		return Status{}, false
	}
	s = Status{Fault: h.fault, Since: h.since, Left: h.left}
	if !h.fault.asksPortal() && !h.now {
		s.Until = h.freshAt(time.Time{})
	}
	return s, true
}

// Failing returns what creates meet since the last pass, whether it holds them or is, so far, a single
// failure of a fresh event.
func (h *Hold) Failing() (s Status, ok bool) {
	if s, held := h.Held(); held {
		return s, true
	}
	return Status{Fault: h.fault, Since: h.since, Left: h.left}, h.failures > 0
}

// Fail notes that a create, or the portal's description, failed. It reports whether that begins a
// hold, or gives the one in force another cause. A batch that failed as a whole is one failure.
func (h *Hold) Fail(f Fault, by Attempt, now time.Time) (changed bool) {
	h.left = later(h.left, by.Left)
	switch {
	case f.asksPortal(): // no event's failure
	case h.held && by.Left.Before(h.begun):
		return false // it left before the hold began and says nothing new
	case by.Fresh || f.Proven: // what is proven speaks for all, whoever met it
	default:
		if h.held {
			h.tried.fail(now)
		}
		return false
	}
	h.failures++
	if !h.held && !f.Proven && !f.asksPortal() && h.failures < failuresToHold {
		h.fault, h.since = f, now
		return false
	}
	changed = !h.held || h.fault.Cause != f.Cause
	if changed {
		h.since = now
	}
	switch {
	case !h.held:
		h.held, h.begun = true, now
		h.fresh, h.tried = probes{left: by.Left, ended: now}, probes{ended: now}
	case by.Fresh:
		h.fresh.fail(now)
	default:
		h.tried.fail(now)
	}
	h.fault = f
	h.pause = now.Add(min(f.RetryAfter, longestPause))
	return changed
}

func (p *probes) fail(now time.Time) {
	p.failed++
	p.ended = now
}

// Pass notes that a contact was created, or that the portal that a hold waits for is known. That
// ends every hold. It reports whether there was a hold or a failure of a fresh event since the last
// pass, so that what backs off may be tried again.
func (h *Hold) Pass() (opened bool) {
	opened = h.held || h.failures > 0
	*h = Hold{initial: h.initial, longest: h.longest}
	return opened
}

// Left notes that a probe leaves: who is what [Hold.Next] returned.
func (h *Hold) Left(who Who, now time.Time) {
	h.now = false
	switch who {
	case Fresh:
		h.fresh.inFlight++
		h.fresh.left = now
	case Tried:
		h.tried.inFlight++
	}
}

// Landed notes that a probe ended, however it did: after its failure or its pass was noted.
func (h *Hold) Landed(who Who) {
	switch who {
	case Fresh:
		h.fresh.inFlight = max(0, h.fresh.inFlight-1)
	case Tried:
		h.tried.inFlight = max(0, h.tried.inFlight-1)
	}
}

// ProbeNow lets the next probe leave at once, as the fault may have been remedied: the key's file
// changed, or somebody asks for it. Without a hold it does nothing.
func (h *Hold) ProbeNow() { h.now = h.held }

// Next returns who is tried next, and when: a time that is not after now means now. It is told
// whether fresh and tried events wait, and when the youngest fresh one arrived. There is one probe
// at a time, but no fresh event waits for a tried one's, nor longer than five seconds for a probe
// that left before it arrived.
func (h *Hold) Next(now, youngestFresh time.Time, fresh, tried bool) (who Who, at time.Time) {
	switch {
	case !h.held:
		return Everybody, now
	case h.fault.asksPortal():
		return Portal, now
	case h.now && fresh:
		return Fresh, now
	case h.now && tried:
		return Tried, now
	case fresh && (h.fresh.inFlight == 0 || h.hastens(youngestFresh)):
		return Fresh, h.freshAt(youngestFresh)
	case tried && h.fresh.inFlight+h.tried.inFlight == 0:
		return Tried, h.after(h.tried)
	}
	return Nobody, time.Time{}
}

// after returns when the interval after the last probe ends, and the pause that the CRM asked for.
func (h *Hold) after(last probes) time.Time {
	return later(h.pause, last.ended.Add(interval(last.failed, h.initial, h.longest)))
}

// hastens reports whether a fresh event need not wait for the whole interval: it arrived after the
// last probe left. A fault that names the key is different, as each request with a bad key is one
// more towards the key's block.
func (h *Hold) hastens(arrived time.Time) bool {
	return arrived.After(h.fresh.left) && !(h.fault.Cause == Credentials && h.fault.Proven)
}

// freshAt returns when a fresh event probes.
func (h *Hold) freshAt(arrived time.Time) time.Time {
	at := h.after(h.fresh)
	if !h.hastens(arrived) {
		return at
	}
	soon := h.fresh.left.Add(freshWait)
	if h.fault.Cause == Throttle {
		soon = later(soon, h.pause)
	}
	if h.fresh.inFlight > 0 {
		return soon
	}
	return earlier(at, soon)
}
