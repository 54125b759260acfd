package limit

import (
	"testing"
	"time"
)

var (
	outage   = Fault{Cause: Outage, Status: 503}
	offline  = Fault{Cause: Outage, Code: "NO_CONNECTION", Proven: true}
	badKey   = Fault{Cause: Credentials, Status: 401, Code: "INVALID_API_KEY", Proven: true}
	denied   = Fault{Cause: Credentials, Status: 403}
	throttle = Fault{Cause: Throttle, Status: 429, RetryAfter: 20 * time.Second, Proven: true}
)

func newHold() *Hold { return NewHold(500*time.Millisecond, time.Minute) }

func second(n float64) time.Time { return noon.Add(time.Duration(n * float64(time.Second))) }

// failedHold returns a hold in force at noon, after so many failed probes of fresh events, the last
// of which left and failed at noon.
func failedHold(f Fault, probes int) *Hold {
	h := newHold()
	for range probes + failuresToHold {
		h.Fail(f, Attempt{Fresh: true, Left: noon}, noon)
	}
	if f.Proven { // it was held by the first failure
		h.fresh.failed = probes
	}
	return h
}

func TestHoldBegins(t *testing.T) {
	const pass, tried, fresh = "pass", "tried", "fresh"
	for _, test := range []struct {
		name  string
		fault Fault
		steps []string
		held  bool
	}{
		{"one fresh failure", outage, []string{fresh}, false},
		{"two in a row", outage, []string{fresh, fresh}, true},
		{"a pass between", outage, []string{fresh, pass, fresh}, false},
		{"a tried failure between", outage, []string{fresh, tried, fresh}, true},
		{"tried failures only", outage, []string{tried, tried, tried, tried}, false},
		{"one fresh, many tried", denied, []string{fresh, tried, tried, tried}, false},
		{"two denied in a row", denied, []string{fresh, fresh}, true},
		{"the key is named", badKey, []string{fresh}, true},
		{"no connection", offline, []string{fresh}, true},
		{"throttled", throttle, []string{fresh}, true},
		{"a tried event's bad key", badKey, []string{tried}, true},
		{"the portal is not known", Fault{Cause: Preparing, Proven: true}, []string{fresh}, true},
		{"an id was not kept, by a tried event", Fault{Cause: OriginField}, []string{tried}, true},
		{"ended by a pass", throttle, []string{fresh, pass}, false},
	} {
		h := newHold()
		for _, step := range test.steps {
			if step == pass {
				h.Pass()
			} else {
				h.Fail(test.fault, Attempt{Fresh: step == fresh, Left: noon}, noon)
			}
		}
		s, held := h.Held()
		if held != test.held || held && s.Fault != test.fault {
			t.Errorf("%s: held %v by %+v", test.name, held, s.Fault)
		}
		if who, at := h.Next(noon, noon, true, true); !held && (who != Everybody || at.After(noon)) {
			t.Errorf("%s: not held, but %v at %v", test.name, who, at)
		}
	}
}

func TestHoldNext(t *testing.T) {
	hour := throttle
	hour.RetryAfter = time.Hour
	slow := outage
	slow.RetryAfter = time.Hour
	for _, test := range []struct {
		name   string
		fault  Fault
		probes int
		fresh  float64 // the youngest fresh event's arrival, in seconds from the last probe; 0: none
		tried  bool
		who    Who
		after  time.Duration
	}{
		{"first probe", outage, 0, -1, true, Fresh, 500 * time.Millisecond},
		{"third probe", outage, 2, -1, true, Fresh, 1125 * time.Millisecond},
		{"long since", outage, 30, -1, true, Fresh, time.Minute},
		{"long since, a new event", outage, 30, 1, true, Fresh, 5 * time.Second},
		{"the interval is shorter than that", outage, 0, 1, true, Fresh, 500 * time.Millisecond},
		{"asked to wait", slow, 0, -1, true, Fresh, 5 * time.Minute},
		{"asked to wait, a new event", slow, 0, 1, true, Fresh, 5 * time.Second},
		{"only tried ones", outage, 30, 0, true, Tried, 500 * time.Millisecond},
		{"nobody", outage, 30, 0, false, Nobody, 0},
		{"throttled", throttle, 0, 1, true, Fresh, 20 * time.Second},
		{"throttled for an hour", hour, 0, 1, true, Fresh, 5 * time.Minute},
		{"throttled for an hour, tried ones", hour, 0, 0, true, Tried, 5 * time.Minute},
		{"no connection, a new event", offline, 30, 1, false, Fresh, 5 * time.Second},
		{"denied, a new event", denied, 30, 1, false, Fresh, 5 * time.Second},
		{"bad key, a new event", badKey, 30, 1, false, Fresh, time.Minute},
		{"the portal is not known", Fault{Cause: Preparing}, 3, 1, true, Portal, 0},
		{"ids are not kept", Fault{Cause: OriginField}, 3, 1, true, Portal, 0},
	} {
		h := failedHold(test.fault, test.probes)
		who, at := h.Next(noon, second(test.fresh), test.fresh != 0, test.tried)
		if who != test.who || who != Nobody && at.Sub(noon).Truncate(time.Millisecond) != test.after {
			t.Errorf("%s: %v after %v, want %v after %v", test.name, who, at.Sub(noon), test.who, test.after)
		}
		h.ProbeNow()
		if who, at := h.Next(noon, second(test.fresh), test.fresh != 0, test.tried); who != test.who || at.After(noon) {
			t.Errorf("%s: %v at %v when probed at once", test.name, who, at)
		}
		h.Left(Fresh, noon)
		h.Landed(Fresh)
		if h.atOnce {
			t.Errorf("%s: probed at once twice", test.name)
		}
	}
}

