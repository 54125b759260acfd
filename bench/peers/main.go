// Command peers compares leadbridge with other ways to bring the same events from Kafka into the same CRM: a naive
// consumer, and Bento or Redpanda Connect where they are given. ../README.md tells what each case is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
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
	return program.Status("peers", stderr, func(ctx context.Context) error { return run(ctx, args, stdout, stderr) })
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if slices.Equal(args, []string{naiveCommand}) {
		n, err := newNaive(os.Getenv)
		if err != nil {
			return err
		}
		return n.run(ctx, stderr)
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	return o.compare(ctx, stdout, stderr)
}

// options are what the command line says.
type options struct {
	binary   string
	itself   string // the executable of this program
	brokers  string // "": an embedded one for each scene
	out      string
	short    bool
	parallel int
	cases    []trouble
	peers    map[string]string // executables by name
	only     []string          // contestants; empty: all
}

// parse reads the command line.
func parse(args []string, stderr io.Writer) (options, error) {
	o := options{peers: map[string]string{}}
	var names []string
	f := flag.NewFlagSet("peers", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.StringVar(&o.binary, "binary", "bin/leadbridge", "the leadbridge `file` to measure; its simulator is the CRM of all")
	f.StringVar(&o.brokers, "brokers", os.Getenv("KAFKA_TEST_BROKERS"), "`host:port,…` of a Kafka; default: KAFKA_TEST_BROKERS, else one in this process")
	f.StringVar(&o.out, "out", "bench/results", "`directory` for peers.json")
	f.BoolVar(&o.short, "short", false, "cut all counts: a trial, whose figures compare with nothing")
	f.IntVar(&o.parallel, "parallel", 4, "`scenes` that are played at a time; those that measure speed are alone")
	f.Func("peer", "`name=file,…` of programs of others to measure beside: "+strings.Join(peers(), ", "), func(text string) error {
		files, err := peerFiles(text)
		maps.Copy(o.peers, files)
		return err
	})
	f.Func("only", "`name,…` of contestants; default: all", func(text string) error {
		o.only = append(o.only, strings.Split(text, ",")...)
		return nil
	})
	f.Func("case", "`name,…` of cases; default: all of\n"+listing(), func(text string) error {
		names = append(names, strings.Split(text, ",")...)
		return nil
	})
	if err := f.Parse(args); err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, fmt.Errorf("unknown argument %q: see --help", f.Arg(0))
	}
	if o.parallel < 1 {
		return o, errors.New("--parallel must be 1 or more")
	}
	var err error
	o.cases, err = choose(names)
	return o, err
}

// contestants are all that take part. It asks each for its version.
func (o options) contestants(ctx context.Context) ([]contestant, error) {
	out, err := exec.CommandContext(ctx, o.binary, "version").Output() //nolint:gosec // the program to measure is named by who measures
	if err != nil {
		return nil, fmt.Errorf("%s version: %w (make build)", o.binary, err)
	}
	all := ourselves(strings.TrimSpace(strings.TrimPrefix(string(out), "leadbridge ")))
	for _, name := range slices.Sorted(maps.Keys(o.peers)) {
		theirs, err := peer(ctx, name, o.peers[name])
		if err != nil {
			return nil, err
		}
		all = append(all, theirs...)
	}
	for _, name := range o.only {
		if !slices.ContainsFunc(all, func(c contestant) bool { return c.Name == name }) {
			return nil, fmt.Errorf("--only: there is no contestant %q; --peer adds those of others", name)
		}
	}
	if len(o.only) > 0 {
		all = slices.DeleteFunc(all, func(c contestant) bool { return !slices.Contains(o.only, c.Name) })
	}
	return all, nil
}

// compare plays each case with each contestant and tells what came out. A scene that fails does not keep others from
// being played.
func (o options) compare(ctx context.Context, stdout, stderr io.Writer) error {
	var err error
	if o.itself, err = os.Executable(); err != nil {
		return err
	}
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return err
	}
	r := report{Started: time.Now().UTC().Truncate(time.Second), Machine: proc.ThisMachine(), Broker: broker.Kind(o.brokers == ""), Short: o.short}
	if r.Contestants, err = o.contestants(ctx); err != nil {
		return err
	}
	r.Outcomes = make([]outcome, len(o.cases)*len(r.Contestants))
	progress := &lines{w: stderr}
	places := make(chan struct{}, o.parallel)
	var all sync.WaitGroup
	for i := range r.Outcomes {
		c, who := o.cases[i/len(r.Contestants)], r.Contestants[i%len(r.Contestants)]
		if ctx.Err() != nil {
			break
		}
		if c.Alone {
			all.Wait()
			r.Outcomes[i] = o.scene(ctx, c, who, progress)
			continue
		}
		places <- struct{}{}
		all.Go(func() {
			defer func() { <-places }()
			r.Outcomes[i] = o.scene(ctx, c, who, progress)
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(r.publish(o.out, stdout), r.failure())
}

// scene plays a case with a contestant and says so.
func (o options) scene(ctx context.Context, c trouble, who contestant, progress *lines) outcome {
	began := time.Now()
	progress.say("%s, %s: begins", c.Name, who.Name)
	result, err := o.play(ctx, c, who)
	result.Case, result.Contestant = c.Name, who.Name
	if err != nil {
		result.Error = err.Error()
		progress.say("%s, %s: NOT PLAYED: %v", c.Name, who.Name, err)
		return result
	}
	progress.say("%s, %s: done after %.0f s: %d of %d good leads have one contact, %d second contacts, %d lost, %d wrong letters", c.Name, who.Name, time.Since(began).Seconds(), result.Once, result.Good, result.Second, result.Lost, result.Wrong)
	return result
}
