package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"math"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

type dltReplayCommand struct {
	Places []string `arg:"" optional:"" name:"partition:offset" help:"Only the events of these letters."`

	settings.DeadLetters `embed:""`
	letterFilter         `embed:"" group:"Letters:"`
	Traces               settings.Tracing `embed:"" group:"Tracing:"`

	State      string  `group:"Letters:" enum:"open,closed" default:"open" placeholder:"STATE" help:"Only letters in this state: open or closed; ignored when places are given."`
	DryRun     bool    `name:"dry-run" help:"Write nothing; show what would go where, by reason."`
	Rate       float64 `default:"25" placeholder:"COUNT" help:"Events a second; 0: no limit. New leads wait behind those that are replayed."`
	MaxReplays int     `name:"max-replays" default:"3" placeholder:"COUNT" help:"Skip letters of events that were replayed this many times."`
	Edit       string  `placeholder:"JQ" help:"A jq program for each value as it was received, envelope included, such as '.phone |= sub(\"^0\"; \"+7\")'."`
	Erase      bool    `help:"The same as dlt erase: replay nothing, but forget the letters of --key or --event-id."`
	Output     string  `enum:"text,json" default:"text" placeholder:"text|json" help:"For people, or one JSON object at the end."`
}

// Help explains what a replay does.
func (dltReplayCommand) Help() string {
	return "Without filters: every open letter. A letter is replayed once, however often this runs and wherever it was killed; " +
		"its event keeps its identity and is looked up in the CRM before it is created. Of two replays at a time the later one continues and the earlier one ends. " +
		"Letters that are written while it runs are left to the next run. It needs WRITE on both topics and on the transactional id leadbridge-replay-KAFKA_DLT_TOPIC."
}

// Run replays or erases.
func (c dltReplayCommand) Run(p process) error {
	o, err := c.options(p.stderr)
	if err != nil {
		return err
	}
	traced, err := c.Traces.ParseTracing("leadbridge-dlt")
	if err != nil {
		return err
	}
	tracer, stop, err := startTracing(traced, newLog(p.stderr, settings.LogConfig{Console: true}))
	if err != nil {
		return err
	}
	defer stop()
	o.Tracer = tracer
	return withLetters(p, c.DeadLetters, func(ctx context.Context, t *dlt.Topic, cfg settings.DeadLettersConfig) error {
		if c.Erase {
			return eraseLetters(ctx, p, t, o.Filter, eraseOptions{c.DryRun, c.Output, "--erase"})
		}
		bar := newBar(p.stderr, "letters")
		o.Progress = bar.show
		o.Transformer = cfg.Transformer
		o.Unframe = func(l dlt.Letter) ([]byte, string) { return l.Unframed(cfg.Transformer) }
		report, err := t.Replay(ctx, o)
		bar.end()
		if err != nil && report.Letters+report.Already == 0 {
			return err // it failed before it had read the letters: there is nothing to report
		}
		if err := c.print(p.stdout, report, ctx.Err() != nil); err != nil {
			return err
		}
		if err == nil && report.Failed() > 0 {
			err = exitStatus(exitFailed)
		}
		return err
	})
}

func (c dltReplayCommand) options(stderr io.Writer) (dlt.ReplayOptions, error) {
	o := dlt.ReplayOptions{DryRun: c.DryRun, Rate: c.Rate, MaxReplays: c.MaxReplays}
	var faults settings.Faults
	fault := func(flag, problem, remedy string) {
		faults = append(faults, settings.Fault{Variable: flag, Problem: problem, Remedy: remedy})
	}
	o.Filter, o.Places, faults = c.chosen(stderr, c.Places)
	if c.State == "closed" && len(c.Places) == 0 {
		o.States = []dlt.State{dlt.StateClosed}
	}
	if c.Rate < 0 || math.IsNaN(c.Rate) || math.IsInf(c.Rate, 0) {
		fault("--rate", "is not a number of events", "write a number above 0, or 0 for no limit")
	}
	if c.MaxReplays < 1 {
		fault("--max-replays", "is too small", "write at least 1")
	}
	if c.Edit != "" {
		editor, err := transform.NewEditor(c.Edit)
		if err != nil {
			fault("--edit", err.Error(), "correct the jq program")
		}
		o.Edit = editor
	}
	if c.Erase && (c.Edit != "" || len(c.Places) > 0) {
		fault("--erase", "is given with --edit or places", "give it with --key or --event-id alone")
	}
	if len(faults) > 0 {
		return o, faults
	}
	return o, nil
}

func (c dltReplayCommand) print(w io.Writer, r dlt.Report, stopped bool) error {
	if c.Output == "json" {
		return printJSON(w, r)
	}
	out := reporter{w: w}
	verb := "Replayed"
	if r.DryRun {
		verb = "Would replay"
	}
	routed := 0
	for _, route := range r.Routes {
		routed += route.Letters
	}
	edited := ""
	if c.Edit != "" {
		edited = fmt.Sprintf(", %d of them edited", r.Edited)
	}
	out.line("%s %d of %s%s.", verb, routed, counted(r.Letters, "letter"), edited)
	for _, route := range r.Routes {
		out.line("  %-18s %6d  -> %s, partition %d", clean(route.Reason), route.Letters, clean(route.Topic), route.Partition)
	}
	switch r.Already {
	case 0:
	case 1:
		out.line("1 more was replayed before.")
	default:
		out.line("%d more were replayed before.", r.Already)
	}
	out.rejected(r)
	out.left(r.Left)
	if stopped {
		out.line("Stopped: run it again to continue; letters that were replayed are remembered.")
	}
	return out.err
}

// rejected says how many events would be rejected again, and why.
func (o *reporter) rejected(r dlt.Report) {
	if len(r.Rejected) == 0 {
		return
	}
	o.line("%d of them would be rejected again, before the CRM is asked:", r.StillRejected())
	for i, one := range r.Rejected {
		if i == maxLeftLines {
			o.line("  and more; --output json lists all")
			return
		}
		o.line("  %-18s %6d  %s, such as %s", clean(one.Reason), one.Letters, clean(cmp.Or(one.Message, "for other causes")), one.Place)
	}
}

// maxLeftLines is how many letters that were left are printed one by one.
const maxLeftLines = 20

// left prints the letters that were not replayed, and why.
func (o *reporter) left(left []dlt.Left) {
	if len(left) == 0 {
		return
	}
	if len(left) == 1 {
		o.line("1 was left where it is:")
	} else {
		o.line("%d were left where they are:", len(left))
	}
	for i, l := range left {
		if i == maxLeftLines {
			o.line("  and %d more; --output json lists all", len(left)-i)
			return
		}
		o.line("  %-9s %-14s %s", l.Place, l.Why, clean(l.Message))
	}
}
