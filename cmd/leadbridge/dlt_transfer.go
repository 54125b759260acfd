package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/dlt"
)

type dltExportCommand struct {
	settings.DeadLetters `embed:""`
	letterFilter         `embed:"" group:"Letters:"`

	State string `group:"Letters:" enum:"all,open,closed,replayed" default:"all" placeholder:"STATE" help:"Only letters that are open, closed or replayed."`
	Mask  bool   `help:"Hide names, phone numbers and e-mail addresses; such lines cannot be imported."`
}

// Help warns of what is in the output.
func (dltExportCommand) Help() string {
	return "The lines hold personal data, as they can be imported again: keep them as you keep the topic. docs/dead-letters.md describes their fields."
}

// Run writes letters to standard output.
func (c dltExportCommand) Run(p process) error {
	filter, err := c.filter(p.stderr, time.Now())
	if err != nil {
		return err
	}
	filter.States = statesOf(c.State)
	return withLetters(p, c.DeadLetters, func(ctx context.Context, t *dlt.Topic, cfg settings.DeadLettersConfig) error {
		n := 0
		err := t.Each(ctx, filter, func(l dlt.Letter) error {
			n++
			if c.Mask {
				return printJSON(p.stdout, t.Line(l, cfg.Transformer))
			}
			return printJSON(p.stdout, t.Whole(l))
		})
		if err == nil {
			_, _ = fmt.Fprintf(p.stderr, "%s exported\n", counted(n, "letter"))
		}
		return err
	})
}

type dltImportCommand struct {
	File string `arg:"" optional:"" default:"-" help:"File with the lines of an export; - or none: standard input, which is held in memory."`

	settings.DeadLetters `embed:""`
}

// Help explains which parts of a line count.
func (dltImportCommand) Help() string {
	return "All lines are checked before the first letter is written. These fields of a line count: key, value, headers, partition, and state with replayedAt. " +
		"A letter that is already in the topic stays one letter."
}

// Run writes letters into the dead-letter topic.
func (c dltImportCommand) Run(p process) error {
	return withLetters(p, c.DeadLetters, func(ctx context.Context, t *dlt.Topic, _ settings.DeadLettersConfig) error {
		in, err := c.input(ctx, p.stdin)
		if err != nil {
			return err
		}
		defer in.Close()
		bar := newBar(p.stderr, "letters")
		done, err := t.Import(ctx, in, bar.show)
		bar.end()
		if done.Letters > 0 || err == nil {
			_, _ = fmt.Fprintf(p.stdout, "%s imported\n", counted(done.Letters, "letter"))
		}
		if done.Erased > 0 {
			_, _ = fmt.Fprintf(p.stdout, "%s not imported: erased before\n", counted(done.Erased, "letter"))
		}
		return err
	})
}

// input returns the lines so that they can be read twice: a regular file as it is, anything else in memory.
func (c dltImportCommand) input(ctx context.Context, stdin io.Reader) (io.ReadSeekCloser, error) {
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return nil, err
		}
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return f, nil
		}
		defer f.Close()
		stdin = f // a pipe
	}
	content, err := readAll(ctx, stdin)
	return inMemory{bytes.NewReader(content)}, err
}

// inMemory is input that was read to its end.
type inMemory struct{ *bytes.Reader }

func (inMemory) Close() error { return nil }

// readAll reads in to its end, unless ctx ends first. A read that waits for input cannot be interrupted: its goroutine is
// left behind, which does no harm, as the process then exits.
func readAll(ctx context.Context, in io.Reader) ([]byte, error) {
	type result struct {
		content []byte
		err     error
	}
	read := make(chan result, 1)
	go func() {
		content, err := io.ReadAll(in)
		read <- result{content, err}
	}()
	select {
	case r := <-read:
		return r.content, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
