package main

import (
	"fmt"
	"testing"
	"time"
)

// TestThawedProcessThatSends finds a process that creates after it was stopped for longer than its
// session, before it got partitions again.
func TestThawedProcessThatSends(t *testing.T) {
	t.Parallel()
	froze := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, c := range map[string]struct {
		lasts    time.Duration
		assigned time.Duration // after the thaw; 0: never
		sent     time.Duration // after the thaw
		want     int
	}{
		"sends too early":           {session + time.Second, time.Second, 999 * time.Millisecond, 1},
		"sends and is never back":   {session + time.Second, 0, time.Second, 1},
		"sends when it is back":     {session + time.Second, time.Second, 1001 * time.Millisecond, 0},
		"sent before it was frozen": {session + time.Second, 0, -session - 2*time.Second, 0},
		"was not away for long":     {session - time.Second, 0, time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			thawed := froze.Add(c.lasts)
			p := &process{name: "member-0.1", lines: newJournal()}
			assigned := func(at time.Time) {
				p.lines.read(fmt.Appendf(nil, `{"msg":"partitions assigned","time":%q}`, at.Format(time.RFC3339Nano)))
			}
			assigned(froze.Add(-time.Minute))
			if c.assigned > 0 {
				assigned(thawed.Add(c.assigned))
			}
			calls := &traffic{sent: []sighting{
				{at: thawed.Add(c.sent), who: p.name}, {at: thawed.Add(time.Millisecond), who: "member-1.0"},
			}}
			if got := sentThawed(freeze{p, froze, thawed}, calls, thawed.Add(time.Minute)); len(got) != c.want {
				t.Errorf("found %v, want %d", got, c.want)
			}
		})
	}
}

func TestJournalNotesWhatMayNotBe(t *testing.T) {
	t.Parallel()
	j := newJournal()
	for _, line := range []string{
		`{"msg":"started","http":"127.0.0.1:7","time":"2026-01-02T03:04:05Z"}`,
		`{"msg":"held","advice":"call ` + phoneOf(3) + `"}`,
		`{"msg":"held","advice":"write to ` + emailOf(3) + `"}`,
		"panic: runtime error",
		`{"msg":"processing a record panicked"}`,
	} {
		j.read([]byte(line))
	}
	if len(j.personal) != 2 || len(j.panics) != 2 || j.address() != "127.0.0.1:7" {
		t.Errorf("personal %q, panics %q, address %q", j.personal, j.panics, j.address())
	}
}
