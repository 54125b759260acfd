// Command chaos kills, freezes, cuts off and slows down a group of leadbridge
// processes on a real Kafka, while the CRM fails in every way that the simulator
// knows, and then audits what came of it: each event is exactly one contact, or
// dead letters of one event id and no contact.
//
// Leads, actions and faults follow from the seed. What the operating system
// makes of them does not: a seed repeats the blows, not each race.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the audit found something, or the run broke
	exitUsage  = 2
)

// options of a run.
type options struct {
	binary   string
	duration time.Duration // of the blows
	settle   time.Duration // most that may be needed after them
	seed     uint64
	rate     int // records a second
	brokers  int
	dir      string // of the logs
}

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
	f.DurationVar(&o.duration, "duration", 2*time.Minute, "how long the blows fall")
	f.DurationVar(&o.settle, "settle", 5*time.Minute, "most that may be needed after them")
	f.Uint64Var(&o.seed, "seed", 0, "of leads, blows and faults; 0: any")
	f.IntVar(&o.rate, "rate", 30, "records a second")
	f.IntVar(&o.brokers, "brokers", 1, "brokers of the cluster, of which one is dead at a time")
	f.StringVar(&o.dir, "dir", "", "where the logs go; \"\": a new directory")
	if err := f.Parse(args); err != nil {
		return o, err
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
	return o, nil
}
