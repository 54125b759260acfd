// Command mutants breaks the code on purpose, one line at a time, and looks whether the tests notice: each mutant of the
// list breaks one promise of the documentation. It writes which test caught which mutant into docs/mutants.md.
//
// The tree itself is not touched: the broken file is laid over it for the build alone (go help build, -overlay).
//
// A mutant that nobody catches is a hole in the tests. CONTRIBUTING.md says how to add one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		log.Fatal(err)
	}
}

// options are the flags.
type options struct {
	root    string
	only    string
	list    bool
	jobs    int
	timeout time.Duration
}

// reportFile is the report, below the root.
const reportFile = "docs/mutants.md"

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	var o options
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	flags.SetOutput(progress)
	flags.StringVar(&o.root, "root", ".", "root of the repository")
	flags.StringVar(&o.only, "only", "", "names of the mutants to try, or of files of the list (consumer), separated by commas; the others keep their rows in the report")
	flags.BoolVar(&o.list, "list", false, "list the mutants and try none")
	flags.IntVar(&o.jobs, "jobs", 1, "mutants to try at a time")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "longest run of one package's tests; a longer one hangs, which catches the mutant")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	rooms, err := load(filepath.Join(o.root, "mutants", "list"))
	if err != nil {
		return err
	}
	if o.list {
		return show(out, rooms)
	}
	chosen, err := choose(rooms, o.only)
	if err != nil {
		return err
	}
	l, err := newLab(o.root, o.timeout)
	if err != nil {
		return err
	}
	defer l.close()
	results := tryAll(ctx, l, chosen, o.jobs, progress)
	if err := ctx.Err(); err != nil {
		return err
	}
	control(ctx, l, results)
	if err := writeReport(filepath.Join(o.root, filepath.FromSlash(reportFile)), rooms, results); err != nil {
		return err
	}
	return verdict(results)
}

// show lists the mutants.
func show(out io.Writer, rooms []room) error {
	for _, r := range rooms {
		for _, m := range r.mutants {
			if _, err := fmt.Fprintf(out, "%-36s %s\n", m.Name, m.Promise); err != nil {
				return err
			}
		}
	}
	return nil
}

// choose returns the mutants of these names, or of the rooms of these names; all of them when only is "".
func choose(rooms []room, only string) ([]mutant, error) {
	var chosen []mutant
	var known []string
	names := strings.FieldsFunc(only, func(r rune) bool { return r == ',' })
	for _, r := range rooms {
		known = append(known, r.name)
		for _, m := range r.mutants {
			known = append(known, m.Name)
			if len(names) == 0 || slices.Contains(names, r.name) || slices.Contains(names, m.Name) {
				chosen = append(chosen, m)
			}
		}
	}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, fmt.Errorf("no mutant is called %q: -list shows all", name)
		}
	}
	return chosen, nil
}

// tryAll tries mutants, some at a time, and returns the results in their order.
func tryAll(ctx context.Context, l *lab, mutants []mutant, jobs int, progress io.Writer) []result {
	results := make([]result, len(mutants))
	next := make(chan int)
	var workers sync.WaitGroup
	var told sync.Mutex
	for range max(jobs, 1) {
		workers.Go(func() {
			for i := range next {
				results[i] = l.try(ctx, mutants[i])
				told.Lock()
				_, _ = fmt.Fprintf(progress, "%3d/%d  %-36s %s\n", i+1, len(mutants), mutants[i].Name, results[i])
				told.Unlock()
			}
		})
	}
	for i := range mutants {
		if ctx.Err() == nil {
			next <- i
		}
	}
	close(next)
	workers.Wait()
	return results
}

// verdict returns an error that names each mutant that is not as it should be.
func verdict(results []result) error {
	var faults []error
	for _, r := range results {
		if err := r.problem(); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", r.mutant.Name, err))
		}
	}
	return errors.Join(faults...)
}
