// Command clock builds a leadbridge whose wall clock can be stepped from outside: a file that the variable
// LEADBRIDGE_CLOCK_FILE names holds by how much the clock is ahead, as 1.5s or -800ms, and is read
// again and again. The monotonic clock goes on as it does when a machine's time is set.
//
// The product has no such hook. The build replaces files of the standard library and adds one to the command
// (go build -overlay), and leaves the tree as it is.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// variable names the file.
const variable = "LEADBRIDGE_CLOCK_FILE"

// anchor is the place in the standard library's time.Now, and patch what comes behind it.
const (
	anchor = "sec, nsec, mono := runtimeNow()\n"
	patch  = `	if ahead := ahead.Load() + int64(nsec); ahead != int64(nsec) {
		for ahead < 0 {
			ahead, sec = ahead+1e9, sec-1
		}
		sec, nsec = sec+ahead/1e9, int32(ahead%1e9)
	}
`
	imports = "import (\n"
	hook    = `
var ahead atomic.Int64

// SetAhead steps the wall clock of this process.
func SetAhead(d Duration) { ahead.Store(int64(d)) }
`
)

// watcher is the file that is added to the command.
const watcher = `package main

import (
	"os"
	"strings"
	"time"
)

func init() {
	file := os.Getenv("` + variable + `")
	if file == "" {
		return
	}
	go func() {
		for range time.Tick(50 * time.Millisecond) {
			text, err := os.ReadFile(file)
			if err != nil {
				continue
			}
			if d, err := time.ParseDuration(strings.TrimSpace(string(text))); err == nil {
				time.SetAhead(d)
			}
		}
	}()
}
`

func main() {
	out := flag.String("o", "leadbridge-clock", "the binary")
	module := flag.String("module", "..", "the directory of the product's module")
	flag.Parse()
	if err := build(context.Background(), *module, *out); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "clock: %v\n", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// library is the file of the standard library that tells the time.
func library(ctx context.Context) (string, error) {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(root)), "src", "time", "time.go"), nil
}

func build(ctx context.Context, module, out string) error {
	clock, err := library(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "leadbridge-clock-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }() // it lies in the directory of temporary files
	text, err := os.ReadFile(clock)
	if err != nil {
		return err
	}
	stepped, err := step(string(text))
	if err != nil {
		return err
	}
	module, err = filepath.Abs(module)
	if err != nil {
		return err
	}
	if out, err = filepath.Abs(out); err != nil {
		return err
	}
	overlay, err := lay(dir, map[string]string{clock: stepped, filepath.Join(module, "cmd", "leadbridge", "clock_watcher.go"): watcher})
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", out, "./cmd/leadbridge") //nolint:gosec // the files are named by who builds
	cmd.Dir, cmd.Stdout, cmd.Stderr = module, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go build: %w", err)
	}
	return nil
}

var errOtherLibrary = errors.New("this release of Go tells the time in another way: look at time.Now, and change anchor and patch")

// step is the standard library's time.go with a clock that can be stepped.
func step(text string) (string, error) {
	if strings.Count(text, anchor) != 1 || strings.Count(text, imports) != 1 {
		return "", errOtherLibrary
	}
	text = strings.Replace(text, anchor, anchor+patch, 1)
	return strings.Replace(text, imports, imports+"\t\"sync/atomic\"\n", 1) + hook, nil
}

// lay writes the files and an overlay that puts them in the places of others.
func lay(dir string, files map[string]string) (overlay string, err error) {
	replace := map[string]string{}
	for at, text := range files {
		file := filepath.Join(dir, fmt.Sprintf("%d.go", len(replace)))
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[at] = file
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, text, 0o600)
}
