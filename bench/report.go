package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/plot"
	"github.com/leadbridge/leadbridge/bench/internal/proc"
	"github.com/leadbridge/leadbridge/bench/internal/table"
)

// report is the report of a whole run, as in bench.json.
type report struct {
	Started  time.Time    `json:"started"`
	Version  string       `json:"version"`
	Machine  proc.Machine `json:"machine"`
	Broker   string       `json:"broker"`
	Short    bool         `json:"short"` // times were reduced, so that the figures cannot be compared
	Profiled bool         `json:"profiled,omitzero"`
	Settings []string     `json:"settings,omitzero"`
	Results  []result     `json:"results"`
	Goals    []goal       `json:"goals"`
}

// publish writes the tables to w, and bench.json and bench.svg into a directory.
func (r report) publish(dir string, w io.Writer) error {
	if len(r.Results) == 0 {
		return errors.New("no case came to a result")
	}
	if err := r.text(w); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	jsonFile, svgFile := filepath.Join(dir, "bench.json"), filepath.Join(dir, "bench.svg")
	var svg strings.Builder
	if err := plot.Write(&svg, r.caption(), r.panels()); err != nil {
		return err
	}
	err = errors.Join(
		os.WriteFile(jsonFile, append(data, '\n'), 0o600),
		os.WriteFile(svgFile, []byte(svg.String()), 0o600),
	)
	_, _ = fmt.Fprintf(w, "\n%s, %s\n", jsonFile, svgFile)
	return err
}

// disturbed is which part of the machine other processes may take before a run counts as disturbed.
const disturbed = .05

// text writes the report for people.
func (r report) text(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s\n%s, %d cores, %.0f GiB, %s, load %s at the start; timers fire %s ms late; broker %s\n",
		r.caption(), r.Machine.Processor, r.Machine.Cores, float64(r.Machine.Memory)/(1<<30), r.Machine.System, r.Machine.Load, table.Short(r.Machine.Lateness), r.Broker)
	if r.Short {
		b.WriteString("A SHORT RUN: times and counts were cut, its figures compare with nothing.\n")
	}
	if r.Profiled {
		b.WriteString("Profiled: the service took a little more processor time than it does alone.\n")
	}
	for _, res := range r.Results {
		if others := max(res.Others, res.BareOthers); others > disturbed {
			fmt.Fprintf(&b, "DISTURBED: other work took %s of the machine while %q was measured.\n", table.Percent(others), res.Title)
		}
	}
	b.WriteString("\n")
	err := figuresTable(r.Results).Write(&b, 1)
	b.WriteString("\n")
	if len(r.Goals) > 0 {
		err = errors.Join(err, goalsTable(r.Goals).Write(&b, 3))
	}
	_, writeErr := io.WriteString(w, b.String())
	return errors.Join(err, writeErr)
}

func (r report) caption() string {
	text := fmt.Sprintf("leadbridge %s, %s", r.Version, r.Started.Format(time.DateOnly))
	if r.Short {
		text += ", a short run"
	}
	return text
}

// panels returns the panels of the plot, one for each case.
func (r report) panels() []plot.Panel {
	var all []plot.Panel
	for _, res := range r.Results {
		p := plot.Panel{Title: res.Title, From: res.From, To: res.To, Note: table.Short(res.Rate) + " contacts/s"}
		for _, at := range res.Timeline {
			p.Points = append(p.Points, plot.Point{X: at.Second, Y: at.ContactsPerSecond})
		}
		if res.Ceiling > 0 {
			p.Levels = append(p.Levels, plot.Level{Y: res.Ceiling, Label: "ceiling"})
		}
		if res.Bare > 0 && res.Ceiling == 0 {
			p.Levels = append(p.Levels, plot.Level{Y: res.Bare, Label: "bare client"})
		}
		all = append(all, p)
	}
	return all
}
