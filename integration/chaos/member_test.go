package main

import (
	"os/exec"
	"syscall"
	"testing"
)

func TestHowAProcessEnded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script string
		want   bool
	}{
		"by the signal":      {"kill -TERM $$", true},
		"by another one":     {"kill -KILL $$", false},
		"with an exit code":  {"exit 143", false},
		"as it was meant to": {"exit 0", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := diedOf(exec.CommandContext(t.Context(), "sh", "-c", c.script).Run(), syscall.SIGTERM); got != c.want {
				t.Errorf("%v, want %v", got, c.want)
			}
		})
	}
}
