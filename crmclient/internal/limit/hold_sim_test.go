package limit

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// simEvent is an event on its way into a CRM that is down at times.
type simEvent struct {
	arrived, done time.Time
	poison, tried bool
	failed        int
	due           time.Time // of a tried one
}

// simFlight is a create on its way.
type simFlight struct {
	event      *simEvent
	left, ends time.Time
	who        Who // of a probe
}

// simDelivery delivers events one by one, as the verdicts of a Hold allow.
type simDelivery struct {
	t       *testing.T
	rng     *rand.Rand
	hold    *Hold
	fault   func(now time.Time) (f Fault, down bool)
	fresh   []*simEvent // oldest first
	tried   []*simEvent
	flights []simFlight
	all     []*simEvent

	probes    []time.Time // of fresh events, since the hold began
	heldTicks int
}

func (d *simDelivery) arrive(now time.Time, poison bool) {
	e := &simEvent{arrived: now, poison: poison}
	d.fresh, d.all = append(d.fresh, e), append(d.all, e)
}

func (d *simDelivery) land(now time.Time) {
	landed := slices.DeleteFunc(slices.Clone(d.flights), func(f simFlight) bool { return f.ends.After(now) })
	d.flights = slices.DeleteFunc(d.flights, func(f simFlight) bool { return !f.ends.After(now) })
	for _, f := range landed {
		e := f.event
		if fault, down := d.fault(f.left); !down && !e.poison {
			e.done = now
			if d.hold.Pass() {
				for _, other := range d.tried {
					other.due = now
				}
			}
			if _, held := d.hold.Held(); held {
				d.t.Fatalf("held after a pass at %v", now.Sub(noon))
			}
		} else {
			_, before := d.hold.Held()
			fresh := !e.tried
			d.hold.Fail(fault, Attempt{Fresh: fresh, Left: f.left}, now)
			if _, after := d.hold.Held(); after && !before {
				d.probes = nil
				if !fresh {
					d.t.Fatalf("a tried event's failure holds all at %v", now.Sub(noon))
				}
			}
			e.tried, e.due = true, now.Add(interval(e.failed, time.Second, time.Minute))
			e.failed++
			d.tried = append(d.tried, e)
		}
		d.hold.Landed(f.who)
	}
}

func (d *simDelivery) leave(e *simEvent, now time.Time, who Who) {
	d.fresh = slices.DeleteFunc(d.fresh, func(o *simEvent) bool { return o == e })
	d.tried = slices.DeleteFunc(d.tried, func(o *simEvent) bool { return o == e })
	ends := now.Add(time.Duration(100+d.rng.IntN(500)) * time.Millisecond)
	d.flights = append(d.flights, simFlight{e, now, ends, who})
}

func (d *simDelivery) send(now time.Time) {
	due := func(e *simEvent) bool { return !e.due.After(now) }
	if _, held := d.hold.Held(); !held {
		for len(d.fresh) > 0 {
			d.leave(d.fresh[0], now, Everybody)
		}
		if i := slices.IndexFunc(d.tried, due); i >= 0 {
			d.leave(d.tried[i], now, Everybody)
		}
		return
	}
	d.heldTicks++
	var youngest time.Time
	if n := len(d.fresh); n > 0 {
		youngest = d.fresh[n-1].arrived
	}
	who, at := d.hold.Next(now, youngest, len(d.fresh) > 0, slices.ContainsFunc(d.tried, due))
	if who == Nobody || at.After(now) {
		return
	}
	d.hold.Left(who, now)
	if who == Fresh {
		d.probes = append(d.probes, now)
		d.leave(d.fresh[len(d.fresh)-1], now, who)
		return
	}
	if len(d.fresh) > 0 {
		d.t.Fatalf("a tried event probes at %v while %d fresh ones wait", now.Sub(noon), len(d.fresh))
	}
	d.leave(d.tried[slices.IndexFunc(d.tried, due)], now, who)
}

const simTick = 50 * time.Millisecond

func (d *simDelivery) run(end time.Time, each time.Duration, poison float64) {
	next := noon
	for now := noon; now.Before(end); now = now.Add(simTick) {
		if !now.Before(next) {
			d.arrive(now, d.rng.Float64() < poison)
			next = now.Add(time.Duration(d.rng.ExpFloat64() * float64(each)))
		}
		d.land(now)
		d.send(now)
	}
}

