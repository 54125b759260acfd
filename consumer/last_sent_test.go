package consumer

import (
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient"
)

// The last commit of a drain says until when creates may have been sent: until now if this owner leaves a create whose
// outcome is unknown, else until the earlier owner's send horizon.
func TestLastCommitTellsWhatIsLeftInDoubt(t *testing.T) {
	now := time.Now()
	earlier := now.Add(-time.Hour)
	for _, test := range []struct {
		name    string
		horizon time.Time // of the earlier owner; zero when there is no commit
		leave   func(*partitionRecords)
		want    time.Time
	}{
		{"nothing is left", earlier, func(*partitionRecords) {}, earlier},
		{"an untouched record is left", earlier, func(rs *partitionRecords) { rs.noteUnfinished(1, &carried{}) }, earlier},
		{"an inherited record is left", earlier, func(rs *partitionRecords) { rs.noteUnfinished(1, &carried{inherited: true}) }, earlier},
		{"a create that was broken off", earlier, func(rs *partitionRecords) { rs.noteUnfinished(1, &carried{sentHere: true}) }, now},
		{"a parked record in doubt", earlier, func(rs *partitionRecords) {
			rs.park(&parkedRecord{carried: carried{sentHere: true}, offset: 1, why: crmclient.WaitDoubt})
		}, now},
		{"nobody knows of an earlier owner", time.Time{}, func(*partitionRecords) {}, now},
	} {
		g := &generation{deps: dependencies{cfg: Config{Window: 8, Log: zerolog.Nop()}, creator: newFakeCRM()}, takeover: now}
		commit := committed{1, ledger{granted: 3, horizon: test.horizon, trial: -1, spans: []span{{1, 3, true}}}.encode(1)}
		if test.horizon.IsZero() {
			commit = committed{offset: -1}
		}
		p := newPartition(g, 0, bounds{0, 5}, commit)
		p.records.with(func(s *partitionState) { s.progress.dispatch(1, now, true) })
		test.leave(p.records)
		if got := p.records.lastSent(now); got.Sub(test.want).Abs() > time.Millisecond {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
