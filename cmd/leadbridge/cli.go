package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
)

// cli is the command line: one struct per command.
type cli struct {
	Run     runCommand     `cmd:"" help:"Deliver: events in Kafka become contacts in the CRM."`
	Demo    demoCommand    `cmd:"" help:"See it work: broker, CRM and leads in this one process; needs nothing else."`
	Check   checkCommand   `cmd:"" help:"Check settings, brokers, topics, key and fields before a start, and say how to fix what is wrong."`
	Probe   probeCommand   `cmd:"" help:"Measure what your portal does, with test records that it deletes again, and propose settings."`
	Map     mapCommand     `cmd:"" help:"Show the contact that each event of standard input would become; sends nothing."`
	Find    findCommand    `cmd:"" help:"Say where a person's lead is: waiting, in doubt, a dead letter, or which contact."`
	DLT     dltCommand     `cmd:"" name:"dlt" help:"Work with dead letters: list, show, replay, close, erase, export, import."`
	Ctl     ctlCommand     `cmd:"" help:"Ask a running service by its page: probe now, pause, release a flood, close letters."`
	Ingest  ingestCommand  `cmd:"" help:"Take webhooks of websites and form builders by HTTP and write them to Kafka."`
	Sim     simCommand     `cmd:"" help:"Simulate the CRM as a server, for people without a portal."`
	Version versionCommand `cmd:"" help:"Show the version."`

	Help       helpCommand       `cmd:"" help:"Show the help of a command."`
	Completion completionCommand `cmd:"" help:"Write a script that completes commands and flags in bash, zsh or fish."`
	Man        manCommand        `cmd:"" help:"Write the manual page, leadbridge(1)."`

	ShowVersion versionFlag `name:"version" help:"Show the version."`
}

// exitStatus is the error, and in kong's callbacks the panic, that ends the program with an exit code and no message.
type exitStatus int

func (e exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(e)) }

// run parses the command line and runs its command; it returns the exit code.
func run(args []string, p process) (code int) {
	// kong ends the program from inside its parser for --help and --version.
	defer func() {
		switch r := recover().(type) {
		case nil:
		case exitStatus:
			code = int(r)
		default:
			panic(r)
		}
	}()
	parser, err := newParser(p)
	if err != nil {
		_, _ = fmt.Fprintln(p.stderr, "leadbridge:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(p.stderr, "leadbridge: %v\nRun leadbridge --help for the commands and their flags.\n", err)
		return exitUsage
	}
	if p.environ != nil {
		p.warnings = misspelt(parser, p.environ())
	}
	quiet := showsWarnings(ctx.Command())
	err = runChosen(ctx, p)
	if _, ok := errors.AsType[settings.Faults](err); ok || !quiet {
		p.warn()
	}
	return exitCode(err, p)
}

// runChosen runs the command that was chosen. Only those about the command line itself get kong's model of it, which
// takes more than a megabyte: a service would keep that as long as it runs.
func runChosen(ctx *kong.Context, p process) error {
	if chosen := ctx.Selected(); chosen != nil {
		if command, ok := reflect.TypeAssert[interface{ Run(p process) error }](chosen.Target); ok {
			return command.Run(p)
		}
	}
	return ctx.Run(p)
}

// showsWarnings reports whether a command shows p.warnings itself, in its log or its report.
func showsWarnings(command string) bool {
	return slices.Contains([]string{"run", "ingest", "check"}, command)
}

// warn writes the warnings to standard error.
func (p process) warn() {
	for _, warning := range p.warnings {
		_, _ = fmt.Fprintln(p.stderr, "leadbridge: warning:", warning)
	}
}

// exitCode prints an error, unless it is an exitStatus, and returns the exit code for it.
func exitCode(err error, p process) int {
	if err == nil {
		return exitOK
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	_, _ = fmt.Fprintln(p.stderr, "leadbridge:", err)
	if _, ok := errors.AsType[settings.Faults](err); ok {
		return exitUsage
	}
	return exitFailed
}

func newParser(p process) (*kong.Kong, error) {
	parser, err := kong.New(&cli{},
		kong.Name("leadbridge"),
		kong.Description("Website leads in Kafka become contacts in the CRM: each event exactly one contact, or one dead letter that says why."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(code int) { panic(exitStatus(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{NoExpandSubcommands: true, WrapUpperBound: 110}),
		kong.ValueFormatter(describe),
		kong.Resolvers(environment(p.lookupEnv)),
	)
	if err != nil {
		return nil, err
	}
	return parser, ownEnvironment(parser)
}

// ownEnvironment keeps kong from looking up variables, as it takes an empty one for
// a value: environment looks them up. The flags still know their names.
func ownEnvironment(k *kong.Kong) error {
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			flag.Tag.Envs = nil
		}
		return next(nil)
	})
}

// environment gives flags that are not on the command line the values of their variables. An empty
// variable counts as not set: compose files pass on variables that nobody has set.
func environment(lookup func(string) (string, bool)) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			if text, ok := lookup(name); ok && strings.TrimSpace(text) != "" {
				return text, nil
			}
		}
		return nil, nil
	})
}

// describe returns a setting's help with its default and its variables.
func describe(v *kong.Value) string {
	text := v.Help
	if v.HasDefault {
		text += " Default: " + v.Default + "."
	}
	if v.Flag != nil && len(v.Flag.Envs) > 0 {
		text += " (" + strings.Join(v.Flag.Envs, ", ") + ")"
	}
	return text
}
