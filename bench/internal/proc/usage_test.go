package proc

import (
	"os"
	"testing"
	"time"
)

func TestParseUsage(t *testing.T) {
	t.Parallel()
	stat := "42 (odd) name) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 7 0\n"
	status := "Name:\todd) name\nVmHWM:\t    2048 kB\nVmRSS:\t    1024 kB\n"
	got, err := parseUsage([]byte(stat), []byte(status))
	if want := (Usage{CPU: 2 * time.Second, RSS: 1 << 20, Peak: 2 << 20}); err != nil || got != want {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"", "42 (x) S 1", "42 (x) S 1 2 3 4 5 6 7 8 9 10 much more"} {
		if _, err := parseUsage([]byte(bad), nil); err == nil {
			t.Errorf("%q is understood", bad)
		}
	}
}

func TestParseMachine(t *testing.T) {
	t.Parallel()
	got, err := parseMachine([]byte("cpu  100 20 30 4000 500 6 7 25 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n"))
	if want := 1750 * time.Millisecond; err != nil || got != want {
		t.Errorf("%s %v, want %s", got, err, want)
	}
	for _, bad := range []string{"", "cpu 1 2 3 4 5 6 7", "cpu a b c d e f g h"} {
		if _, err := parseMachine([]byte(bad)); err == nil {
			t.Errorf("%q is understood", bad)
		}
	}
}

func TestUsageOfOurselves(t *testing.T) {
	t.Parallel()
	u, err := UsageOf(os.Getpid())
	if err != nil || u.RSS == 0 || u.Peak < u.RSS/2 {
		t.Errorf("%+v %v", u, err)
	}
}

func TestProcessorName(t *testing.T) {
	t.Parallel()
	if got := processorName("processor\t: 0\nmodel name\t: Some: CPU\n"); got != "Some: CPU" {
		t.Errorf("%q", got)
	}
	if got := processorName(""); got != "unknown" {
		t.Errorf("%q", got)
	}
}
