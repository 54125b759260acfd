package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/table"
)

// runs are the results of one case, at least one.
type runs []recoveryResult

// byCase groups results by case, in the order of the first result of each case.
func byCase(results []recoveryResult) []runs {
	var all []runs
	place := map[string]int{}
	for _, r := range results {
		i, ok := place[r.Case]
		if !ok {
			i = len(all)
			place[r.Case], all = i, append(all, nil)
		}
		all[i] = append(all[i], r)
	}
	return all
}

// split separates the cases that were played once from the others.
func split(cases []runs) (once []recoveryResult, repeated []runs) {
	for _, c := range cases {
		if len(c) == 1 {
			once = append(once, c[0])
		} else {
			repeated = append(repeated, c)
		}
	}
	return once, repeated
}

// figure is the middle and the worst of a wait in the runs of a case.
type figure struct{ P50, Worst seconds }

// figure returns the middle and the worst of a wait. If the number of runs is even, the middle is the lower of the two.
func (r runs) figure(of func(recoveryResult) seconds) figure {
	all := make([]wait, 0, len(r))
	for _, run := range r {
		s := of(run)
		all = append(all, wait{time.Duration(s.Value * float64(time.Second)), s.AtLeast})
	}
	slices.SortFunc(all, wait.compare)
	return figure{at(all, .5), at(all, 1)}
}

func firstWait(r recoveryResult) seconds    { return r.First }
func longestWait(r recoveryResult) seconds  { return r.Max }
func inFlightWait(r recoveryResult) seconds { return r.InFlightMax }

// sum returns the sum of a count over all runs.
func (r runs) sum(of func(recoveryResult) int) int {
	n := 0
	for _, run := range r {
		n += of(run)
	}
	return n
}

// verdict returns whether every run reached the goal.
func (r runs) verdict() string {
	verdict := boundReached
	for _, run := range r {
		switch {
		case run.Error != "":
			return notPlayed
		case !run.Met:
			verdict = missed
		}
	}
	return verdict
}

// repeatedTable returns a table with a row for each case.
func repeatedTable(cases []runs) table.Table {
	t := table.Table{{"case", "runs", "leads", "first, p50", "worst", "longest, p50", "worst", "in flight", "longest, p50", "worst", "undelivered", "wrong letters", "twice", "lost", "must be", "verdict"}}
	for _, r := range cases {
		first, longest := r.figure(firstWait), r.figure(longestWait)
		row := []string{
			r[0].Case, fmt.Sprint(len(r)), fmt.Sprint(r.sum(func(r recoveryResult) int { return r.Leads })),
			first.P50.String(), first.Worst.String(), longest.P50.String(), longest.Worst.String(), "", "", "",
		}
		if n := r.sum(func(r recoveryResult) int { return r.InFlight }); n > 0 {
			inFlight := r.figure(inFlightWait)
			row = append(row[:7], fmt.Sprint(n), inFlight.P50.String(), inFlight.Worst.String())
		}
		t = append(t, append(row,
			fmt.Sprint(r.sum(func(r recoveryResult) int { return r.Undelivered + r.BackgroundOpen })),
			fmt.Sprint(r.sum(func(r recoveryResult) int { return r.LettersWrong })),
			fmt.Sprint(r.sum(func(r recoveryResult) int { return r.Twice })),
			fmt.Sprint(r.sum(func(r recoveryResult) int { return r.Lost })),
			r[0].MustBe, r.verdict()))
	}
	return t
}

// baseline holds the results of an earlier run, by case; nil if there was none.
type baseline map[string]runs

// readBaseline reads the recovery.json of an earlier run.
func readBaseline(file string) (baseline, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var report recoveryReport
	if err := json.Unmarshal(data, &report); err != nil {
		return nil, fmt.Errorf("%s is not a recovery.json: %w", file, err)
	}
	b := baseline{}
	for _, r := range byCase(report.Results) {
		b[r[0].Case] = r
	}
	return b, nil
}

// A wait is worse than in the baseline when it is longer by half, and by more than worseSeconds, which a slightly busier machine
// explains.
const (
	worseTimes   = 1.5
	worseSeconds = .5
)

// compare returns an error that names each case in which leads wait longer than in the baseline. It compares the middles
// of the runs, as the worst of ten runs differs from night to night.
func (b baseline) compare(results []recoveryResult) error {
	var errs []error
	for _, r := range byCase(results) {
		before, ok := b[r[0].Case]
		if !ok {
			continue
		}
		then, now := before.figure(longestWait).P50, r.figure(longestWait).P50
		if !then.AtLeast && (now.AtLeast || now.Value > then.Value*worseTimes && now.Value > then.Value+worseSeconds) {
			errs = append(errs, fmt.Errorf("case %s: a good lead waits %s s, %s s in the baseline", r[0].Case, now, then))
		}
	}
	return errors.Join(errs...)
}
