package service

import (
	"context"
	"os"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/sums"
	"github.com/leadbridge/leadbridge/statetopic"
)

// newStateTopic returns the topic that keeps what replicas do; nil when none is wanted.
func (s *Service) newStateTopic() (*statetopic.Topic, error) {
	cfg := s.cfg.Consumer
	if cfg.StateTopic == "" {
		return nil, nil
	}
	host := s.cfg.Host
	if host == "" {
		host, _ = os.Hostname() // statetopic has a name for a replica without one
	}
	return statetopic.New(statetopic.Config{
		Brokers: cfg.Brokers, Topic: cfg.StateTopic, Host: host, Version: s.cfg.Version, Started: s.monitor.Started,
		Read: s.reading, Log: s.cfg.Log, Metrics: s.registry,
	})
}

// runStateTopic begins to write what this process does. stop writes that it ends, for which it waits a second at most. The
// end of ctx does not stop it.
func (s *Service) runStateTopic(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.state.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// reading returns what this process has done, by the counters of /metrics, and what it does now.
func (s *Service) reading() statetopic.Reading {
	counts, status := sums.Gather(s.registry), s.monitor.Status()
	contacts := counts.By("leadbridge_contacts_total", "how")
	r := statetopic.Reading{
		Counts: statetopic.Counts{
			Created: int64(contacts["created"]), Found: int64(contacts["found"]), Matched: int64(contacts["matched"]),
			Letters:     int64(counts.Of("leadbridge_dead_letters_total")),
			HeldSeconds: counts.By("leadbridge_crm_hold_seconds_total", "cause"),
		},
		Now: statetopic.Now{
			State: string(status.State), InFlight: status.CRM.InFlight, Waiting: status.CRM.Waiting, Lag: status.Lag, LagSeconds: status.LagSeconds,
		},
	}
	for cause, seconds := range counts.By("leadbridge_consumer_hold_seconds_total", "cause") {
		r.HeldSeconds[cause] += seconds
	}
	delete(r.HeldSeconds, string(crmclient.HoldPreparing)) // every start has that hold for a moment
	for _, p := range status.Partitions {
		r.Partitions = append(r.Partitions, p.Partition)
	}
	if len(r.Partitions) == 0 {
		r.Lag, r.LagSeconds = nil, nil // the replicas that own partitions know them
	}
	for _, h := range status.Holds {
		if h.Cause != crmclient.HoldPreparing {
			r.Holds = append(r.Holds, string(h.Cause))
		}
	}
	return r
}
