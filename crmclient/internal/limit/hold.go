package limit

import "time"

const (
	// failuresToHold is how many requests of fresh events must fail in a row to hold all creates, if none
	// of the faults is proven.
	failuresToHold = 2
	// freshWait is the longest wait of a fresh event that arrived after the last probe left, counted from
	// the time when that probe left, even if it hangs.
	freshWait = 5 * time.Second
)

// Who says whose request may leave next under a [Hold].
type Who int

// The answers of [Hold.Next].
const (
	Nobody    Who = iota // a probe is in flight, or no event that may probe waits
	Everybody            // there is no hold: [Turn] decides
	Portal               // the portal is asked to describe itself; creates do not probe
	Fresh                // the youngest event without a judged create
	Tried                // an event of which a create failed before
)

// Hold says whether creates are held for everybody, and which probe may leave next. A hold begins by
// failures of fresh events, or by a proven fault of any event; other failures of tried events begin none. An
// event is fresh only once, so two failures of fresh events are those of different events. Probes of fresh
// events and those of tried events are scheduled apart: the failures of one lengthen only its own waits.
// Create it by [NewHold].
type Hold struct {
	initial, longest time.Duration // CRM_BACKOFF_INITIAL, CRM_BACKOFF_MAX

	failures int // failed requests of fresh events since the last pass
	held     bool
	fault    Fault
	since    time.Time // when the hold for this cause began
	begun    time.Time // when the hold began, whatever its cause was then
	pause    time.Time // end of the pause that the CRM asked for
	left     time.Time // when the latest of the failed requests was sent

	fresh, tried probes
	atOnce       bool // the next probe does not wait; false: it waits for its interval
}

// probes are the probes by fresh events, or those by tried events, under a hold.
type probes struct {
	inFlight int       // probes that were sent and have not ended
	failed   int       // probes that failed in a row
	left     time.Time // when the last probe was sent
	ended    time.Time // when the last probe failed; before that, when the hold began
}

// Status describes a [Hold] that is in force.
type Status struct {
	Fault Fault
	Since time.Time // when it began
	Left  time.Time // when the latest of the failed requests was sent
	Until time.Time // when a fresh event that already waits probes next; zero: at once
}

// NewHold returns a Hold that is not in force. The wait between two probes grows from initial to longest.
func NewHold(initial, longest time.Duration) *Hold {
	return &Hold{initial: initial, longest: longest}
}

// Held returns the hold in force, if there is one.
func (h *Hold) Held() (s Status, ok bool) {
	if !h.held {
		return Status{}, false
	}
	s = Status{Fault: h.fault, Since: h.since, Left: h.left}
	if !h.fault.asksPortal() && !h.atOnce {
		s.Until = h.freshAt(time.Time{})
	}
	return s, true
}

// Failing returns the hold in force or, if there is none, the failure of a fresh event since the last pass. ok
// is false if there is neither.
func (h *Hold) Failing() (s Status, ok bool) {
	if s, held := h.Held(); held {
		return s, true
	}
	return Status{Fault: h.fault, Since: h.since, Left: h.left}, h.failures > 0
}

// Fail notes that a create, or the request for the portal's description, failed. It reports whether a hold
// begins, or the hold in force gets another cause. A batch that failed as a whole is one failure.
func (h *Hold) Fail(f Fault, by Attempt, now time.Time) (changed bool) {
	h.left = later(h.left, by.Left)
	switch {
	case f.asksPortal(): // concerns everybody
	case h.held && by.Left.Before(h.begun):
		return false // the attempt left before the hold began and says nothing new
	case by.Fresh || f.Proven: // counts for everybody
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

// Pass notes that a create passed, or that the portal for which a hold waits is known. That ends the hold. It
// reports whether there was a hold, or a failure of a fresh event since the last pass: then events that back
// off may be tried again.
func (h *Hold) Pass() (opened bool) {
	opened = h.held || h.failures > 0
	*h = Hold{initial: h.initial, longest: h.longest}
	return opened
}

// Left notes that a probe leaves. who is what [Hold.Next] returned.
func (h *Hold) Left(who Who, now time.Time) {
	h.atOnce = false
	switch who {
	case Fresh:
		h.fresh.inFlight++
		h.fresh.left = now
	case Tried:
		h.tried.inFlight++
	}
}

// Landed notes that a probe has ended. Call it after [Hold.Fail] or [Hold.Pass].
func (h *Hold) Landed(who Who) {
	switch who {
	case Fresh:
		h.fresh.inFlight = max(0, h.fresh.inFlight-1)
	case Tried:
		h.tried.inFlight = max(0, h.tried.inFlight-1)
	}
}

// ProbeNow lets the next probe leave at once, as the fault may have been remedied: the key's file has
// changed, or a person asks for it. Without a hold it does nothing.
func (h *Hold) ProbeNow() { h.atOnce = h.held }

// Next returns whose request may leave next, and when; a time that is not after now means now. fresh and
// tried say whether such events wait, youngestFresh when the youngest fresh event arrived. There is one
// probe at a time, with two exceptions: a fresh event does not wait for the probe of a tried event, and it
// waits at most freshWait for a probe that left before it arrived.
func (h *Hold) Next(now, youngestFresh time.Time, fresh, tried bool) (who Who, at time.Time) {
	switch {
	case !h.held:
		return Everybody, now
	case h.fault.asksPortal():
		return Portal, now
	case h.atOnce && fresh:
		return Fresh, now
	case h.atOnce && tried:
		return Tried, now
	case fresh && (h.fresh.inFlight == 0 || h.hastens(youngestFresh)):
		return Fresh, h.freshAt(youngestFresh)
	case tried && h.fresh.inFlight+h.tried.inFlight == 0:
		return Tried, h.after(h.tried)
	}
	return Nobody, time.Time{}
}

// after returns when both the interval after the last probe and the pause that the CRM asked for have ended.
func (h *Hold) after(last probes) time.Time {
	return later(h.pause, last.ended.Add(interval(last.failed, h.initial, h.longest)))
}

// hastens reports whether a fresh event need not wait for the whole interval, because it arrived after the
// last probe left. If the fault names the key, it must: after too many requests with a bad key the CRM blocks
// the key.
func (h *Hold) hastens(arrived time.Time) bool {
	blamesKey := h.fault.Cause == Credentials && h.fault.Proven
	return arrived.After(h.fresh.left) && !blamesKey
}

// freshAt returns when a fresh event that arrived at a time may probe.
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
