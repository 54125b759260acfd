package consumer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"
)

func TestOpening(t *testing.T) {
	takeover := time.UnixMilli(1_790_000_000_000)
	earlier, later := takeover.Add(-time.Minute), takeover.Add(time.Minute)
	log := bounds{first: 50, end: 200}
	text := func(offset int64, l ledger) committed { return committed{offset, l.encode(offset)} }

	for name, tt := range map[string]struct {
		commit committed
		want   opening
	}{
		"no commit": {committed{-1, ""}, opening{
			start: 50, unexplored: true,
			inherited: ledger{granted: 200, trial: -1, spans: []span{{50, 200, true}}},
		}},
		"foreign metadata": {committed{100, "mirror"}, opening{
			start: 100, sentBefore: takeover,
			inherited: ledger{granted: 200, trial: -1, spans: []span{{100, 200, true}}},
		}},
		"metadata wiped, at the log's end": {committed{200, ""}, opening{
			start: 200, sentBefore: takeover, inherited: ledger{granted: 200, trial: -1},
		}},
		"beyond the log's end": {text(777, ledger{granted: 1000, horizon: earlier, trial: -1}), opening{
			start: 50, replaced: true, sentBefore: takeover,
			inherited: ledger{granted: 200, trial: -1, spans: []span{{50, 200, true}}},
		}},
		"done records beyond the log's end": {text(120, ledger{granted: 400, horizon: earlier, trial: -1, spans: []span{{120, 121, true}, {300, 400, true}}}), opening{
			start: 50, replaced: true, sentBefore: takeover,
			inherited: ledger{granted: 200, trial: -1, spans: []span{{50, 200, true}}},
		}},
		"nothing but done records beyond the log's end": {text(120, ledger{granted: 201, horizon: earlier, trial: -1, spans: []span{{120, 121, true}}}), opening{
			start: 50, replaced: true, sentBefore: takeover,
			inherited: ledger{granted: 200, trial: -1, spans: []span{{50, 200, true}}},
		}},
		"done up to the log's end": {text(120, ledger{granted: 400, horizon: earlier, trial: -1, spans: []span{{120, 121, true}, {200, 300, true}, {300, 400, false}}}), opening{
			start: 120, sentBefore: earlier,
			inherited: ledger{granted: 400, horizon: earlier, trial: -1, spans: []span{{120, 121, true}, {200, 400, false}}},
		}},
		"ours, clean": {text(120, ledger{granted: 120, horizon: earlier, trial: -1, originField: "originId"}), opening{
			start: 120, sentBefore: earlier, inherited: ledger{granted: 120, horizon: earlier, trial: -1, originField: "originId"},
		}},
		"ours, with suspects": {text(120, ledger{granted: 180, horizon: later, openings: 2, trial: 121, trials: 1, spans: []span{{120, 125, true}, {130, 131, false}, {140, 180, true}}}), opening{
			start: 120, sentBefore: takeover,
			inherited: ledger{granted: 180, horizon: later, openings: 2, trial: 121, trials: 1, spans: []span{{120, 125, true}, {130, 131, false}, {140, 180, true}}},
		}},
		"granted beyond the log's end": {text(120, ledger{granted: 400, horizon: earlier, trial: -1, spans: []span{{190, 400, true}}}), opening{
			start: 120, sentBefore: earlier,
			inherited: ledger{granted: 400, horizon: earlier, trial: -1, spans: []span{{190, 200, true}, {200, 400, false}}},
		}},
		"at the log's end": {text(200, ledger{granted: 456, horizon: earlier, trial: -1, spans: []span{{200, 456, true}}}), opening{
			start: 200, sentBefore: earlier,
			inherited: ledger{granted: 456, horizon: earlier, trial: -1, spans: []span{{200, 456, false}}},
		}},
		"below the log's start": {text(20, ledger{granted: 100, horizon: earlier, trial: -1, spans: []span{{20, 21, true}, {60, 100, true}}}), opening{
			start: 50, sentBefore: earlier, lost: 1, // the rest of what is gone was done
			inherited: ledger{granted: 100, horizon: earlier, trial: -1, spans: []span{{20, 21, true}, {60, 100, true}}},
		}},
		"all that was granted is gone": {text(20, ledger{granted: 40, horizon: earlier, trial: -1}), opening{
			start: 50, sentBefore: earlier, lost: 10, inherited: ledger{granted: 50, horizon: earlier, trial: -1},
		}},
		"below the log's start, metadata wiped": {committed{20, ""}, opening{
			start: 50, sentBefore: takeover, lost: 30,
			inherited: ledger{granted: 200, trial: -1, spans: []span{{50, 200, true}}},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			tt.want.log, tt.want.takeover, tt.want.commit = log, takeover, tt.commit.offset
			got := openingOf(log, tt.commit, takeover)
			opts := cmp.Options{compareLedgers, cmp.AllowUnexported(opening{}, bounds{}), cmpopts.EquateEmpty()}
			if diff := cmp.Diff(tt.want, got, opts); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestEmptyTopicNeedsNoExploration(t *testing.T) {
	o := openingOf(bounds{0, 0}, committed{-1, ""}, time.Now())
	if o.unexplored || len(o.inherited.spans) > 0 || o.start != 0 {
		t.Errorf("an empty log is opened as %+v", o)
	}
}

// The earlier owner's word that nothing is on its way ends with the opening
// commit, which is acknowledged before the first dispatch.
func TestOpeningCommitRevokesTheCleanMark(t *testing.T) {
	clean := ledger{granted: 120, horizon: time.Now().Add(-time.Hour), trial: -1}
	g := &generation{deps: dependencies{cfg: Config{Window: 8, Log: zerolog.Nop()}, creator: newFakeCRM()}, takeover: time.Now()}
	p := newPartition(g, 0, bounds{0, 200}, committed{120, clean.encode(120)})
	if p.records.state.commits.granted > 120 {
		t.Errorf("%d may be dispatched before the opening commit is acknowledged", p.records.state.commits.granted-1)
	}
	e := p.entry(time.Now().Add(20*time.Second), "")
	next := openingOf(bounds{0, 200}, committed{e.offset, e.ledger.encode(e.offset)}, time.Now())
	if next.inherited.clean() {
		t.Error("who takes over from a killed owner is told that all is clean")
	}
	e.acknowledge()
	left := newProgress(next.start, next.inherited)
	for offset := int64(120); offset < p.records.state.commits.granted; offset++ {
		if left.priorState(offset) != priorSuspect {
			t.Fatalf("%d may be dispatched and is no suspect for the next owner", offset)
		}
	}
}

// After crashes at one offset the ledger counts up; a step forward ends it.
func TestOpeningsAtOneOffsetAreCounted(t *testing.T) {
	g := &generation{deps: dependencies{cfg: Config{Window: 8, Log: zerolog.Nop()}, creator: newFakeCRM()}, takeover: time.Now()}
	commit := committed{120, ledger{granted: 120, trial: -1}.encode(120)}
	var p *partition
	for want := 1; want <= 5; want++ {
		p = newPartition(g, 0, bounds{0, 200}, commit)
		e := p.entry(time.Now(), "")
		if e.ledger.openings != want {
			t.Fatalf("%d openings were counted at the %d. one", e.ledger.openings, want)
		}
		commit = committed{e.offset, e.ledger.encode(e.offset)}
	}
	p.records.state.progress.dispatch(120, time.Time{}, true)
	if e := p.finalEntry(time.Now(), ""); e.ledger.openings != 0 {
		t.Errorf("%d openings after a drain", e.ledger.openings)
	}
	p.records.state.progress.finish(120)
	if e := p.entry(time.Now(), ""); e.ledger.openings != 0 {
		t.Errorf("%d openings after a step forward", e.ledger.openings)
	}
}

func TestExplorationEndsAfterAWholeWindowOfAbsences(t *testing.T) {
	e := exploration{on: true, window: 3}
	for i, found := range []bool{false, false, true, false, false} {
		if e.noteLookUp(found) {
			t.Fatalf("ended at answer %d", i)
		}
	}
	if !e.foundAny {
		t.Error("an earlier owner was found and forgotten")
	}
	if !e.noteLookUp(false) {
		t.Error("did not end after three absences in a row")
	}
	if e.noteLookUp(false) || e.noteLookUp(true) {
		t.Error("ended twice")
	}
}

// In a crash loop the records that an earlier owner may have dispatched are transformed alone, and those of a backlog are not: nobody
// dispatched them.
func TestBacklogIsInNoCrashLoop(t *testing.T) {
	o := opening{start: 10, inherited: ledger{granted: 9000, openings: crashLoopOpenings, spans: []span{{10, 12, true}, {12, 8000, false}, {8100, 8200, false}}}}
	for offset, want := range map[int64]bool{10: true, 11: true, 12: false, 7999: false, 8050: true, 8150: true, 9000: false} {
		if got := o.inCrashLoop(offset); got != want {
			t.Errorf("%d: %v, want %v", offset, got, want)
		}
	}
}
