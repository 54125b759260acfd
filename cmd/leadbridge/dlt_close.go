package main

import (
	"context"
	"errors"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/dlt"
)

type dltCloseCommand struct {
	Places []string `arg:"" optional:"" name:"partition:offset" help:"These letters."`

	settings.DeadLetters `embed:""`
	letterFilter         `embed:"" group:"Letters:"`

	Word   string `required:"" placeholder:"TEXT" help:"Why nothing is to be done, such as 'a test of ours': one line, without e-mail addresses and phone numbers."`
	DryRun bool   `name:"dry-run" help:"Write nothing; say how many letters would be closed."`
	Output string `enum:"text,json" default:"text" placeholder:"text|json" help:"For people, or one JSON object."`
}

// Help says what closing does.
func (dltCloseCommand) Help() string {
	return "A closed letter is not open any more: it is not counted as such, and a replay of all open letters leaves it. " +
		"dlt list --state closed shows it, with the word. A replay that names it by its place, or dlt replay --state closed, puts its event back all the same. " +
		"It needs letters to be named, by place or filter, and WRITE on the dead-letter topic."
}

// Run closes letters.
func (c dltCloseCommand) Run(p process) error {
	o := dlt.CloseOptions{Word: c.Word, DryRun: c.DryRun}
	var faults settings.Faults
	o.Filter, o.Places, faults = c.chosen(p.stderr, c.Places)
	if _, err := dlt.Word(c.Word); err != nil {
		faults = append(faults, settings.Fault{Variable: "--word", Problem: err.Error(), Remedy: "write one line, such as 'a test of ours'"})
	}
	if len(faults) > 0 {
		return faults
	}
	return withLetters(p, c.DeadLetters, func(ctx context.Context, t *dlt.Topic, _ settings.DeadLettersConfig) error {
		done, err := t.CloseLetters(ctx, o)
		if errors.Is(err, dlt.ErrCloseWhich) {
			return settings.Faults{{Variable: "dlt close", Problem: "does not say which letters", Remedy: "give places, or a filter such as --reason"}}
		}
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return printJSON(p.stdout, done)
		}
		out := reporter{w: p.stdout}
		verb := "Closed"
		if done.DryRun {
			verb = "Would close"
		}
		out.line("%s %s. Closed or replayed before: %d.", verb, counted(done.Letters, "letter"), done.Already)
		return out.err
	})
}
