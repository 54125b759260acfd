package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
)

type checkCommand struct {
	settings.Service `embed:""`

	Fix bool `help:"Make what is missing and can be made: the topics, and the user field for the event's id."`
}

// checkLimit bounds a check whatever hangs; each call has its own, shorter limit.
const checkLimit = 2 * time.Minute

// Run looks at everything that a start needs; exit code 1 when something would not work.
func (c checkCommand) Run(p process) error {
	cfg, err := c.Parse()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(interruptGrace, func() {})
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	failed, err := preflight(ctx, p.stdout, cfg, c.Fix)
	switch {
	case interrupted(ctx):
		return exitStatus(exitInterrupted)
	case err != nil:
		return err
	case failed > 0:
		_, _ = fmt.Fprintf(p.stdout, "\n%d of the checks failed. leadbridge run would start all the same, and hold while it cannot deliver; what a setting has to mend needs a restart.\n", failed)
		return exitStatus(exitFailed)
	}
	_, err = fmt.Fprintln(p.stdout, "\nReady: leadbridge run")
	return err
}

// preflight prints a line a check and counts those that failed.
func preflight(ctx context.Context, w io.Writer, cfg settings.Config, fix bool) (failed int, err error) {
	show := func(f consumer.Finding) {
		if f.Level == "fail" {
			failed++
		}
		_, _ = fmt.Fprintln(w, findingLine(f))
	}
	show(consumer.Finding{Check: "settings", Level: "ok", Detail: "all can be used"})
	for _, warning := range cfg.Warnings {
		show(consumer.Finding{Check: "settings", Level: "warn", Detail: warning})
	}
	for _, f := range consumer.Preflight(ctx, cfg.Consumer, fix) {
		show(f)
	}
	cfg.CRM.Log = zerolog.Nop()
	crm, err := crmclient.New(cfg.CRM)
	if err != nil {
		return failed, err
	}
	for _, f := range crm.Preflight(ctx, cfg.SourceID, fix) {
		show(consumer.Finding(f))
	}
	return failed, nil
}

// findingLine is one line: level, check, what was seen, and what to do about it.
func findingLine(f consumer.Finding) string {
	line := fmt.Sprintf("%-4s  %-18s  %s", strings.ToUpper(f.Level), f.Check, f.Detail)
	if f.Level == "ok" {
		line = fmt.Sprintf("%-4s  %-18s  %s", "ok", f.Check, f.Detail)
	}
	if f.Remedy != "" {
		line += " -> " + f.Remedy
	}
	return strings.ReplaceAll(line, "\n", " ")
}
