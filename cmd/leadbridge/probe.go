package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/probe"
)

type probeCommand struct {
	settings.Probe `embed:""`

	Clean  bool   `help:"Measure nothing: delete the test records that a probe has left, after a crash."`
	Output string `enum:"text,json" default:"text" placeholder:"text|json" help:"text: for people. json: the profile for PORTAL_PROFILE, sim --profile and reports, without personal data, the key and the portal's name."`
}

// Help says what is done to the portal.
func (probeCommand) Help() string {
	return "Takes about a minute and 150 requests. Makes about 80 contacts, a lead and a deal, all named \"" + probe.Marker + "\", comments on them and, " +
		"where there is none of leadbridge's, a user field; deletes them all, also after Ctrl-C. Rules and robots of the portal see these records like any other. " +
		"Progress is on standard error. Exit code 1: it could not be measured to the end, or something is left in the portal."
}

// probeGrace is how long a probe may take to delete its records after Ctrl-C.
const probeGrace = 2 * time.Minute

// Run measures the portal, or deletes what was left in it.
func (c probeCommand) Run(p process) error {
	cfg, warnings, err := c.Parse()
	if err != nil {
		return err
	}
	for _, warning := range warnings {
		_, _ = fmt.Fprintln(p.stderr, "leadbridge: warning:", warning)
	}
	cfg.Version = versionText()
	cfg.Progress = func(step string) { _, _ = fmt.Fprintln(p.stderr, "leadbridge probe:", step) }
	ctx, stop := untilSignal(probeGrace, onStop{code: exitFailed, deadline: func() {
		_, _ = fmt.Fprintln(p.stderr, "leadbridge probe: test records may be left: run leadbridge probe --clean")
	}})
	defer stop()
	if c.Clean {
		return c.clean(ctx, p, cfg)
	}
	profile, err := probe.Run(ctx, cfg)
	if interrupted(ctx) {
		return c.interrupted(p, profile)
	}
	if len(profile.Left) > 0 && err == nil {
		err = fmt.Errorf("%s could not be deleted: look at the end of the table", counted(len(profile.Left), "test record"))
	}
	if len(profile.Unread) > 0 && err == nil {
		err = errors.New("test records may be left: run leadbridge probe --clean")
	}
	if profile.Requests > 0 {
		if err := c.print(p, profile); err != nil {
			return err
		}
	}
	return err
}

// interrupted names on standard error what could not be deleted after a signal, and returns the exit code.
func (probeCommand) interrupted(p process, profile probe.Profile) error {
	for _, one := range profile.Left {
		_, _ = fmt.Fprintf(p.stderr, "leadbridge probe: could not be deleted: %s %d. Delete it in the portal, or run leadbridge probe --clean.\n", one.Entity, one.ID)
	}
	for _, kind := range profile.Unread {
		_, _ = fmt.Fprintf(p.stderr, "leadbridge probe: %s may be left: run leadbridge probe --clean\n", kind)
	}
	if len(profile.Left)+len(profile.Unread) > 0 {
		return exitStatus(exitFailed)
	}
	return exitStatus(exitInterrupted)
}

func (c probeCommand) print(p process, profile probe.Profile) error {
	if c.Output == "json" {
		return printJSON(p.stdout, profile)
	}
	return profile.Write(p.stdout)
}

// clean deletes what was left. What could not be deleted makes the exit code 1, after a signal too.
func (c probeCommand) clean(ctx context.Context, p process, cfg probe.Config) error {
	done, err := probe.Clean(ctx, cfg)
	switch {
	case len(done.Left) > 0 && (err == nil || interrupted(ctx)):
		err = exitStatus(exitFailed)
	case interrupted(ctx):
		err = exitStatus(exitInterrupted)
	}
	if c.Output == "json" {
		if err := printJSON(p.stdout, done); err != nil {
			return err
		}
		return err
	}
	_, _ = fmt.Fprintf(p.stdout, "Deleted %s.\n", counted(done.Deleted, "test record"))
	for _, kind := range done.Unsure {
		_, _ = fmt.Fprintf(p.stdout, "Test records may be left among the %s: look-ups did not find all of them, and at most the newest ones were read. Search the portal for %q.\n", kind, probe.Marker)
	}
	for _, left := range done.Left {
		_, _ = fmt.Fprintf(p.stdout, "Could not be deleted: %s %d. Delete it in the portal.\n", left.Entity, left.ID)
	}
	return err
}
