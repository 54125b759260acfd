package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// A lab runs tests, with a mutant laid over the tree or without. It is safe for concurrent use.
type lab struct {
	root    string // absolute
	scratch string
	timeout time.Duration // of one run
}

func newLab(root string, timeout time.Duration) (*lab, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	scratch, err := os.MkdirTemp("", "mutants-")
	return &lab{root: root, scratch: scratch, timeout: timeout}, err
}

func (l *lab) close() { _ = os.RemoveAll(l.scratch) }

// A result is what became of a mutant.
type result struct {
	mutant mutant
	caught caught // by what; the zero value: by nothing
	fault  error  // of the list or of the machine: nothing was found out
}

// caught is what noticed a mutant.
type caught struct {
	folder string // of the tests
	test   string // "": none by itself, but the package failed, as of a leaked goroutine
	hung   bool   // it did not end
}

func (c caught) String() string {
	switch {
	case c.folder == "":
		return "nothing"
	case c.test == "":
		return "the package " + c.folder + " as a whole"
	case c.hung:
		return c.folder + "." + c.test + ", which hangs"
	}
	return c.folder + "." + c.test
}

func (r result) String() string {
	switch {
	case r.fault != nil:
		return "fault: " + r.fault.Error()
	case r.caught != (caught{}):
		return "caught by " + r.caught.String()
	case r.mutant.Survives != "":
		return "survives, as the list says"
	}
	return "SURVIVES"
}

// problem returns why a result is not as it should be.
func (r result) problem() error {
	switch {
	case r.fault != nil:
		return r.fault
	case r.caught == (caught{}) && r.mutant.Survives == "":
		return errors.New("no test catches it: write one, or say in the list why it survives")
	case r.caught != (caught{}) && r.mutant.Survives != "":
		return fmt.Errorf("the list says that it survives, and %v catches it: take the reason out", r.caught)
	}
	return nil
}

// try applies a mutant and runs its tests until one fails.
func (l *lab) try(ctx context.Context, m mutant) result {
	r := result{mutant: m}
	overlay, err := l.overlay(m)
	if err != nil {
		r.fault = err
		return r
	}
	for _, tests := range m.runs() {
		if r.caught, r.fault = l.test(ctx, overlay, tests, true); r.fault != nil || r.caught != (caught{}) {
			break
		}
	}
	return r
}

// overlay writes the mutated file and the file that lays it over the tree, and returns the latter's path.
func (l *lab) overlay(m mutant) (string, error) {
	at := filepath.Join(l.root, filepath.FromSlash(m.File))
	source, err := os.ReadFile(at)
	if err != nil {
		return "", err
	}
	if source, err = m.apply(source); err != nil {
		return "", err
	}
	mutated := filepath.Join(l.scratch, m.Name+".go")
	text, err := json.Marshal(map[string]any{"Replace": map[string]string{at: mutated}})
	if err != nil {
		return "", err
	}
	overlay := filepath.Join(l.scratch, m.Name+".json")
	//nolint:gosec // G703: the names are of the list of mutants
	return overlay, errors.Join(os.WriteFile(mutated, source, 0o600), os.WriteFile(overlay, text, 0o600))
}

// test runs tests of one package, with an overlay unless it is "", and returns what failed.
func (l *lab) test(ctx context.Context, overlay string, tests testRun, stopAtFirst bool) (caught, error) {
	args := []string{"test", "-json", "-count=1", "-vet=off", "-timeout", l.timeout.String()}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	if stopAtFirst {
		args = append(args, "-failfast")
	}
	if len(tests.names) > 0 {
		args = append(args, "-run", "^("+strings.Join(tests.names, "|")+")$")
	}
	cmd := l.command(ctx, append(args, "./"+tests.folder)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if ctx.Err() != nil {
		return caught{}, ctx.Err()
	}
	seen, faultErr := readEvents(out, tests.folder)
	switch {
	case faultErr != nil:
		return caught{}, faultErr
	case err != nil && seen.failed == (caught{}):
		return caught{}, fmt.Errorf("go test of %s: %w\n%s", tests.folder, err, bytes.TrimSpace(stderr.Bytes()))
	case err == nil && len(tests.names) > 0 && seen.passed == 0:
		return caught{}, fmt.Errorf("%s has none of the tests %s", tests.folder, strings.Join(tests.names, ", "))
	}
	return seen.failed, nil
}

func (l *lab) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // of the list, which is part of the repository
	cmd.Dir = l.root
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// control runs the tests that have caught mutants on the tree as it is: one that fails there, too, has caught nothing.
func control(ctx context.Context, l *lab, results []result) {
	var names []string
	for _, r := range results {
		if r.caught.test != "" {
			names = append(names, r.caught.folder+"."+r.caught.test)
		}
	}
	for _, tests := range byFolder(names) {
		failed, err := l.test(ctx, "", tests, false)
		for i := range results {
			if r := &results[i]; r.caught.folder == tests.folder && r.caught.test != "" && r.fault == nil {
				switch {
				case err != nil:
					r.fault = err
				case failed != caught{}:
					r.fault = fmt.Errorf("nothing is known: %v fails without a mutant, too", failed)
				}
			}
		}
	}
}
