//go:build integration

package integration

import (
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// crashWithDoubt delivers leads by a process that is killed while a few of its creates
// have no answer, and waits until the group is empty.
func crashWithDoubt(t *testing.T, l *lab) {
	t.Helper()
	victim := l.join("victim", doomed())
	l.awaitShared(victim)
	l.produce(l.mixed(10, 0, 1, 2))
	eventually(t, "they are delivered", l.drained)
	doubtful := l.into(1, 4)
	hanging := l.hangFor("victim", doubtful)
	l.produce(doubtful)
	eventually(t, "some hang", func() bool { return hanging() == len(doubtful) })
	l.produce(l.into(1, 20))
	l.awaitCommitted(victim, 1, len(doubtful))
	victim.kill()
	l.awaitEmptyGroup()
}

// commitAs writes commits as another tool does.
func (l *lab) commitAs(metadata string, at map[int32]int64) {
	l.t.Helper()
	offsets := kadm.Offsets{}
	for partition, offset := range at {
		offsets.Add(kadm.Offset{Topic: l.topic, Partition: partition, At: offset, LeaderEpoch: -1, Metadata: metadata})
	}
	done, err := l.admin.CommitOffsets(l.ctx(), l.group, offsets)
	if err == nil {
		err = done.Error()
	}
	must(l.t, "commit", err)
}

// lookedUp are the leads that were looked up.
func (l *lab) lookedUp() []int {
	return slices.Sorted(maps.Keys(leadsOf(l.crm.sightings(lookups))))
}

// TestMetadataWipedByAnotherTool writes the group's own offsets again without the
// ledger. Everything from there to the log's end may have been sent, and is looked up.
func TestMetadataWipedByAnotherTool(t *testing.T) {
	t.Parallel()
	for name, metadata := range map[string]string{"empty": "", "another tool's": "checkpoint 17"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, sharedCluster(t), labOptions{})
			crashWithDoubt(t, l)
			wiped := map[int32]int64{}
			for partition, c := range l.commits() {
				wiped[partition] = c.At
			}
			l.commitAs(metadata, wiped)
			l.produce(l.mixed(5, 0, 1, 2))
			var suspects []int
			for _, one := range l.all() {
				// Of partition 1 those since the first doubtful one; of the others what is new.
				if one.number > 30 {
					suspects = append(suspects, one.number)
				}
			}
			heir := l.join("heir", nil)
			l.settle()
			if got := l.lookedUp(); !slices.Equal(got, suspects) {
				t.Errorf("looked up %v, want %v", got, suspects)
			}
			heir.stop()
		})
	}
}

// TestOffsetsResetByAnOperator takes the group back to the beginning of the topic:
// everything is looked up and found, nothing is created a second time.
func TestOffsetsResetByAnOperator(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	crashWithDoubt(t, l)
	l.commitAs("", map[int32]int64{0: 0, 1: 0, 2: 0})
	heir := l.join("heir", nil)
	eventually(t, "the heir is at work", func() bool { return len(l.lookedUp()) > 0 })
	l.settle()
	if got, all := l.lookedUp(), numbersOf(l.all()); !slices.Equal(got, all) {
		t.Errorf("looked up %v, want all of %v", got, all)
	}
	heir.stop()

	// Forward: what lies between is the operator's to answer for, the rest is delivered.
	ends := l.ends()
	skipped := l.mixed(3, 0, 1, 2)
	l.produce(skipped)
	for partition := range ends {
		ends[partition] += 3
	}
	l.commitAs("", ends)
	l.forget(skipped)
	l.produce(l.mixed(3, 0, 1, 2))
	heir = l.join("next", nil)
	eventually(t, "everything is committed", l.drained)
	l.audit()
	heir.stop()
}

// TestNewGroupOnAnOldTopic begins a topic again under another group's name. It looks up
// until a whole window of events in a row was never there, and creates only those.
func TestNewGroupOnAnOldTopic(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	first := l.join("first", nil)
	l.awaitShared(first)
	l.produce(l.mixed(200, 0, 1, 2))
	l.settle()
	first.stop()
	if n := len(l.lookedUp()); n > 0 {
		t.Errorf("%d leads were looked up for a group that began with the topic", n)
	}
	old := len(l.all())
	l.produce(l.mixed(900, 0, 1, 2))

	l.group += "-new"
	second := l.join("second", nil)
	l.settle()
	got := l.lookedUp()
	if len(got) < old || got[old-1] != old {
		t.Errorf("not all of the %d old leads were looked up", old)
	}
	// Nobody had sent the rest. A window of absent events of each partition shows that, and
	// the next window is at hand by then.
	if n := len(got) - old; n < 3*256 || n > 3*600 {
		t.Errorf("%d new leads were looked up, want from one to two windows (256) of each partition", n)
	}
	second.stop()
}
