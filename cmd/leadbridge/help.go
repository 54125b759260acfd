package main

import (
	"fmt"

	"github.com/alecthomas/kong"
)

type helpCommand struct {
	Command []string `arg:"" optional:"" help:"Words of the command, such as dlt replay; none: leadbridge itself."`
}

// Run shows the help of a command, as COMMAND --help does.
func (c helpCommand) Run(p process, k *kong.Kong) error {
	if _, err := k.Parse(append(c.Command, "--help")); err != nil { // else it has ended the program
		_, _ = fmt.Fprintf(p.stderr, "leadbridge: %v\nRun leadbridge --help for the commands.\n", err)
		return exitStatus(exitUsage)
	}
	return nil
}
