// Command chaos kills, freezes, cuts off and slows down a group of leadbridge
// processes on a real Kafka, while the CRM fails in every way that the simulator
// knows, and then audits what came of it: each event is exactly one contact, lead, or deal
// with its contact, or dead letters of one event id.
//
// A run is one round of blows; a soak (-events, -kills) is one round behind the other, with the
// same processes, broker and CRM, and an audit after each.
//
// Leads, actions and faults follow from the seed. What the operating system
// makes of them does not: a seed repeats the blows, not each race.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/integration/internal/leads"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the audit found something, or the run broke
	exitUsage  = 2
)

// options of a run.
type options struct {
	binary     string
	before     string // the release before, which each consumer begins with; "": none
	target     crmclient.Target
	duration   time.Duration // of the blows of a round
	settle     time.Duration // most that may be needed after them
	seed       uint64
	rate       int // records a second
	backlog    int // records that may wait; beyond it no new ones come
	events     int // at least, before the last round ends; 0: any
	kills      int // the same
	brokers    int
	clocks     bool   // the clocks of the binary can be stepped
	dir        string // of the logs
	match      string // CRM_MATCH; persons come back unless it is off
	freshFirst string // FRESH_FIRST
	blind      string // fields and operators by which look-ups find nothing while the blows fall
}

// named are the targets that events name themselves. The release before may not know any.
func (o options) named() []crmclient.Target {
	if o.before != "" {
		return nil
	}
	return crmclient.Targets()
}

// matchOff is CRM_MATCH of runs in which nobody is looked for.
const matchOff = "off"

// matched is o.match as the audit takes it.
func (o options) matched() crmclient.Match {
	return crmclient.Match{Email: strings.Contains(o.match, "email"), Phone: strings.Contains(o.match, "phone")}
}

// leads are what the leads are made by.
func (o options) leads() leads.Options {
	return leads.Options{Targets: o.named(), PersonsReturn: o.matched().On()}
}

// soaks reports whether rounds follow each other until there was enough of all.
func (o options) soaks() bool { return o.events > 0 || o.kills > 0 }

// level is that of the processes' logs: a soak writes for hours.
func (o options) level() string {
	if o.soaks() {
		return "info"
	}
	return "debug"
}

// again is the command that deals the same blows.
func (o options) again() string {
	if o.soaks() {
		return fmt.Sprintf("make soak TARGET=%s MATCH=%s EVENTS=%d KILLS=%d SEED=%d BROKERS=%d", o.target, o.match, o.events, o.kills, o.seed, o.brokers)
	}
	again := fmt.Sprintf("make chaos TARGET=%s MATCH=%s DURATION=%v SEED=%d BROKERS=%d", o.target, o.match, o.duration, o.seed, o.brokers)
	if o.freshFirst != "off" {
		again += " FRESH_FIRST=" + o.freshFirst
	}
	if o.blind != "" {
		again += fmt.Sprintf(" BLIND='%s'", o.blind)
	}
	return again
}

var errUsage = errors.New("wrong flags")

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) } //nolint:forbidigo // this is main

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parse(args, stderr)
	if err != nil {
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	verdict, err := play(ctx, o, stdout)
	if err != nil {
		_, _ = fmt.Fprintf(stderr, "chaos: %v\n", err)
		return exitFailed
	}
	_, _ = io.WriteString(stdout, verdict.text(o))
	if !verdict.good() {
		return exitFailed
	}
	return exitOK
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("chaos", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.binary, "binary", "bin/leadbridge", "the leadbridge to beat")
	f.StringVar(&o.before, "before", "", "the leadbridge of the release before: each consumer begins with it, and comes back as -binary")
	target := f.String("target", string(crmclient.TargetContact), "what an event becomes that does not say it itself: contact, lead or deal")
	f.StringVar(&o.match, "match", matchOff, "by what a contact of the same person is looked for: off, email, phone, or email,phone; unless it is off, persons come back")
	f.StringVar(&o.freshFirst, "fresh-first", "off", "FRESH_FIRST of the consumers")
	f.DurationVar(&o.duration, "duration", 2*time.Minute, "how long the blows of a round fall")
	f.DurationVar(&o.settle, "settle", 10*time.Minute, "most that may be needed after them")
	f.Uint64Var(&o.seed, "seed", 0, "of leads, blows and faults; 0: any")
	f.IntVar(&o.rate, "rate", 30, "records a second")
	f.IntVar(&o.brokers, "brokers", 1, "brokers of the cluster, of which one is dead at a time")
	f.IntVar(&o.backlog, "backlog", 3000, "records that may wait; beyond it no new ones come")
	f.IntVar(&o.events, "events", 0, "a soak: play rounds until there were so many events")
	f.IntVar(&o.kills, "kills", 0, "a soak: play rounds until so many processes were killed")
	f.BoolVar(&o.clocks, "clocks", false, "step the clocks of the processes too: -binary was built by ./clock")
	f.StringVar(&o.blind, "blind", "", "fields and operators, such as '$contains,phone', that the CRM takes and finds nothing by while the blows fall")
	f.StringVar(&o.dir, "dir", "", "where the logs go; a soak that was interrupted there goes on; \"\": a new directory")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if o.target = crmclient.Target(*target); !slices.Contains(crmclient.Targets(), o.target) {
		_, _ = fmt.Fprintf(stderr, "chaos: -target %q is not one of %v\n", *target, crmclient.Targets())
		return o, errUsage
	}
	if !slices.Contains([]string{matchOff, "email", "phone", "email,phone"}, o.match) || o.match != matchOff && (o.blind != "" || o.before != "") {
		_, _ = fmt.Fprintf(stderr, "chaos: -match %q is not one of off, email, phone, and email,phone, or stands beside -blind or -before\n", o.match)
		return o, errUsage
	}
	if o.seed == 0 {
		o.seed = keptSeed(o.dir)
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano()) % 1_000_000
	}
	if o.dir == "" {
		dir, err := os.MkdirTemp("", fmt.Sprintf("leadbridge-chaos-%d-", o.seed))
		if err != nil {
			_, _ = fmt.Fprintf(stderr, "chaos: %v\n", err)
			return o, err
		}
		o.dir = dir
	}
	if err := os.MkdirAll(o.dir, 0o750); err != nil {
		_, _ = fmt.Fprintf(stderr, "chaos: %v\n", err)
		return o, err
	}
	return o, nil
}
