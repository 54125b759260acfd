package consumer

import (
	"testing"
	"time"
)

func TestStagesOfACommit(t *testing.T) {
	t.Parallel()
	l := ledger{granted: 120, horizon: time.Now(), trial: -1, spans: []span{{from: 100, to: 101, sent: true}, {from: 105, to: 108}}}
	p := progressOf(committed{offset: 100, metadata: l.encode(100)})
	for offset, want := range map[int64]Stage{
		7: StageDone, 99: StageDone, 100: StageSent, 101: StageDone, 104: StageDone,
		105: StageTaken, 107: StageTaken, 108: StageDone, 119: StageDone, 120: StageWaiting, 5000: StageWaiting,
	} {
		if got := p.Stage(offset); got != want {
			t.Errorf("offset %d is %s, want %s", offset, got, want)
		}
	}
	for offset, want := range map[int64]int64{90: 0, 100: 0, 101: 1, 106: 2, 108: 4, 120: 4, 130: 14} {
		if got := p.Before(0, offset); got != want {
			t.Errorf("%d are before %d, want %d", got, offset, want)
		}
	}
}

// A commit of another program says only up to which offset all is done. Without a commit nothing was taken up.
func TestStagesWithoutALedger(t *testing.T) {
	t.Parallel()
	foreign := progressOf(committed{offset: 50, metadata: "somebody's"})
	if a, b := foreign.Stage(49), foreign.Stage(50); a != StageDone || b != StageWaiting {
		t.Errorf("a foreign commit: %s, %s", a, b)
	}
	none := progressOf(committed{offset: -1})
	if got := none.Stage(0); got != StageWaiting {
		t.Errorf("no commit: %s", got)
	}
	if got := none.Before(10, 15); got != 5 {
		t.Errorf("%d are before the sixth, want 5", got)
	}
}
