package main

import (
	"fmt"
	"time"

	"github.com/rs/zerolog"

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
	Keep    bool   `help:"Serve a playground after the audit, until Ctrl-C: a form, trouble in the CRM, dead letters, the CRM's cards. With --events=0 at once."`
	Port    int    `placeholder:"NUMBER" help:"Port of the playground on this machine. By default a free one."`
	Logs    bool   `help:"Show the service's log on standard error, too."`

	sabotage func(*crmtest.Simulator) // for tests: spoils the outcome, which the audit must notice
}

// Help explains what the exit code means.
func (demoCommand) Help() string {
	return "The exit code is 0 only if an audit of broker and CRM accounts for every event."
}

// demoGrace is how long a demo may take to end after Ctrl-C.
const demoGrace = 10 * time.Second

// Run shows it all in this process.
func (c demoCommand) Run(p process) error {
	if faults := c.faults(); len(faults) > 0 {
		return faults
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
		Port:     c.Port,
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

// faults returns what is wrong with the flags.
func (c demoCommand) faults() (faults settings.Faults) {
	if c.Events < 0 || c.Events == 0 && !c.Keep {
		faults = append(faults, settings.Fault{Variable: "--events", Problem: "is too small", Remedy: "send at least 1, or with --keep 0 for the playground alone"})
	}
	switch {
	case c.Port < 0 || c.Port > 65535:
		faults = append(faults, settings.Fault{Variable: "--port", Problem: "is not a port", Remedy: "write a number from 1 to 65535"})
	case c.Port > 0 && !c.Keep:
		faults = append(faults, settings.Fault{Variable: "--port", Problem: "is of the playground, which there is not", Remedy: "give --keep, too"})
	}
	return faults
}
