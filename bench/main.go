// Command bench measures the built leadbridge binary as a whole process, between a broker and a simulated CRM in another
// process. README.md says what each case measures.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/broker"
	"github.com/leadbridge/leadbridge/bench/internal/proc"
	"github.com/leadbridge/leadbridge/bench/internal/program"
)

func main() {
	os.Exit(status(os.Args[1:], os.Stdout, os.Stderr)) //nolint:forbidigo // main ends the process here, as everywhere
}

// status runs the program until it is done or a signal comes.
func status(args []string, stdout, stderr io.Writer) int {
	return program.Status("bench", stderr, func(ctx context.Context) error {
		if slices.Equal(args, []string{bareHandlerFlag}) {
			return serveBare(ctx, stderr)
		}
		return run(ctx, args, stdout, stderr)
	})
}

// run makes the measurement that the command line asks for.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	switch {
	case err != nil:
		return err
	case o.gate:
		return measureGate(ctx, o, stdout, stderr)
	case o.recovery:
		return measureRecovery(ctx, o, stdout, stderr)
	}
	return measure(ctx, o, stdout, stderr)
}

// options are the options of the command line.
type options struct {
	binary  string
	brokers string // "" for an embedded broker
	out     string
	short   bool
	cases   []trialCase
	env     []string // of the service, in addition to the variables of the case
	gate    bool     // measure leadbridge ingest, not deliveries

	recovery   bool // measure how long leads wait in trouble
	recoveries []recoveryCase
	parallel   int // how many cases of recovery are played at a time
	runs       int // how often each is played; 0 for the case's own number
	against    baseline
	json       bool // write the results of recovery as JSON, not as a table

	profile string // the directory for profiles; "" for none
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	var names []string
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.binary, "binary", "bin/leadbridge", "the leadbridge `file` to measure")
	f.StringVar(&o.brokers, "brokers", os.Getenv("KAFKA_TEST_BROKERS"), "`host:port,…` of a Kafka; default: KAFKA_TEST_BROKERS, else one in this process")
	f.StringVar(&o.out, "out", "bench/results", "`directory` for bench.json and bench.svg")
	f.BoolVar(&o.short, "short", false, "cut all times and counts: a trial, whose figures compare with nothing")
	f.BoolVar(&o.gate, "gate", false, "measure leadbridge ingest, beside a handler that does nothing, and not deliveries")
	f.BoolVar(&o.recovery, "recovery", false, "measure what good leads wait while others, or the CRM, are in trouble, and not throughput")
	f.IntVar(&o.parallel, "parallel", 8, "`cases` of --recovery that are played at a time")
	f.IntVar(&o.runs, "runs", 0, "`times` that each case of --recovery is played; default: 10 for the cases of recovery itself, once for the others")
	f.Func("against", "recovery.json `file` of an earlier run: with --recovery, fail when leads wait longer by more than half", func(file string) (err error) {
		o.against, err = readBaseline(file)
		return err
	})
	f.BoolVar(&o.json, "json", false, "with --recovery: write JSON, not a table")
	f.StringVar(&o.profile, "profile", "", "`directory` for CPU profiles of the service, which is built anew for that, from this source tree")
	f.Func("case", "`name` of a case to run, or a comma list; may be repeated; default: all of\n"+listing()+"\nwith --recovery all of\n"+recoveryListing(), func(text string) error {
		names = append(names, strings.Split(text, ",")...)
		return nil
	})
	f.Func("env", "`NAME=VALUE` for the service's environment; may be repeated", func(text string) error {
		if !strings.Contains(text, "=") {
			return errors.New("is not NAME=VALUE")
		}
		o.env = append(o.env, text)
		return nil
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q: see --help", f.Arg(0))
	}
	var err error
	if o.recovery {
		o.recoveries, err = chooseRecovery(names)
	} else {
		o.cases, err = choose(names, o.short)
	}
	if err == nil && o.parallel < 1 {
		err = errors.New("--parallel must be 1 or more")
	}
	if err == nil && o.runs < 0 {
		err = errors.New("--runs must be 1 or more")
	}
	return o, err
}

// measure runs the cases and writes the report. When a case fails, the others run nonetheless.
func measure(ctx context.Context, o options, stdout, stderr io.Writer) error {
	b, err := broker.Open(o.brokers)
	if err != nil {
		return err
	}
	defer b.Close()
	l := &lab{binary: o.binary, broker: b, env: o.env, profiles: o.profile, progress: stderr}
	if o.profile != "" {
		if l.binary, err = buildProfiled(ctx, o.profile); err != nil {
			return err
		}
	}
	r := report{Started: time.Now().UTC().Truncate(time.Second), Machine: proc.ThisMachine(), Broker: b.Kind(), Short: o.short, Profiled: o.profile != "", Settings: o.env}
	if r.Version, err = l.version(ctx); err != nil {
		return err
	}
	var failures []error
	for _, c := range o.cases {
		res, err := l.try(ctx, c)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			failures = append(failures, fmt.Errorf("case %s: %w", c.Name, err))
			continue
		}
		r.Results = append(r.Results, res)
	}
	r.Goals = judge(r.Results)
	return errors.Join(append(failures, r.publish(o.out, stdout))...)
}
