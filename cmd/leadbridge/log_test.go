package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// durationField is a field of the log that holds a duration.
var durationField = regexp.MustCompile(`\.Dur\("([^"]+)"`)

// A duration without its unit is a number that nobody can read.
func TestDurationsInTheLogNameTheirUnit(t *testing.T) {
	t.Parallel()
	found := 0
	for _, dir := range []string{"admin", "cmd", "consumer", "crmclient", "dlt", "find", "internal", "schemas", "transform", "webhook"} {
		err := filepath.WalkDir(filepath.Join(repository, dir), func(path string, _ os.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, field := range durationField.FindAllStringSubmatch(string(text), -1) {
				if found++; !strings.HasSuffix(field[1], "_ms") {
					t.Errorf("%s: the field %q is in milliseconds, and does not say so", path, field[1])
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if found < 5 {
		t.Errorf("%d durations found", found)
	}
}

// A signal is told when it comes, not when what it ended is over.
func TestSignalIsLogged(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]syscall.Signal{"SIGTERM": syscall.SIGTERM, "SIGINT": syscall.SIGINT} {
		p := start(t, "slow", nil)
		p.await(t, "ready")
		p.signal(t, s)
		p.await(t, name) // it goes on
		p.signal(t, s)
		if code := p.exit(t); code != exitInterrupted {
			t.Errorf("%s: exit %d, want %d", name, code, exitInterrupted)
		}
	}
}
