package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// watch takes samples until the run is over.
func (t *trial) watch(ctx context.Context) error {
	if t.c.Trickle.Leads > 0 {
		return t.watchTrickle(ctx)
	}
	over := func(s sample) bool { return s.created >= t.c.Backlog }
	if t.c.timed() {
		over = func(s sample) bool {
			return s.created > 0 && s.at-firstContact(t.samples) >= t.c.WarmUp+t.c.Measure || s.created >= t.c.Backlog
		}
	}
	return t.look(ctx, over)
}

// watchTrickle takes samples while leads are sent one by one, and notes the delay of each lead.
func (t *trial) watchTrickle(ctx context.Context) error {
	dripCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	dripped := make(chan struct{})
	go func() {
		defer close(dripped)
		if err := drip(dripCtx, t.broker, t.topic, t.c.Trickle, &t.sent); err != nil {
			cancel(err)
		}
	}()
	err := t.look(dripCtx, func(s sample) bool { return s.created >= t.c.Trickle.Leads })
	if err != nil {
		err = errors.Join(err, context.Cause(dripCtx))
	}
	cancel(nil)
	<-dripped
	if err == nil && t.done() < t.c.Trickle.Leads {
		err = fmt.Errorf("%d of %d leads were delivered in %s", t.done(), t.c.Trickle.Leads, t.c.Limit)
	}
	if err != nil {
		return err
	}
	objects, err := made(ctx, t.sim, t.c.Target)
	t.delays = latencies(t.sent.all(), objects, t.c.Trickle.Skip)
	return err
}

// look polls until the run is over, or its time limit is reached.
func (t *trial) look(ctx context.Context, over func(sample) bool) error {
	ticker := time.NewTicker(t.c.Poll)
	defer ticker.Stop()
	for {
		done, err := t.poll(ctx, over)
		if err != nil || done {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// poll takes a sample if one is due, and reports whether the run is over.
func (t *trial) poll(ctx context.Context, over func(sample) bool) (done bool, err error) {
	for _, p := range t.services {
		if err := p.Failed(); err != nil {
			return false, err
		}
	}
	if t.stats, err = t.sim.Stats(ctx); err != nil {
		return false, err
	}
	s := sample{at: time.Since(t.began), created: t.done(), calls: t.stats.Calls, throttled: t.stats.Throttled}
	if err := t.profile(t.counts(s)); err != nil {
		return false, err
	}
	done = over(s) || s.at > t.c.Limit
	if n := len(t.samples); n > 0 && s.at-t.samples[n-1].at < t.c.Every/2 && !done {
		return false, nil
	}
	if err := t.weigh(&s); err != nil {
		return false, err
	}
	t.samples = append(t.samples, s)
	return done, nil
}

// done returns how many events of the trial have become their target.
func (t *trial) done() int { return done(t.stats, t.c.Target) }

// counts reports whether a sample lies in the part of the run that counts.
func (t *trial) counts(s sample) bool {
	switch {
	case t.c.timed():
		past := s.at - firstContact(t.samples)
		return s.created > 0 && past >= t.c.WarmUp && past < t.c.WarmUp+t.c.Measure
	case t.c.Trickle.Leads > 0:
		return s.created >= t.c.Trickle.Skip
	}
	return s.created >= t.c.Backlog/10 && s.created < t.c.Backlog-t.c.Backlog/10
}

// weigh adds the processor times and the memory of the services, and the processor times of all other processes.
func (t *trial) weigh(s *sample) error {
	if err := s.weigh(t.sim.PID()); err != nil {
		return err
	}
	for _, p := range t.services {
		u, err := proc.UsageOf(p.PID())
		if err != nil {
			return err
		}
		s.cpu += u.CPU
		s.rss = max(s.rss, u.RSS)
		t.peak = max(t.peak, u.Peak)
	}
	return nil
}
