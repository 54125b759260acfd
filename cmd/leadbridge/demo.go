package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/term"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/demo"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

type demoCommand struct {
	Events  int    `default:"300" placeholder:"COUNT" help:"How many lead records to send."`
	Seed    uint64 `default:"1" placeholder:"NUMBER" help:"Seed of everything random: the leads and the CRM's faults."`
	Target  string `default:"contact" enum:"contact,lead,deal" placeholder:"contact|lead|deal" help:"What an event becomes."`
	Comment string `default:"off" enum:"off,on,both" placeholder:"off|on|both" help:"Where comments stand, as CRM_COMMENT says."`
	Match   bool   `help:"Some persons come back: one card a person, found by e-mail and phone, as CRM_MATCH=email,phone says."`
	Keep    bool   `help:"Leave it running with its HTTP endpoints after the audit, until Ctrl-C."`
	Logs    bool   `help:"Show the service's log on standard error, too."`

	sabotage func(*crmtest.Simulator) // spoils the outcome, for tests
}

// Help explains what the exit code means.
func (demoCommand) Help() string {
	return "The exit code is 0 only if an audit of broker and CRM accounts for every event."
}

// demoGrace is how long a demo may take to end after Ctrl-C.
const demoGrace = 10 * time.Second

// Run shows it all in this process.
func (c demoCommand) Run(p process) error {
	if c.Events < 1 {
		return settings.Faults{{Variable: "--events", Problem: "is too small", Remedy: "send at least 1"}}
	}
	ctx, stop := untilSignal(demoGrace, onStop{})
	defer stop()
	log := zerolog.Nop()
	if c.Logs {
		log = newLog(p.stderr, settings.LogConfig{Level: zerolog.DebugLevel})
	}
	target := crmclient.Target(c.Target)
	if target == crmclient.TargetContact {
		target = ""
	}
	accounted, err := demo.Run(ctx, demo.Config{
		Events:   c.Events,
		Seed:     c.Seed,
		Keep:     c.Keep,
		Out:      p.stdout,
		Terminal: isTerminal(p.stdout),
		Log:      log,
		Version:  versionText(),
		Target:   target,
		Comment:  crmclient.CommentMode(c.Comment),
		Match:    c.Match,
		Sabotage: c.sabotage,
	})
	switch {
	case err != nil && interrupted(ctx):
		return exitStatus(exitInterrupted)
	case err != nil:
		return fmt.Errorf("demo: %w", err)
	case !accounted:
		return exitStatus(exitFailed)
	}
	return nil
}

// isTerminal reports whether w can redraw a line.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