func TestHoldHasOneProbeAtATime(t *testing.T) {
	for _, test := range []struct {
		name    string
		fault   Fault
		flying  Who
		arrived float64 // the youngest fresh event, in seconds from when the probe left; 0: none
		who     Who
		after   time.Duration
	}{
		{"beside a fresh probe", outage, Fresh, -1, Nobody, 0},
		{"younger than the fresh probe", outage, Fresh, 1, Fresh, 5 * time.Second},
		{"younger than a probe with a bad key", badKey, Fresh, 1, Nobody, 0},
		{"throttled", throttle, Fresh, 1, Fresh, 20 * time.Second},
		{"beside a tried probe", outage, Tried, -1, Fresh, 500 * time.Millisecond},
		{"tried beside a fresh probe", outage, Fresh, 0, Nobody, 0},
		{"tried beside a tried probe", outage, Tried, 0, Nobody, 0},
	} {
		h := failedHold(test.fault, 0)
		h.Left(test.flying, noon)
		who, at := h.Next(noon, second(test.arrived), test.arrived != 0, true)
		if who != test.who || who != Nobody && at.Sub(noon) != test.after {
			t.Errorf("%s: %v after %v", test.name, who, at.Sub(noon))
		}
		h.ProbeNow()
		if who, at := h.Next(noon, second(test.arrived), test.arrived != 0, true); who == Nobody || at.After(noon) {
			t.Errorf("%s: %v at %v when probed at once", test.name, who, at)
		}
		h.Left(test.flying, noon)
		h.Landed(test.flying)
		h.Landed(test.flying)
		if who, _ := h.Next(noon, second(-1), true, true); who != Fresh {
			t.Errorf("%s: %v after it ended", test.name, who)
		}
	}
}

// A fault that speaks for all does so whoever meets it, but each kind of probe waits for its own failures.
func TestHoldOfProvenFaultByTriedProbes(t *testing.T) {
	h := newHold()
	now := noon
	for n := range 5 {
		h.Fail(badKey, Attempt{Left: now}, now)
		who, at := h.Next(now, time.Time{}, false, true)
		if want := now.Add(interval(n, h.initial, h.longest)); who != Tried || !at.Equal(want) {
			t.Errorf("after %d failures: %v at %v, want %v", n+1, who, at, want)
		}
		if who, _ := h.Next(now, second(-1), true, true); who != Fresh {
			t.Errorf("after %d failures: %v before a fresh event", n+1, who)
		}
		now = at
		h.Left(Tried, now)
		h.Landed(Tried)
	}
	if _, at := h.Next(now, second(-1), true, true); at.After(now) {
		t.Errorf("a fresh event's probe waits for the failures of tried ones until %v", at)
	}
	h.Fail(throttle, Attempt{Left: now}, now)
	if s, _ := h.Held(); s.Fault != throttle {
		t.Errorf("the hold is %+v", s.Fault)
	}
}

// Neither what tried events meet nor what left before the hold began changes the interval.
func TestHoldIntervalGrowsByFreshProbesOnly(t *testing.T) {
	h := failedHold(outage, 3)
	at := func() time.Time {
		_, at := h.Next(noon, second(-1), true, true)
		return at
	}
	want := at()
	h.Fail(outage, Attempt{Left: second(1)}, second(2))
	h.Fail(outage, Attempt{Left: second(1)}, second(2))
	h.Fail(badKey, Attempt{Fresh: true, Left: second(-1)}, second(2))
	if got := at(); !got.Equal(want) {
		t.Errorf("the next probe moved from %v to %v", want, got)
	}
	if s, _ := h.Held(); s.Fault != outage {
		t.Errorf("the hold is now %+v", s.Fault)
	}
	_, tried := h.Next(noon, time.Time{}, false, true)
	if got := tried.Sub(second(2)); got != 1125*time.Millisecond {
		t.Errorf("the next tried probe is %v after two", got)
	}
	h.Fail(outage, Attempt{Fresh: true, Left: second(1)}, second(2))
	if got := at(); !got.Equal(second(2).Add(interval(4, h.initial, h.longest))) {
		t.Errorf("after one more failed probe: %v", got)
	}
}

func TestHoldChangesItsCause(t *testing.T) {
	h := newHold()
	step := func(f Fault, at float64, want bool) {
		t.Helper()
		if got := h.Fail(f, Attempt{Fresh: true, Left: second(at)}, second(at)); got != want {
			t.Errorf("%v at %v: changed %v", f.Cause, at, got)
		}
	}
	step(outage, 0, false)
	step(outage, 1, true)
	step(outage, 2, false)
	step(badKey, 3, true)
	if s, _ := h.Held(); s.Fault != badKey || !s.Since.Equal(second(3)) || !s.Until.After(second(3)) {
		t.Errorf("held %+v", s)
	}
	if opened := h.Pass(); !opened {
		t.Error("a pass did not open the hold")
	}
	if opened := h.Pass(); opened {
		t.Error("a pass opened nothing")
	}
	step(outage, 4, false)
	if opened := h.Pass(); !opened {
		t.Error("a pass after a failure does not say so")
	}
	h.ProbeNow()
	step(badKey, 5, true)
	if _, at := h.Next(second(5), second(5), true, false); !at.After(second(5)) {
		t.Error("an earlier wish to probe lives on in the next hold")
	}
}

func TestFaultFleeting(t *testing.T) {
	for _, f := range []Fault{outage, offline, throttle, denied} {
		if !f.Fleeting() {
			t.Errorf("%+v is not fleeting", f)
		}
	}
	for _, f := range []Fault{badKey, {Cause: Preparing}, {Cause: OriginField}, {Cause: Refusals}} {
		if f.Fleeting() {
			t.Errorf("%+v is fleeting", f)
		}
	}
}
