package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// blow is one thing that is done to a target.
type blow string

// What is done to a consumer.
const (
	kill        blow = "kill"         // SIGKILL; started again after the time
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
)

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

// lanes are all targets. A cut outlasts the session at times, at others not.
func lanes() []lane {
	s := session.Seconds()
	all := []lane{
		{target: guest, first: 4 * time.Second, gap: seconds(2, 10), deck: []choice{
			{joinLeave, seconds(3, 15)}, {joinKill, seconds(3, 15)},
		}},
		{target: brokers, first: 10 * time.Second, gap: seconds(25, 40), deck: []choice{
			{brokerKill, seconds(0, 4)},
		}},
		{target: "crm", first: 3 * time.Second, gap: seconds(4, 10), deck: []choice{
			{crmCloses, seconds(0.5, 4)}, {crmDown, seconds(0.5, 4)}, {crmStrangers, seconds(0.5, 4)},
		}},
		{target: "crm-rates", first: 5 * time.Second, gap: seconds(6, 12), deck: []choice{{crmFaultRates, seconds(0, 0.1)}}},
	}
	for i := range members {
		all = append(all,
			lane{target: member(i), first: 5 * time.Second, gap: seconds(4, 11), deck: []choice{
				{kill, seconds(0, 3)}, {kill, seconds(0, 0.2)}, {terminate, seconds(0, 3)},
				{freezeShort, seconds(0.2, 0.7*s)}, {freezeLong, seconds(s+3, 2*s+3)}, {freezeBlind, seconds(s+3, 1.5*s+3)}, {freezeKill, seconds(0.2, s)},
			}},
			lane{target: way(i), first: 4 * time.Second, gap: seconds(5, 16), deck: []choice{
				{slow, seconds(2, 9)}, {cutLate, seconds(0.5, 2*s)}, {cutReset, seconds(0.5, 2*s)}, {resetConns, seconds(0, 0.1)},
			}})
	}
	return all
}

// Targets that are there once.
const (
	guest   = "guest"
	brokers = "broker"
)

func member(i int) string { return fmt.Sprintf("member-%d", i) }
func way(i int) string    { return fmt.Sprintf("way-%d", i) }

// newPlan draws what each target suffers until end. The decks are dealt whole
// before they are shuffled again, so that nothing is left out for long.
func newPlan(seed uint64, end time.Duration) map[string][]action {
	plan := map[string][]action{}
	for i, l := range lanes() {
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
