package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/broker"
	"github.com/leadbridge/leadbridge/bench/internal/lead"
	"github.com/leadbridge/leadbridge/bench/internal/proc"
	"github.com/leadbridge/leadbridge/bench/internal/sim"
	"github.com/leadbridge/leadbridge/internal/audit"
)

// partitions of a topic.
const partitions = 4

// scene is a case with one contestant: a broker, a simulator, topics, a process, and the leads that were sent. One
// goroutine plays it.
type scene struct {
	c     trouble
	who   contestant
	short bool
	world world

	broker *broker.Broker
	sim    *sim.Simulator
	run    *proc.Process // nil: it does not run
	ready  string        // the line that it was ready with
	sent   []sentLead
	warm   int // contacts that were made before the case began

	mended time.Time // when the CRM's fault ended that every lead has to wait for; zero: there is none
	speed  speed
}

// sentLead is a lead that Kafka has acknowledged. Its number is its place in the list.
type sentLead struct {
	refused bool // by the CRM: a letter is right
	warm    bool // sent before the case began
	place   audit.Place
	value   string
	acked   time.Time
}

// play goes through a case and says what came of it.
func (o options) play(ctx context.Context, c trouble, who contestant) (outcome, error) {
	dir, err := os.MkdirTemp("", "leadbridge-peers-")
	if err != nil {
		return outcome{}, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	topic := "leadbridge-peers-" + c.Name + "-" + who.Name + "-" + rand.Text()[:8]
	s := &scene{c: c, who: who, short: o.short, world: world{topic: topic, dlt: topic + ".dlt", group: topic, requests: c.CRM, dir: dir, leadbridge: o.binary, itself: o.itself}}
	if s.broker, err = broker.Open(o.brokers); err != nil {
		return outcome{}, err
	}
	defer s.broker.Close()
	result, err := s.through(ctx)
	return result, errors.Join(err, s.end())
}

// through makes the world, plays, waits for what is still to come, and counts.
func (s *scene) through(ctx context.Context) (outcome, error) {
	if err := s.open(ctx); err != nil {
		return outcome{}, err
	}
	if err := s.c.play(ctx, s); err != nil {
		return outcome{}, errors.Join(err, s.failed())
	}
	if err := s.settle(ctx); err != nil {
		return outcome{}, err
	}
	err := s.run.Stop()
	s.run = nil
	if err != nil {
		return outcome{}, err
	}
	e, err := s.evidence(ctx)
	if err != nil {
		return outcome{}, err
	}
	result := e.judge()
	result.Speed = s.speed
	return result, nil
}

// open starts the simulator and the contestant, and waits until a lead of each partition has become a contact: what
// starting takes is not what is compared.
func (s *scene) open(ctx context.Context) error {
	var err error
	if s.sim, err = sim.Start(ctx, s.world.leadbridge, s.c.CRM); err != nil {
		return err
	}
	s.world.brokers, s.world.url = s.broker.Addrs, s.sim.URL
	if err := s.broker.Create(ctx, partitions, s.world.topic, s.world.dlt); err != nil {
		return err
	}
	if err := s.broker.CommitStart(ctx, s.world.group, s.world.topic, partitions); err != nil {
		return err
	}
	if err := s.start(ctx); err != nil {
		return err
	}
	if err := s.awaitOwner(ctx); err != nil {
		return err
	}
	if err := s.burst(ctx, partitions); err != nil {
		return err
	}
	for i := range s.sent {
		s.sent[i].warm = true
	}
	s.warm = partitions
	if err := s.await(ctx, 2*time.Minute, func(made int) bool { return made >= partitions }); err != nil {
		return fmt.Errorf("%s does not deliver: %w", s.who.Name, errors.Join(err, s.failed()))
	}
	return nil
}

// start starts the contestant. It runs until it is stopped, also when what made it start is over before.
func (s *scene) start(ctx context.Context) error {
	program, err := s.who.program(s.world)
	if err != nil {
		return err
	}
	s.run, s.ready, err = proc.Start(context.WithoutCancel(ctx), program)
	return err
}

// awaitOwner waits until the contestant has all partitions, where it tells: leadbridge looks up what was sent before it had
// them, as another one may have delivered it.
func (s *scene) awaitOwner(ctx context.Context) error {
	if s.who.owned == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errTooLong)
	defer cancel()
	for {
		n, err := s.who.owned(ctx, s.ready)
		if n == partitions || err != nil {
			return err
		}
		if err := s.pause(ctx, lookEvery); err != nil {
			return errors.Join(err, context.Cause(ctx))
		}
	}
}

