package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
	"github.com/leadbridge/leadbridge/bench/internal/program"
	"github.com/leadbridge/leadbridge/bench/internal/table"
)

// report is a whole run, as peers.json holds it.
type report struct {
	Started     time.Time    `json:"started"`
	Machine     proc.Machine `json:"machine"`
	Broker      string       `json:"broker"`
	Short       bool         `json:"short"` // counts were cut: the figures compare with nothing
	Contestants []contestant `json:"contestants"`
	Outcomes    []outcome    `json:"outcomes"`
}

// publish writes the tables to w, and peers.json into a directory.
func (r report) publish(dir string, w io.Writer) error {
	file, _, err := program.SaveJSON(dir, "peers.json", r)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(w, "\n%s; %s, %d cores, %s, load %s at the start; broker %s\n", r.Started.Format(time.DateOnly), r.Machine.Processor, r.Machine.Cores, r.Machine.System, r.Machine.Load, r.Broker)
	for _, c := range r.Contestants {
		_, _ = fmt.Fprintf(w, "%s %s: %s\n", c.Name, c.Version, c.How)
	}
	if r.Short {
		_, _ = io.WriteString(w, "A SHORT RUN: counts were cut, its figures compare with nothing.\n")
	}
	for _, t := range []table.Table{speedTable(r.Outcomes), fateTable(r.Outcomes)} {
		if len(t) > 1 {
			_, _ = io.WriteString(w, "\n")
			err = errors.Join(err, t.Write(w, 2))
		}
	}
	_, _ = fmt.Fprintf(w, "\n%s\n", file)
	return err
}

// failure is the error of a run that shows what must never be: a case that could not be played, and a second contact, a
// lost lead or a wrong letter of leadbridge. What others do is their figure.
func (r report) failure() error {
	var errs []error
	for _, o := range r.Outcomes {
		if o.Error != "" {
			errs = append(errs, fmt.Errorf("%s could not be played with %s: %s", o.Case, o.Contestant, o.Error))
		}
		if o.Contestant == "leadbridge" && (o.Second > 0 || o.Lost > 0 || o.Wrong > 0) {
			errs = append(errs, fmt.Errorf("%s: leadbridge made %d second contacts, lost %d, and wrote %d wrong letters", o.Case, o.Second, o.Lost, o.Wrong))
		}
	}
	return errors.Join(errs...)
}

// disturbed is the part of a machine that other work may take beside what is measured.
const disturbed = .05

// speedTable shows a row for each measured speed.
func speedTable(outcomes []outcome) table.Table {
	t := table.Table{{"case", "program", "contacts/s", "CPU µs a contact", "peak RSS MiB", "note"}}
	for _, o := range outcomes {
		if o.Error != "" || o.Speed.Seconds == 0 {
			continue
		}
		note := ""
		if o.Speed.Others > disturbed {
			note = "other work took " + table.Percent(o.Speed.Others)
		}
		t = append(t, []string{o.Case, o.Contestant, table.Short(o.Speed.Rate), table.Short(o.Speed.CPU), table.Short(o.Speed.PeakRSS), note})
	}
	return t
}

// fateTable shows a row for each case that is about what becomes of leads.
func fateTable(outcomes []outcome) table.Table {
	t := table.Table{{"case", "program", "good leads", "one contact", "second contacts", "lost", "wrong letters", "not delivered", "letters", "p50 s", "max s", "first after s", "all after s"}}
	speeds := []string{"documented", "instant"}
	for _, o := range outcomes {
		switch {
		case o.Error != "":
			t = append(t, []string{o.Case, o.Contestant, "NOT PLAYED", "", "", "", "", "", "", "", "", "", ""})
			continue
		case slices.Contains(speeds, o.Case):
			continue
		}
		letters := ""
		if o.Refused > 0 {
			letters = fmt.Sprintf("%d of %d", o.Letters, o.Refused)
		}
		t = append(t, []string{
			o.Case, o.Contestant, fmt.Sprint(o.Good), fmt.Sprint(o.Once), fmt.Sprint(o.Second), fmt.Sprint(o.Lost), fmt.Sprint(o.Wrong), fmt.Sprint(o.Waiting), letters,
			table.Short(o.P50), table.Short(o.Max), table.Blank(o.First, table.Short), table.Blank(o.All, table.Short),
		})
	}
	return t
}
