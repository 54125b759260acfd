package main

import (
	"fmt"
	"testing"
	"time"
)

// TestCreatesWithoutALease finds a process that creates after it could not renew its lease for longer than the
// session, before it got partitions again.
func TestCreatesWithoutALease(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	const lapsed = session + leaseGrace
	for name, c := range map[string]struct {
		lasts    time.Duration
		assigned time.Duration // since it went; 0: never again
		sent     time.Duration // since it went
		want     int
	}{
		"sends while it is cut off":   {lapsed + 5*time.Second, 0, lapsed + time.Second, 1},
		"sends when it is back":       {lapsed + time.Second, lapsed + 3*time.Second, lapsed + 2*time.Second, 1},
		"sends with partitions again": {lapsed + time.Second, lapsed + 3*time.Second, lapsed + 4*time.Second, 0},
		"sends on its lease":          {lapsed + time.Second, 0, session - time.Second, 0},
		"was not away for long":       {session - time.Second, 0, lapsed + time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &process{name: "member-0.1", lines: newJournal()}
			assigned := func(at time.Time) {
				p.lines.read(fmt.Appendf(nil, `{"msg":"partitions assigned","time":%q}`, at.Format(time.RFC3339Nano)))
			}
			assigned(from.Add(-time.Minute))
			if c.assigned > 0 {
				assigned(from.Add(c.assigned))
			}
			calls := &traffic{sent: map[string][]sighting{
				p.name: {{at: from.Add(c.sent), who: p.name}}, "member-1.0": {{at: from.Add(c.sent), who: "member-1.0"}},
			}}
			got := sentWithoutLease(absence{"member-0", from, from.Add(c.lasts)}, p, calls, from.Add(time.Hour))
			if len(got) != c.want {
				t.Errorf("found %v, want %d", got, c.want)
			}
		})
	}
}

func TestNobodyIsMissedWhileABrokerIsDead(t *testing.T) {
	t.Parallel()
	at := func(second int) time.Time { return time.Unix(int64(second), 0) }
	away := absence{"member-0", at(100), at(110)}
	for _, c := range []struct {
		dead absence
		want bool
	}{
		{absence{brokers, at(105), at(120)}, true},
		{absence{brokers, at(80), at(97)}, true}, // sessions have just begun anew
		{absence{brokers, at(80), at(90)}, false},
		{absence{brokers, at(111), at(120)}, false},
		{absence{"member-1", at(105), at(120)}, false},
	} {
		if got := unmissed(away, []absence{away, c.dead}); got != c.want {
			t.Errorf("%v: %v, want %v", c.dead, got, c.want)
		}
	}
}

func TestJournalNotesWhatMayNotBe(t *testing.T) {
	t.Parallel()
	j := newJournal()
	for _, line := range []string{
		`{"msg":"started","http":"127.0.0.1:7","time":"2026-01-02T03:04:05Z"}`,
		`{"msg":"held","advice":"call +79160000003"}`,
		`{"msg":"held","advice":"write to lead.3@chaos.example"}`,
		"panic: runtime error",
		`{"msg":"processing a record panicked"}`,
	} {
		j.read([]byte(line))
	}
	if len(j.personal) != 2 || len(j.panics) != 2 || j.address() != "127.0.0.1:7" {
		t.Errorf("personal %q, panics %q, address %q", j.personal, j.panics, j.address())
	}
}
