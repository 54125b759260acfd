package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/broker"
	"github.com/leadbridge/leadbridge/bench/internal/crm"
	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// recoveryCase is a case of trouble, in which the waits of good leads are measured.
type recoveryCase struct {
	Name  string
	Row   string // the kind of trouble, which several cases may show
	Title string

	MustBe string                    // the goal, in words
	Met    func(recoveryResult) bool // reports whether it is reached

	CRM        crm.Config
	Partitions int
	Replicas   int
	NewGroup   bool          // the group has never committed anything
	Env        []string      // settings that differ from the defaults
	KeyFile    bool          // the key is in a file, which newKey replaces
	Letters    bool          // the case lasts until all bad leads are letters
	Runs       int           // how often it is played by default
	Grace      time.Duration // how long undelivered leads are waited for after Play has ended

	Play func(context.Context, *scene) error
}

// within returns the goal that 99 of 100 leads wait no longer than limit, and that all are delivered.
func within(limit time.Duration) func(recoveryResult) bool {
	return func(r recoveryResult) bool {
		return r.Leads > 0 && r.P99.Value <= limit.Seconds() && !r.P99.AtLeast && r.Undelivered == 0 && r.LettersWrong == 0
	}
}

// noWrongLetter is the goal that no good lead is a letter, and that all are delivered.
func noWrongLetter(r recoveryResult) bool { return r.LettersWrong == 0 && r.Undelivered == 0 }

// drained is the goal that every good lead is a contact, and every bad one a letter.
func drained(r recoveryResult) bool {
	return noWrongLetter(r) && r.BackgroundOpen == 0 && r.TroubledUndelivered == 0 && r.LettersRight == r.Bad
}

// measureRecovery plays the cases, several at a time, and writes the report.
func measureRecovery(ctx context.Context, o options, stdout, stderr io.Writer) error {
	l := &lab{binary: o.binary, env: o.env, progress: &lines{w: stderr}}
	r := recoveryReport{Started: time.Now().UTC().Truncate(time.Second), Machine: proc.ThisMachine(), Broker: broker.Kind(o.brokers == ""), Short: o.short, Settings: o.env}
	var err error
	if r.Version, err = l.version(ctx); err != nil {
		return err
	}
	if r.Results, err = l.playAll(ctx, o); err != nil {
		return err
	}
	return errors.Join(r.publish(o, stdout), r.failure(), o.against.compare(r.Results))
}

// playAll plays each case runsOf times, several plays at a time. The results of one case follow one another.
func (l *lab) playAll(ctx context.Context, o options) ([]recoveryResult, error) {
	var plays []recoveryCase
	for _, c := range o.recoveries {
		plays = append(plays, slices.Repeat([]recoveryCase{c}, o.runsOf(c))...)
	}
	results := make([]recoveryResult, len(plays))
	places := make(chan struct{}, o.parallel)
	var all sync.WaitGroup
	for i, c := range plays {
		places <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		all.Go(func() {
			defer func() { <-places }()
			results[i] = l.playCase(ctx, c, o)
		})
	}
	all.Wait()
	return results, ctx.Err()
}

// runsOf returns how often a case is played.
func (o options) runsOf(c recoveryCase) int {
	if o.runs > 0 {
		return o.runs
	}
	return max(1, c.Runs)
}

// lines lets several goroutines write whole lines.
type lines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// playCase plays a case once, and logs its result.
func (l *lab) playCase(ctx context.Context, c recoveryCase, o options) recoveryResult {
	began := time.Now()
	l.say("%s: %s", c.Name, c.Title)
	r, err := l.playScene(ctx, c, o)
	r.Case, r.Row, r.Title, r.MustBe = c.Name, c.Row, c.Title, c.MustBe
	r.Took = rounded(time.Since(began).Seconds(), 1)
	if err != nil {
		r.Error = err.Error()
		l.say("%s: NOT PLAYED: %v", c.Name, err)
		return r
	}
	r.Met = c.Met(r)
	l.say("%s: done after %.0f s: p99 %s, %d undelivered, %d wrong letters", c.Name, r.Took, r.P99, r.Undelivered, r.LettersWrong)
	return r
}

// playScene plays a case in a new scene, with a broker of its own unless the options name one.
func (l *lab) playScene(ctx context.Context, c recoveryCase, o options) (recoveryResult, error) {
	b, err := broker.Open(o.brokers)
	if err != nil {
		return recoveryResult{}, err
	}
	defer b.Close()
	own := *l
	own.broker = b
	s, err := newScene(ctx, &own, c, o.short)
	if err != nil {
		return recoveryResult{}, err
	}
	r, err := s.play(ctx)
	return r, errors.Join(err, s.end())
}

// play sends the leads and makes the trouble, waits for leads that are not delivered yet, and counts what became of all.
func (s *scene) play(ctx context.Context) (recoveryResult, error) {
	if err := s.c.Play(ctx, s); err != nil {
		return recoveryResult{}, errors.Join(err, s.failed())
	}
	if err := s.settle(ctx); err != nil {
		return recoveryResult{}, err
	}
	e, err := s.collect(ctx)
	if err != nil {
		return recoveryResult{}, err
	}
	r := e.audit()
	r.CRM = s.crm.Stats()
	return r, nil
}

// times returns n, or less in a short run.
func (s *scene) times(n int) int {
	if s.short {
		return max(2, n/5)
	}
	return n
}

// chooseRecovery returns the cases with these names; all cases if there are no names.
func chooseRecovery(names []string) ([]recoveryCase, error) {
	all := recoveryCases()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(c recoveryCase) bool { return c.Name == name }) {
			return nil, fmt.Errorf("there is no case %q of recovery; there are\n%s", name, recoveryListing())
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(c recoveryCase) bool { return !slices.Contains(names, c.Name) }), nil
}

// recoveryListing returns the names and titles of all cases, one on each line.
func recoveryListing() string {
	var b strings.Builder
	for _, c := range recoveryCases() {
		fmt.Fprintf(&b, "  %-17s %s\n", c.Name, c.Title)
	}
	return strings.TrimRight(b.String(), "\n")
}
