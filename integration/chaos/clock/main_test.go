package main

import (
	"os"
	"testing"
)

// TestClockOfThisReleaseCanBeStepped fails when a release of Go tells the time in another way.
func TestClockOfThisReleaseCanBeStepped(t *testing.T) {
	t.Parallel()
	file, err := library(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := step(string(text)); err != nil {
		t.Error(err)
	}
	if _, err := step("package time\n"); err == nil {
		t.Error("a file without time.Now is taken")
	}
}
