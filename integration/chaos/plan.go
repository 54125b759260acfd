package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/integration/internal/leads"
)

// blow is one thing that is done to a target.
type blow string

// What is done to a consumer.
const (
	kill        blow = "kill"         // SIGKILL; started again after the time
	killBusy    blow = "kill-busy"    // the same, when a create of it is on its way
	terminate   blow = "terminate"    // SIGTERM; started again after the time
	freezeShort blow = "freeze-short" // SIGSTOP for less than the session, then SIGCONT
	freezeLong  blow = "freeze-long"  // SIGSTOP until others have its partitions, then SIGCONT
	freezeBlind blow = "freeze-blind" // the same, and it is cut off when it thaws: nobody can tell it what it has lost
	freezeKill  blow = "freeze-kill"  // SIGSTOP, then SIGKILL
	joinLeave   blow = "join-leave"   // a further one joins for the time, and leaves by SIGTERM
	joinKill    blow = "join-kill"    // the same, but it is killed
)

// What is done to a consumer's way to the broker.
const (
	slow       blow = "slow"        // each chunk of bytes is late
	cutLate    blow = "cut-late"    // nothing passes; after the time everything that was held does
	cutReset   blow = "cut-reset"   // nothing passes; after the time all connections are reset
	resetConns blow = "reset-conns" // all connections are reset
)

// What is done to the broker, and to the CRM.
const (
	brokerKill    blow = "broker-kill" // SIGKILL; started again, with its data, after the time
	crmCloses     blow = "crm-closes"  // connections are closed without an answer
	crmDown       blow = "crm-503"
	crmStrangers  blow = "crm-ignores-filters"
	crmFaultRates blow = "crm-new-rates" // the rates of the faults change
	crmForbids    blow = "crm-forbids"   // creates are answered 403, while look-ups work
	crmWriteFails blow = "crm-fails"     // creates are answered 500, while look-ups work
	crmNoDeals    blow = "crm-no-deals"  // the key may do nothing with deals
	crmNoContacts blow = "crm-no-contacts"
)

// What is done to the dead-letter topic, and with what lies in it.
const (
	lettersAway  blow = "letters-away"  // it takes no record
	replayAll    blow = "replay"        // all open letters are replayed
	replayMended blow = "replay-mended" // what the CRM refused is replayed with an edit that it takes
	replayKilled blow = "replay-kill"   // the same, and the replay is killed in its midst
)

// What is done to the keys of the CRM.
const keysRotate blow = "keys-rotate" // all are revoked; after the time every process has a new one

// What is done to the clock of a consumer. docs/exceptions.md excepts clocks that differ by more than a few
// seconds when one of them crashes.
const (
	clockAhead  blow = "clock-ahead"  // it is stepped forwards by up to clockStep, and back after the time
	clockBehind blow = "clock-behind" // the other way round
)

// clockStep is the most by which a clock is stepped.
const clockStep = 1500 * time.Millisecond

// kills reports whether a blow ends a process, or a broker, by SIGKILL for certain: a replay may have ended before.
func (b blow) kills() bool {
	return slices.Contains([]blow{kill, killBusy, freezeKill, joinKill, brokerKill}, b)
}

// action is a blow at its time.
type action struct {
	at     time.Duration // since the start
	target string
	blow   blow
	lasts  time.Duration
}

func (a action) String() string {
	return fmt.Sprintf("%s %s for %v", a.target, a.blow, a.lasts.Round(time.Millisecond))
}

// slot is the consumer whose path suffers.
func (a action) slot() string { return strings.Replace(a.target, "way", "member", 1) }

// lane is a target that takes one blow after another.
type lane struct {
	target string
	deck   []choice
	first  time.Duration // nothing happens before
	gap    bounds        // between the end of a blow and the next
}

// choice is a blow and how long it may last.
type choice struct {
	blow  blow
	lasts bounds
}

type bounds struct{ from, to time.Duration }

func (b bounds) draw(r *rand.Rand) time.Duration {
	return b.from + time.Duration(r.Int64N(int64(b.to-b.from)+1))
}

func seconds(from, to float64) bounds {
	return bounds{time.Duration(from * float64(time.Second)), time.Duration(to * float64(time.Second))}
}

// members is how many consumers there always are; the guest comes and goes.
const members = 3

// scope says what a plan may do.
type scope struct {
	stays  bool // nothing ends the first member: what it has grown by is seen after hours
	clocks bool // the processes' clocks can be stepped
}

