// Command leadbridge turns website lead events in Kafka into CRM contacts. It
// only composes: flags and environment become configurations, the packages of the
// module do the work, and what they return becomes an exit code.
package main

import (
	"io"
	"os"
)

func main() {
	os.Exit(run(os.Args[1:], process{
		lookupEnv: os.LookupEnv,
		environ:   os.Environ,
		stdin:     os.Stdin,
		stdout:    os.Stdout,
		stderr:    os.Stderr,
	}))
}

// process is what a command may touch of the process that it runs in.
type process struct {
	lookupEnv func(string) (string, bool)
	environ   func() []string // as NAME=value; nil: nothing is known of it
	warnings  []string        // of misspelt variables, for commands that keep a log or make a report
	stdin     io.Reader
	stdout    io.Writer
	stderr    io.Writer
}

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2 // wrong flags or settings; nothing was consumed
	exitInterrupted = 130
)
