package main

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// speed is what a contestant did in a part of a case, and what it took. The zero value: it was not measured.
type speed struct {
	Seconds  float64 `json:"seconds"`
	Contacts int     `json:"contacts"`
	Rate     float64 `json:"contacts_per_second"`
	CPU      float64 `json:"cpu_microseconds_per_contact"`
	PeakRSS  float64 `json:"peak_rss_mib"` // from its start on
	Others   float64 `json:"others_share_of_machine"`
}

// moment is how things stood when the simulator had made so many contacts.
type moment struct {
	at      time.Time
	made    int
	usage   proc.Usage    // of the contestant
	ours    time.Duration // processor time of the simulator and of this process, with an embedded broker
	machine time.Duration // of all
}

// between is the speed from one moment to another on so many cores.
func between(from, to moment, cores int) speed {
	seconds, contacts := to.at.Sub(from.at).Seconds(), to.made-from.made
	s := speed{Seconds: seconds, Contacts: contacts, PeakRSS: float64(to.usage.Peak) / (1 << 20)}
	if seconds > 0 {
		s.Rate = float64(contacts) / seconds
		others := to.machine - from.machine - (to.ours - from.ours) - (to.usage.CPU - from.usage.CPU)
		s.Others = max(0, others.Seconds()) / (seconds * float64(cores))
	}
	if contacts > 0 {
		s.CPU = float64((to.usage.CPU - from.usage.CPU).Microseconds()) / float64(contacts)
	}
	return s
}

// measure measures until all that was sent is delivered, or for so long.
func (s *scene) measure(ctx context.Context, limit time.Duration) error {
	from, err := s.look(ctx)
	if err != nil {
		return err
	}
	err = s.await(ctx, limit, func(made int) bool { return made >= len(s.sent) })
	if err != nil && !errors.Is(err, errTooLong) {
		return err
	}
	to, err := s.look(ctx)
	s.speed = between(from, to, runtime.NumCPU())
	return err
}

// look asks how things stand.
func (s *scene) look(ctx context.Context) (moment, error) {
	stats, err := s.sim.Stats(ctx)
	m := moment{at: time.Now(), made: stats.Contacts}
	if err != nil {
		return m, err
	}
	if m.usage, err = proc.UsageOf(s.run.PID()); err != nil {
		return m, err
	}
	for _, pid := range []int{s.sim.PID(), os.Getpid()} {
		u, err := proc.UsageOf(pid)
		if err != nil {
			return m, err
		}
		m.ours += u.CPU
	}
	m.machine, err = proc.MachineCPU()
	return m, err
}
