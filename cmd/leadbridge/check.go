package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/webhook"
)

type checkCommand struct {
	settings.Service `embed:""`

	SourcesFile string `name:"sources-file" env:"SOURCES_FILE" placeholder:"FILE" group:"Webhooks:" help:"The gate's sources file: topics and schemas that its sources name are looked at too, with the right to write the topics. Default: none."`

	Live []string `sep:"none" placeholder:"URL" help:"Also ask services that run what holds them: the address of their HTTP_ADDR, such as http://localhost:8080; may be given several times."`
	Fix  bool     `help:"Create what is missing: the topics, the user field for the event's id, and those of TRACKING_FIELDS."`
}

// checkLimit is the longest time for all checks, whatever hangs; each call has its own, shorter limit.
const checkLimit = 2 * time.Minute

// Run checks everything that a start needs; exit code 1 when something would not work.
func (c checkCommand) Run(p process) error {
	cfg, err := c.Parse()
	if err != nil {
		return err
	}
	cfg.Warnings = append(cfg.Warnings, p.warnings...)
	ctx, stop := untilSignal(interruptGrace, onStop{})
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	gate, err := gateOutput(c.SourcesFile)
	if err != nil {
		return err
	}
	failed, err := preflight(ctx, p.stdout, cfg, gate, c.Fix)
	failed += c.lookAtServices(ctx, p.stdout)
	switch {
	case interrupted(ctx):
		return exitStatus(exitInterrupted)
	case err != nil:
		return err
	case failed > 0:
		_, _ = fmt.Fprintf(p.stdout, "\n%d of the checks failed. leadbridge run would still start, and wait until it can deliver; a corrected setting needs a restart.\n", failed)
		return exitStatus(exitFailed)
	}
	_, err = fmt.Fprintln(p.stdout, "\nReady: leadbridge run")
	return err
}

// lookAtServices asks the running services of --live, prints what holds them, and returns how many things do.
func (c checkCommand) lookAtServices(ctx context.Context, w io.Writer) (failed int) {
	for _, url := range c.Live {
		for _, f := range liveFindings(ctx, url) {
			if f.Level == "fail" {
				failed++
			}
			_, _ = fmt.Fprintln(w, findingLine(f))
		}
	}
	return failed
}

// gateOutput returns what the sources of a file write; without a file it is nothing.
func gateOutput(file string) (webhook.Output, error) {
	if file == "" {
		return webhook.Output{}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return webhook.Output{}, settings.Faults{{Variable: "SOURCES_FILE", Problem: "cannot be read", Remedy: "name a file that this user may read"}}
	}
	output, err := webhook.OutputOf(text)
	if err != nil {
		return webhook.Output{}, settings.Faults{{Variable: "SOURCES_FILE", Problem: err.Error(), Remedy: "look at it with leadbridge ingest"}}
	}
	return output, nil
}

// preflight makes all checks, prints a line for each, and returns how many failed.
func preflight(ctx context.Context, w io.Writer, cfg settings.Config, gate webhook.Output, fix bool) (failed int, err error) {
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
	if len(gate.Topics) > 0 {
		for _, f := range consumer.PreflightWriting(ctx, cfg.Consumer, gate.Topics, fix) {
			show(f)
		}
	}
	for _, f := range slices.Concat(cfg.Schemas.Preflight(ctx, cfg.Consumer.Topic), cfg.Schemas.PreflightWriting(ctx, gate.Schemas)) {
		show(consumer.Finding(f))
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

// findingLine returns a line with level, check, what was seen, and what to do about it. Levels other than ok are in capitals.
func findingLine(f consumer.Finding) string {
	level := f.Level
	if level != "ok" {
		level = strings.ToUpper(level)
	}
	line := fmt.Sprintf("%-4s  %-18s  %s", level, f.Check, f.Detail)
	if f.Remedy != "" {
		line += " -> " + f.Remedy
	}
	return strings.ReplaceAll(line, "\n", " ")
}
