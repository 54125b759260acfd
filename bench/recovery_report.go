package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
	"github.com/leadbridge/leadbridge/bench/internal/program"
	"github.com/leadbridge/leadbridge/bench/internal/table"
)

// recoveryReport is the report of a whole run, as in recovery.json.
type recoveryReport struct {
	Started  time.Time        `json:"started"`
	Version  string           `json:"version"`
	Machine  proc.Machine     `json:"machine"`
	Broker   string           `json:"broker"`
	Short    bool             `json:"short"` // counts were reduced, so that the figures cannot be compared
	Settings []string         `json:"settings,omitzero"`
	Results  []recoveryResult `json:"results"`
}

// publish writes the table, or the JSON, to w, and recovery.json into a directory.
func (r recoveryReport) publish(o options, w io.Writer) error {
	file, data, err := program.SaveJSON(o.out, "recovery.json", r)
	if err != nil {
		return err
	}
	if o.json {
		_, err = w.Write(data)
		return err
	}
	_, _ = fmt.Fprintf(w, "\nleadbridge %s, %s; load of the machine at the start %s; broker %s\n", r.Version, r.Started.Format(time.DateOnly), r.Machine.Load, r.Broker)
	if r.Short {
		_, _ = io.WriteString(w, "A SHORT RUN: counts were cut, its figures compare with nothing.\n")
	}
	_, _ = io.WriteString(w, "Waits are seconds from Kafka's acknowledgement to the contact; > is a wait that was not over.\n\n")
	once, repeated := split(byCase(r.Results))
	if len(once) > 0 {
		err = recoveryTable(once).Write(w, 1)
	}
	if len(repeated) > 0 {
		_, _ = io.WriteString(w, "\nCases that were played several times: the middle of the runs, and the worst.\n\n")
		err = errors.Join(err, repeatedTable(repeated).Write(w, 1))
	}
	_, _ = fmt.Fprintf(w, "\n%s\n", file)
	return err
}

// failure returns an error if a case could not be played, a lead has two contacts, or a lead is lost. Long waits are not
// a failure.
func (r recoveryReport) failure() error {
	var errs []error
	for _, res := range r.Results {
		if res.Error != "" {
			errs = append(errs, fmt.Errorf("case %s could not be played: %s", res.Case, res.Error))
		}
		if res.Twice > 0 || res.Lost > 0 {
			errs = append(errs, fmt.Errorf("case %s: %d leads have more than one contact, %d are lost", res.Case, res.Twice, res.Lost))
		}
	}
	return errors.Join(errs...)
}

// recoveryTable returns a table with a row for each case.
func recoveryTable(results []recoveryResult) table.Table {
	t := table.Table{{"case", "leads", "p50", "p90", "p99", "max", "undelivered", "letters", "wrong letters", "twice", "lost", "must be", "verdict"}}
	for _, r := range results {
		name := r.Case
		if r.Row != "" {
			name = r.Row + " " + name
		}
		verdict := missed
		if r.Met {
			verdict = boundReached
		}
		if r.Error != "" {
			t = append(t, []string{name, "", "", "", "", "", "", "", "", "", "", r.MustBe, notPlayed})
			continue
		}
		t = append(t, []string{
			name, fmt.Sprint(r.Leads), r.P50.String(), r.P90.String(), r.P99.String(), r.Max.String(), fmt.Sprint(r.Undelivered),
			fmt.Sprintf("%d of %d", r.LettersRight, r.Bad), fmt.Sprint(r.LettersWrong), fmt.Sprint(r.Twice), fmt.Sprint(r.Lost), r.MustBe, verdict,
		})
	}
	return t
}

// String returns a wait with three digits, or with all digits before the point.
func (s seconds) String() string {
	if s.AtLeast {
		return "> " + table.Short(s.Value)
	}
	return table.Short(s.Value)
}
