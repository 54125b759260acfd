// Package program is what the benchmark programs have in common as commands.
package program

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

// Status runs a program until it is done or a signal comes, writes its error to stderr, and returns its exit status.
func Status(name string, stderr io.Writer, run func(context.Context) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

// SaveJSON writes a value as JSON to a file of a directory, which is made where it is missing. It returns the file's path
// and what it holds.
func SaveJSON(dir, name string, value any) (file string, data []byte, err error) {
	if data, err = json.MarshalIndent(value, "", " "); err != nil {
		return "", nil, err
	}
	data = append(data, '\n')
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return "", nil, err
	}
	file = filepath.Join(dir, name)
	return file, data, os.WriteFile(file, data, 0o600)
}