func simHold(t *testing.T, seed uint64, fault func(now time.Time) (Fault, bool)) *simDelivery {
	return &simDelivery{t: t, rng: rand.New(rand.NewPCG(seed, 22)), hold: newHold(), fault: fault}
}

// One event in twenty fails each time, and nobody else waits for it.
func TestPoisonEventsKeepNobody(t *testing.T) {
	var waits []time.Duration
	for seed := range uint64(200) {
		d := simHold(t, seed, func(time.Time) (Fault, bool) { return Fault{Cause: Outage, Status: 500}, false })
		end := noon.Add(2 * time.Minute)
		d.run(end, 200*time.Millisecond, .05)
		for _, e := range d.all {
			if e.poison || e.arrived.After(end.Add(-10*time.Second)) {
				continue
			}
			if e.done.IsZero() {
				t.Fatalf("seed %d: a good event of %v was not delivered", seed, e.arrived.Sub(noon))
			}
			waits = append(waits, e.done.Sub(e.arrived))
		}
	}
	slices.Sort(waits)
	if p99 := waits[len(waits)*99/100]; p99 > 2*time.Second {
		t.Errorf("p99 %v", p99)
	}
	if longest := waits[len(waits)-1]; longest > 10*time.Second {
		t.Errorf("longest %v", longest)
	}
}

// Events that fail for themselves, then a good one each half minute.
func TestFailuresOfTriedEventsHoldNobody(t *testing.T) {
	for seed := range uint64(200) {
		d := simHold(t, seed, func(time.Time) (Fault, bool) { return Fault{Cause: Credentials, Status: 403}, false })
		for range 6 {
			d.arrive(noon, true)
		}
		first := len(d.all)
		d.run(noon.Add(10*time.Minute), 30*time.Second, 0)
		for _, e := range d.all[first : len(d.all)-1] {
			if wait := e.done.Sub(e.arrived); e.done.IsZero() || wait > 6*time.Second {
				t.Errorf("seed %d: a good event of %v waited %v", seed, e.arrived.Sub(noon), wait)
			}
		}
	}
}

// While the CRM is down a fresh event probes within five seconds of its arrival, or of the end of
// the probe in flight, and everything is open after the first pass.
func TestFreshEventsProbe(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 4))
		up := noon.Add(time.Duration(rng.IntN(600)) * time.Second)
		d := simHold(t, seed, func(now time.Time) (Fault, bool) { return outage, now.Before(up) })
		each := time.Duration(1+rng.IntN(60)) * time.Second
		d.run(up.Add(5*time.Minute), each, 0)
		for _, e := range d.all {
			if wait := e.done.Sub(e.arrived); e.arrived.After(up) && !e.done.IsZero() && wait > 7*time.Second {
				t.Errorf("seed %d: an event that arrived %v after the end of the outage waited %v", seed, e.arrived.Sub(up), wait)
			}
			// The wait of what is already there ends with a probe of BackoffMax at the latest.
			if late := e.done.Sub(up); e.arrived.Before(up) && (e.done.IsZero() || late > 80*time.Second) {
				t.Errorf("seed %d: an event of before was delivered %v after the outage", seed, late)
			}
		}
		for i := 1; i < len(d.probes); i++ {
			if gap, least := d.probes[i].Sub(d.probes[i-1]), min(5*time.Second, interval(i-1, d.hold.initial, d.hold.longest)); gap < least {
				t.Errorf("seed %d: probe %d left %v after the one before, want %v", seed, i, gap, least)
			}
		}
	}
}

// Sixty events that fail for themselves may begin a hold, but a new event leaves as it arrives.
func TestOldFailuresDoNotDelayNewEvents(t *testing.T) {
	for seed := range uint64(200) {
		d := simHold(t, seed, func(time.Time) (Fault, bool) { return outage, false })
		for range 60 {
			d.arrive(noon, true)
		}
		d.arrive(noon, false)
		d.run(noon.Add(5*time.Minute), 10_000*time.Hour, 0) // one more at noon, then none
		d.arrive(noon.Add(5*time.Minute), false)
		d.send(noon.Add(5 * time.Minute))
		if len(d.fresh) > 0 {
			t.Errorf("seed %d: a new event waits behind old failures", seed)
		}
	}
}
