//go:build integration

package integration

import (
	"maps"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// singly are the settings of a process whose requests are one event each, and many
// at a time: some may hang while others pass.
func singly() map[string]string {
	return map[string]string{"CRM_BATCH_SIZE": "1", "CRM_SLOTS": "16"}
}

// doomed are the settings of a process whose creates hang until it is killed.
func doomed() map[string]string { return with(singly(), map[string]string{"CRM_TIMEOUT": "5m"}) }

// hangFor lets the creates of a process hang for some leads; of every other one of
// them the contact is made. It tells how many hang.
func (l *lab) hangFor(who string, leads []lead) (hanging func() int) {
	var n atomic.Int64
	numbers := map[int]bool{} // the contact is made
	for i, one := range leads {
		numbers[one.number] = i%2 == 0
	}
	l.crm.script(func(s sighting) crmtest.Action {
		made, hit := numbers[s.leads[0]]
		if !s.create || !hit || s.who != who {
			return crmtest.Action{}
		}
		n.Add(1)
		if made {
			return crmtest.Action{Apply: crmtest.Now, End: crmtest.Hang}
		}
		return crmtest.Action{Apply: crmtest.Never, End: crmtest.Hang}
	})
	return func() int { return int(n.Load()) }
}

// awaitCommitted waits until a process has committed all but its unfinished
// records.
func (l *lab) awaitCommitted(m *member, partition int32, unfinished int) {
	l.t.Helper()
	end := l.ends()[partition]
	eventually(l.t, "all the others are committed", func() bool {
		for _, p := range m.status().Partitions {
			if p.Partition == partition {
				return p.Next == end && p.Unfinished == unfinished
			}
		}
		return false
	})
	before := m.metric("leadbridge_commits_total")
	eventually(l.t, "a commit has told so", func() bool { return m.metric("leadbridge_commits_total") >= before+2 })
}

// TestCrashCostsTheHandful kills a process while a handful of its creates have no
// answer. The next owner looks up these and no others. It creates those that it does not
// find no sooner than the time in the commit's metadata allows, and other
// partitions, and other events of the same one, go on meanwhile.
func TestCrashCostsTheHandful(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	victim, heir := l.join("victim", doomed()), l.join("heir", singly())
	l.awaitShared(victim, heir)
	sick, sound := victim.status().owned()[0], heir.status().owned()[0]

	const handful = 5
	doubtful := l.into(sick, handful)
	hanging := l.hangFor("victim", doubtful)
	l.produce(doubtful)
	eventually(t, "the handful hangs", func() bool { return hanging() == handful })
	l.produce(l.into(sick, 40))
	l.awaitCommitted(victim, sick, handful)
	died := time.Now()
	victim.kill()
	horizon := horizonOf(t, l.commits()[sick])
	l.produce(l.into(sound, 10))
	eventually(t, "the heir has taken over", func() bool { return slices.Contains(heir.status().owned(), sick) })
	l.produce(l.mixed(10, sick, sound)) // what came before might have been taken up by the victim

	l.settle()
	asked := leadsOf(l.crm.sightings(lookups))
	// A look-up also asks for an object that is known to be there, to show that it finds.
	doubts := numbersOf(doubtful)
	maps.DeleteFunc(asked, func(number, _ int) bool { return !slices.Contains(doubts, number) && l.crm.madeOnce(number, died) })
	if got := slices.Sorted(maps.Keys(asked)); !slices.Equal(got, numbersOf(doubtful)) {
		t.Errorf("looked up: %v, want %v", got, numbersOf(doubtful))
	}
	takeover := heir.assignedAt(sick, died)
	earliest := horizon
	if takeover.Before(horizon) {
		earliest = takeover
	}
	earliest = earliest.Add(quiet)
	for _, s := range l.crm.sightings(func(s sighting) bool { return s.create && s.at.After(died) }) {
		again := asked[s.leads[0]] > 0
		switch {
		case again && s.at.Before(earliest.Add(-time.Second/10)): // the log's times are rounded
			t.Errorf("lead %d was created again %v before the metadata allows", s.leads[0], earliest.Sub(s.at))
		case !again && s.at.After(earliest):
			t.Errorf("lead %d waited for what was looked up", s.leads[0])
		}
	}
	t.Logf("after the crash: horizon %v, take-over %v, created again from %v on", horizon.Sub(died), takeover.Sub(died), earliest.Sub(died))
}

func numbersOf(leads []lead) []int {
	var numbers []int
	for _, one := range leads {
		numbers = append(numbers, one.number)
	}
	return numbers
}
