package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/integration/internal/leads"
	"github.com/leadbridge/leadbridge/internal/audit"
	"github.com/leadbridge/leadbridge/transform"
)

// rounds plays rounds until there were enough events and kills, or something is wrong.
func (g *game) rounds(ctx context.Context, h *history) (verdict, error) {
	for {
		v, err := g.round(ctx, h)
		if err != nil || !v.good() {
			return v, err
		}
		if h.enough(g.o) {
			g.disband(ctx)
			g.readJournals() // what the last stop left behind
			v.breaches = g.book.found()
			return v, nil
		}
		g.portal.traffic.forget()
	}
}

// round is one round of blows, with its audit.
func (g *game) round(ctx context.Context, h *history) (verdict, error) {
	began, number := time.Now(), h.next()
	if err := g.beat(ctx, number); err != nil {
		return verdict{}, err
	}
	v, err := g.checkpoint(ctx, number)
	if err != nil {
		return v, err
	}
	kills, peak := g.book.turn()
	r := round{
		Number: number, Seed: g.o.seed, Target: g.o.target, Match: g.o.match, Began: began.UTC(), Seconds: time.Since(began).Seconds(),
		Kills: kills, Peak: peak, Rest: g.restingUsage(ctx), Good: v.good(),
	}
	v.history = h
	g.book.note("round %d: %d events so far in this run, audit passed: %v; the first member at rest has %v", number, v.audit.Counts.Events, r.Good, r.Rest)
	return v, h.add(r, v.audit)
}

// beat lets the blows of a round fall, while leads come in. All blows are made up for when it returns.
func (g *game) beat(ctx context.Context, number int) error {
	g.book.note("round %d; the CRM fails:%s", number, g.portal.newRates())
	ctx, cancel := context.WithTimeout(ctx, g.o.duration)
	defer cancel()
	var lanes sync.WaitGroup
	plan := newPlan(g.o.seed+uint64(number)<<32, g.o.duration, scope{stays: g.o.soaks(), clocks: g.o.clocks})
	began := time.Now()
	errs := make(chan error, len(plan))
	for _, actions := range plan {
		lanes.Go(func() {
			if err := g.follow(ctx, began, actions); err != nil {
				errs <- err
				cancel()
			}
		})
	}
	g.write(ctx)
	lanes.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	return all
}

// follow deals the blows of a lane, until ctx ends. A blow that took longer than planned, as a broker takes to start
// on a busy machine, makes those behind it later: what lies between two blows is as long as planned.
func (g *game) follow(ctx context.Context, began time.Time, actions []action) error {
	late := time.Duration(0)
	for _, a := range actions {
		rest(ctx, time.Until(began.Add(a.at+late)))
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the round is over
		}
		g.book.struck(a)
		if err := g.strike(ctx, a); err != nil {
			return err
		}
		late = max(late, time.Since(began)-a.at-a.lasts)
	}
	return nil
}

// hookShare says that one lead of so many comes by the gate.
const hookShare = 8

// write sends leads until ctx ends: steadily, and now and then many at once. It rests while too many wait.
func (g *game) write(ctx context.Context) {
	const tick = 100 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	due := 0.0
	for n := 0; ; {
		select {
		case <-ticker.C:
		case b := <-g.bursts:
			for _, l := range g.author.Burst(b) {
				g.sender.Send(l)
			}
			continue
		case <-ctx.Done():
			return
		}
		if g.backlog.Load() > int64(g.o.backlog) {
			continue
		}
		due += float64(g.o.rate) * tick.Seconds()
		if g.author.OneIn(50) {
			due += 2 * float64(g.o.rate)
		}
		for ; due >= 1; due-- {
			if n++; n%hookShare == 0 {
				g.hooks.send(context.WithoutCancel(ctx))
				continue
			}
			g.sender.Send(g.author.Next())
		}
	}
}

// checkpoint lets everything come to its end and audits all that came since the start.
func (g *game) checkpoint(ctx context.Context, number int) (verdict, error) {
	g.portal.calm()
	g.book.note("no more blows; the CRM only refuses what it must")
	if err := g.settle(ctx, func(n int) { g.sendGood(number, n) }); err != nil {
		return verdict{}, err
	}
	g.awaitHooks(ctx)
	acked, err := g.sender.Flush(ctx)
	if err != nil {
		return verdict{}, err
	}
	if err := g.settle(ctx, func(int) {}); err != nil {
		return verdict{}, err
	}
	if !g.o.soaks() {
		g.disband(ctx)
	}
	a, err := g.audit(ctx, acked)
	if err != nil {
		return verdict{}, err
	}
	g.readJournals()
	return verdict{audit: a, breaches: g.book.found(), effort: g.effort(), story: g.portal.traffic.story}, nil
}

// awaitHooks waits until the gate has taken all webhooks.
func (g *game) awaitHooks(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, g.o.settle)
	defer cancel()
	if !g.hooks.finish(ctx) {
		g.book.breach("the gate has not taken all webhooks %v after the last blow", g.o.settle)
	}
}

// disband stops the processes in order.
func (g *game) disband(ctx context.Context) {
	for _, s := range g.residents() {
		if !s.now().over() {
			s.stop(ctx)
		}
	}
}

// audit reads broker and CRM.
func (g *game) audit(ctx context.Context, acked map[int]int) (audit.Audit, error) {
	sim := g.portal.sim
	ev := leads.Evidence{
		Acked: acked, Target: g.o.target, Ordered: g.ordered, Match: g.o.matched(), Blind: matchBlind,
		Contacts: sim.Contacts(), Leads: sim.Records(crmtest.Leads), Deals: sim.Records(crmtest.Deals), Comments: sim.Records(crmtest.Timelines),
	}
	maps.Copy(ev.Acked, g.hooks.counts())
	for _, odd := range g.hooks.oddities() {
		g.book.breach("the gate: %s", odd)
	}
	var err error
	if ev.Records, err = g.cluster.topics.Read(ctx, topic); err != nil {
		return audit.Audit{}, err
	}
	if ev.Letters, err = g.cluster.topics.Read(ctx, letters); err != nil {
		return audit.Audit{}, err
	}
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB"})
	if err != nil {
		return audit.Audit{}, fmt.Errorf("audit: %w", err)
	}
	return leads.Account(ev, tr), nil
}

// effort tells what the run went through.
func (g *game) effort() string {
	stats := g.portal.sim.Stats()
	return fmt.Sprintf("blows:%s\nCRM: %d calls, %d batches, %d look-ups, %d queue timeouts; faults:%s\ngate: %d webhooks taken, sent again %d times; %v",
		g.book.dealt(), stats.Calls, stats.Batches, stats.Lookups, stats.QueueTimeouts, counted(stats.Faults),
		len(g.hooks.counts()), g.hooks.repeats(), g.replays)
}

// restingUsage is what the first member has now that nothing is to be done. In a soak it is the same process in
// each round.
func (g *game) restingUsage(ctx context.Context) usage {
	u, err := usageOf(ctx, g.slots[0].now())
	if err != nil {
		return usage{} // it was stopped, after the only round
	}
	return u
}