// lanes are all targets. A cut outlasts the session at times, at others not.
func lanes(o scope) []lane {
	s := session.Seconds()
	all := []lane{
		{target: guest, first: 4 * time.Second, gap: seconds(2, 10), deck: []choice{
			{joinLeave, seconds(3, 15)}, {joinKill, seconds(3, 15)},
		}},
		{target: brokers, first: 10 * time.Second, gap: seconds(25, 40), deck: []choice{
			{brokerKill, seconds(0, 4)},
		}},
		{target: "crm", first: 3 * time.Second, gap: seconds(3, 7), deck: []choice{
			{crmCloses, seconds(0.5, 4)}, {crmDown, seconds(0.5, 4)}, {crmStrangers, seconds(0.5, 4)},
			{crmForbids, seconds(1, 6)}, {crmWriteFails, seconds(1, 6)}, {crmNoDeals, seconds(1, 5)}, {crmNoContacts, seconds(1, 3)},
		}},
		{target: letters, first: 8 * time.Second, gap: seconds(15, 25), deck: []choice{{lettersAway, seconds(2, 12)}}},
		{target: replay, first: 9 * time.Second, gap: seconds(2, 8), deck: []choice{
			{replayAll, seconds(0, 0.1)}, {replayMended, seconds(0, 0.1)}, {replayKilled, seconds(0.05, 1)},
		}},
		{target: secrets, first: 12 * time.Second, gap: seconds(15, 30), deck: []choice{{keysRotate, seconds(0, 3)}}},
		{target: gate, first: 7 * time.Second, gap: seconds(6, 14), deck: []choice{
			{kill, seconds(0, 2)}, {terminate, seconds(0, 1)}, {freezeShort, seconds(0.2, s)},
		}},
		{target: load, first: 6 * time.Second, gap: seconds(2, 6), deck: bursts()},
		{target: "crm-rates", first: 5 * time.Second, gap: seconds(6, 12), deck: []choice{{crmFaultRates, seconds(0, 0.1)}}},
	}
	freezes := []choice{{freezeShort, seconds(0.2, 0.7*s)}, {freezeLong, seconds(s+3, 2*s+3)}, {freezeBlind, seconds(s+3, 1.5*s+3)}}
	ends := []choice{{kill, seconds(0, 3)}, {killBusy, seconds(0, 0.2)}, {terminate, seconds(0, 3)}, {freezeKill, seconds(0.2, s)}}
	for i := range members {
		deck := slices.Concat(freezes, ends)
		if o.stays && i == 0 {
			deck = freezes
		}
		all = append(all,
			lane{target: member(i), first: 5 * time.Second, gap: seconds(4, 11), deck: deck},
			lane{target: way(i), first: 4 * time.Second, gap: seconds(5, 16), deck: []choice{
				{slow, seconds(2, 9)}, {cutLate, seconds(0.5, 2*s)}, {cutReset, seconds(0.5, 2*s)}, {resetConns, seconds(0, 0.1)},
			}})
	}
	if o.clocks {
		all = append(all, lane{target: clocks, first: 5 * time.Second, gap: seconds(2, 8), deck: []choice{{clockAhead, seconds(2, 12)}, {clockBehind, seconds(2, 12)}}})
	}
	return all
}

// bursts are the leads that come many at once.
func bursts() []choice {
	var deck []choice
	for _, b := range []leads.Burst{
		leads.RefusedBurst, leads.ForbiddenBurst, leads.PoisonBurst, leads.OneKeyBurst,
		leads.BulkyBurst, leads.UselessBurst, leads.RepeatedBurst, leads.DealsBurst,
	} {
		deck = append(deck, choice{blow: blow(b)})
	}
	return deck
}

// Targets that are there once.
const (
	load    = "load"
	replay  = "replay"
	secrets = "keys"
	clocks  = "clock"
	guest   = "guest"
	gate    = "gate"
	brokers = "broker"
)

func member(i int) string { return fmt.Sprintf("member-%d", i) }
func way(i int) string    { return fmt.Sprintf("way-%d", i) }

// newPlan draws what each target suffers until end. The decks are dealt whole
// before they are shuffled again, so that nothing is left out for long.
func newPlan(seed uint64, end time.Duration, o scope) map[string][]action {
	plan := map[string][]action{}
	for i, l := range lanes(o) {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		var deck []choice
		for at := l.first + l.gap.draw(r)/2; at < end; {
			if len(deck) == 0 {
				deck = slices.Clone(l.deck)
				r.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
			}
			a := action{at: at, target: l.target, blow: deck[0].blow, lasts: deck[0].lasts.draw(r)}
			deck = deck[1:]
			plan[l.target] = append(plan[l.target], a)
			at += a.lasts + l.gap.draw(r)
		}
	}
	return plan
}
