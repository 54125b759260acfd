package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/broker"
	"github.com/leadbridge/leadbridge/bench/internal/proc"
	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// apiKey is a key that the simulator accepts.
const apiKey = "vibe_api_bench" //nolint:gosec // no secret: the simulator takes any

// lab holds what all trials share.
type lab struct {
	binary   string
	broker   *broker.Broker
	env      []string
	profiles string // the directory for profiles; "" for none
	progress io.Writer
}

func (l *lab) say(format string, args ...any) { _, _ = fmt.Fprintf(l.progress, format+"\n", args...) }

// version returns the version of the binary.
func (l *lab) version(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, l.binary, "version").Output() //nolint:gosec // the program to measure is named by who measures
	if err != nil {
		return "", fmt.Errorf("%s version: %w (make build)", l.binary, err)
	}
	return strings.TrimSpace(strings.TrimPrefix(string(out), "leadbridge ")), nil
}

// try measures a case: first the bare client, then the service, each with a simulator of its own.
func (l *lab) try(ctx context.Context, c trialCase) (result, error) {
	l.say("%s: %s", c.Name, c.Title)
	bare, err := l.bare(ctx, c)
	if err != nil {
		return result{}, err
	}
	t := &trial{lab: l, c: c, topic: "leadbridge-bench-" + c.Name + "-" + rand.Text()[:8]}
	err = t.run(ctx)
	err = errors.Join(err, t.end())
	if err != nil {
		return result{}, err
	}
	res, err := t.result(bare)
	if err == nil {
		l.say("  %.1f contacts/s", res.Rate)
	}
	return res, err
}

// bareResult is the result of the bare client.
type bareResult struct {
	rate   float64 // contacts a second; 0 if it did not run
	others float64 // which part of the machine other processes took
}

// bare runs the bare client.
func (l *lab) bare(ctx context.Context, c trialCase) (bareResult, error) {
	var res bareResult
	if c.Bare == 0 {
		return res, nil
	}
	requests, err := prepare(ctx, l.binary, c.Bare, c.Batch)
	if err != nil {
		return res, err
	}
	rounds := 1
	if c.Portal.Pace() == 0 {
		rounds = bareRounds
	}
	took := make([]time.Duration, rounds)
	for i := range took {
		w, err := l.bareRound(ctx, c, requests)
		if err != nil {
			return res, err
		}
		took[i], res.others = w.to.at, max(res.others, w.others(runtime.NumCPU()))
	}
	res.rate = float64(c.Bare) / quantile(took, .5).Seconds()
	l.say("  bare client: %.1f contacts/s", res.rate)
	return res, nil
}

// bareRounds is how often the bare client runs if the portal has no limits. As such a run takes only a second or two, the
// median counts.
const bareRounds = 3

// bareRound runs the bare client once, with a new simulator.
func (l *lab) bareRound(ctx context.Context, c trialCase, requests [][]byte) (w window, err error) {
	sim, err := sim.Start(ctx, l.binary, c.Portal)
	if err != nil {
		return w, err
	}
	defer func() { err = errors.Join(err, sim.Stop()) }()
	runtime.GC() // so that no garbage of before is collected during the run
	if err := w.from.weigh(sim.PID()); err != nil {
		return w, err
	}
	if w.to.at, err = post(ctx, sim.URL, requests, c.Batch > 1, c.Slots, c.Portal.Pace()); err != nil {
		return w, err
	}
	return w, w.to.weigh(sim.PID())
}

// trial is one run of the service. One goroutine owns it.
type trial struct {
	*lab
	c     trialCase
	topic string

	sim      *sim.Simulator
	services []*service
	began    time.Time

	samples []sample
	peak    int64 // the most memory that a service took, in bytes

	profiling bool
	stats     sim.Stats // the latest counts of the simulator
	sent      sentTimes
	delays    []time.Duration // from sending to creation, of the leads of a trickle
}

// run produces the load, starts the services and watches them to the end.
func (t *trial) run(ctx context.Context) (err error) {
	if t.sim, err = sim.Start(ctx, t.binary, t.c.Portal); err != nil {
		return err
	}
	if err := t.broker.Create(ctx, t.c.parts(), t.topic, t.deadLetters()); err != nil {
		return err
	}
	// A single service finds the load in the topic. For several, the load is produced when they have shared the
	// partitions, so that the rebalance is not measured.
	if t.c.Replicas == 1 {
		err = t.broker.Fill(ctx, t.topic, t.c.parts(), t.c.Backlog)
	}
	runtime.GC() // so that the service does not wait while the embedded broker's garbage is collected
	t.began = time.Now()
	for range t.c.Replicas {
		if err == nil {
			err = t.startService(ctx)
		}
	}
	if t.c.Replicas > 1 && err == nil {
		if err = t.shared(ctx); err == nil {
			err = t.broker.Fill(ctx, t.topic, t.c.parts(), t.c.Backlog)
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(t.watch(ctx), t.profiled(ctx))
}

func (t *trial) startService(ctx context.Context) error {
	env := append([]string{
		"KAFKA_BROKERS=" + strings.Join(t.broker.Addrs, ","), "KAFKA_TOPIC=" + t.topic, "KAFKA_DLT_TOPIC=" + t.deadLetters(),
		"KAFKA_GROUP_ID=" + t.topic,
		"CRM_BASE_URL=" + t.sim.URL, "CRM_API_KEY=" + apiKey,
		"CRM_BATCH_SIZE=" + strconv.Itoa(t.c.Batch), "CRM_SLOTS=" + strconv.Itoa(t.c.Slots),
		"CRM_REQUESTS_PER_MINUTE=" + strconv.Itoa(t.c.Portal.PerMinute), "CRM_REQUESTS_PER_SECOND=" + strconv.Itoa(t.c.Portal.PerSecond),
		"CRM_TARGET=" + cmp.Or(t.c.Target, "contact"), "CRM_MATCH=" + cmp.Or(t.c.Match, "off"),
		"HTTP_ADDR=127.0.0.1:0", "LOG_LEVEL=info",
		profileVariable + "=" + t.profileName(len(t.services)),
	}, t.env...)
	p, line, err := proc.Start(ctx, leadbridge(t.binary, "run", env))
	if err != nil {
		return err
	}
	var started struct{ HTTP string }
	if err := json.Unmarshal([]byte(line), &started); err != nil {
		return errors.Join(fmt.Errorf("the service's log: %w", err), p.Stop())
	}
	t.services = append(t.services, &service{p, proc.NewClient("http://" + started.HTTP)})
	t.say("  service is process %d", p.PID())
	return nil
}

func (t *trial) deadLetters() string { return t.topic + ".dlt" }

// end stops everything, and removes what the trial has made. It does not use the trial's context, which may have ended.
func (t *trial) end() error {
	var errs []error
	for _, p := range t.services {
		errs = append(errs, p.Stop())
	}
	if t.sim != nil {
		errs = append(errs, t.sim.Stop())
	}
	ctx, cancel := context.WithTimeout(context.Background(), proc.ExitLimit)
	defer cancel()
	if err := t.broker.Remove(ctx, t.topic, t.topic, t.deadLetters()); err != nil {
		t.say("  what the case made is still in Kafka: %v", err)
	}
	return errors.Join(errs...)
}