// crash kills the contestant and starts it again a second later.
func (s *scene) crash(ctx context.Context) error {
	s.run.Kill()
	s.run = nil
	if err := s.pause(ctx, time.Second); err != nil {
		return err
	}
	return s.start(ctx)
}

// failed returns the error of a contestant that ended by itself.
func (s *scene) failed() error {
	if s.run == nil {
		return nil
	}
	return s.run.Failed()
}

// times cuts a count of a short run.
func (s *scene) times(n int) int {
	if s.short {
		return max(4, n/20)
	}
	return n
}

// pause waits.
func (s *scene) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return s.failed()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// lookEvery is how often a scene asks the simulator. The times of contacts are the simulator's and do not depend on it.
const lookEvery = 20 * time.Millisecond

// errTooLong says that what was waited for did not come.
var errTooLong = errors.New("it took too long")

// await asks the simulator how many contacts it has made until that is enough.
func (s *scene) await(ctx context.Context, limit time.Duration, enough func(made int) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errTooLong)
	defer cancel()
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		stats, err := s.sim.Stats(ctx)
		switch {
		case err == nil && enough(stats.Contacts):
			return nil
		case err != nil && ctx.Err() == nil:
			return err
		case s.failed() != nil:
			return s.failed()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// breakCRM has the simulator do wrong what is given, and nothing else.
func (s *scene) breakCRM(ctx context.Context, f faults) error {
	return s.sim.Put(ctx, "/_sim/faults", f)
}

// burst sends n good leads at once, over all partitions.
func (s *scene) burst(ctx context.Context, n int) error { return s.burstOf(ctx, n, false) }

// burstOf sends n leads at once, which the CRM refuses or not.
func (s *scene) burstOf(ctx context.Context, n int, refuse bool) error {
	const chunk = 1000 // a request to the broker takes a megabyte at most
	for n > 0 {
		for p := 0; p < partitions && n > 0; p++ {
			now := min(chunk, n, max(1, n/(partitions-p)))
			if err := s.send(ctx, p, now, refuse); err != nil {
				return err
			}
			n -= now
		}
	}
	return nil
}

// drip sends n good leads one at a time, every so often.
func (s *scene) drip(ctx context.Context, n int, every time.Duration) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for i := range n {
		if err := s.send(ctx, i%partitions, 1, false); err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return s.failed()
}

// send writes the next n leads to a partition.
func (s *scene) send(ctx context.Context, partition, n int, refuse bool) error {
	leads := make([]lead.Lead, n)
	for i := range leads {
		leads[i] = lead.New(len(s.sent) + i)
		if refuse {
			leads[i] = refused(leads[i])
		}
	}
	offset, err := s.broker.Write(ctx, s.world.topic, partition, leads)
	if err != nil {
		return err
	}
	acked := time.Now()
	for i, l := range leads {
		s.sent = append(s.sent, sentLead{refused: refuse, place: audit.Place{Partition: partition, Offset: offset + int64(i)}, value: l.Value, acked: acked})
	}
	return nil
}

// settle waits until the contestant has committed all leads, or the case's grace is over.
func (s *scene) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.c.Grace)
	defer cancel()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for s.failed() == nil {
		e, err := s.evidence(ctx)
		if err == nil && e.uncommitted() == 0 || ctx.Err() != nil {
			break // what is not delivered the figures tell
		}
		if err != nil {
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
	return s.failed()
}

// end stops everything and removes what the scene made. It works after the scene's context as well.
func (s *scene) end() error {
	var errs []error
	if s.run != nil {
		errs = append(errs, s.run.Stop())
	}
	if s.sim != nil {
		s.sim.Close()
		errs = append(errs, s.sim.Stop())
	}
	if s.broker.Embedded() {
		return errors.Join(errs...) // topics and groups end with it
	}
	ctx, cancel := context.WithTimeout(context.Background(), proc.ExitLimit)
	defer cancel()
	return errors.Join(append(errs, s.broker.Remove(ctx, s.world.group, s.world.topic, s.world.dlt))...)
}

// lines writes whole lines for several goroutines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) say(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintf(l.w, format+"\n", args...)
}
