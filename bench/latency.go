package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/broker"
	"github.com/leadbridge/leadbridge/bench/internal/lead"
	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// sentTimes are the times at which leads were passed to the broker's client, by their numbers.
type sentTimes struct {
	mu    sync.Mutex
	times []time.Time
}

func (s *sentTimes) add(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.times = append(s.times, t)
}

func (s *sentTimes) all() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clip(s.times)
}

// drip sends leads one at a time at an even pace.
func drip(ctx context.Context, b *broker.Broker, topic string, t trickle, sent *sentTimes) error {
	ticker := time.NewTicker(time.Second / time.Duration(t.PerSecond))
	defer ticker.Stop()
	for n := range t.Leads {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		sent.add(time.Now())
		if _, err := b.Write(ctx, topic, n%partitions, []lead.Lead{lead.New(n)}); err != nil {
			return err
		}
	}
	return nil
}

// latencies returns the times from sending to creation of the leads from number skip on.
func latencies(sent []time.Time, contacts []sim.Contact, skip int) []time.Duration {
	var all []time.Duration
	for _, c := range contacts {
		if len(c.Email) == 0 {
			continue
		}
		if n, ok := lead.Of(c.Email[0].Value); ok && n >= skip && n < len(sent) {
			all = append(all, c.Created.Sub(sent[n]))
		}
	}
	return all
}
