package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// sighting is when the simulator was first seen to hold so many contacts.
type sighting struct {
	at      time.Time
	created int
}

// sentTimes are when leads were handed to the broker's client, by their numbers.
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
func drip(ctx context.Context, b *broker, topic string, t trickle, sent *sentTimes) error {
	ticker := time.NewTicker(time.Second / time.Duration(t.PerSecond))
	defer ticker.Stop()
	for n := range t.Leads {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		sent.add(time.Now())
		if err := b.write(ctx, topic, n%partitions, []lead{newLead(n)}); err != nil {
			return err
		}
	}
	return nil
}

// latencies are the times from sending to creation of all leads from number skip on.
func latencies(sent []time.Time, contacts []simContact, seen []sighting, skip int) []time.Duration {
	var all []time.Duration
	for _, c := range contacts {
		if len(c.Email) == 0 {
			continue
		}
		n, ok := leadOf(c.Email[0].Value)
		created := createdAt(c, seen)
		if ok && n >= skip && n < len(sent) && !created.IsZero() {
			all = append(all, created.Sub(sent[n]))
		}
	}
	return all
}

// createdAt is when a contact was made: as the simulator says, when it tells fractions
// of a second, else when we first saw it, which is a moment later. Zero: never.
func createdAt(c simContact, seen []sighting) time.Time {
	if c.Created.Nanosecond() != 0 {
		return c.Created
	}
	for _, s := range seen {
		if s.created >= c.ID {
			return s.at
		}
	}
	return time.Time{}
}
