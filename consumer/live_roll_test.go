package consumer

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/internal/seeds"
)

// rollSeeds is how many runs are tried, see [seeds.Of].
const rollSeeds = 20

// However three replicas are stopped, killed and started, also several at a time, no event is lost or delivered twice, each
// person's events keep their order, and at the end only the replicas that run are members.
func TestLiveRollsLoseNothing(t *testing.T) {
	for seed := range seeds.Of(rollSeeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { testRoll(t, seed) })
	}
}

// replica is a process that may be replaced.
type replica struct {
	*process
	link *line
}

func (r *rig) replica() *replica {
	link := r.line()
	return &replica{r.start(link.use, func(c *Config) { c.Window = 8 }), link}
}

// flow produces events of a few persons, each in one partition.
type flow struct {
	r      *rig
	random *rand.Rand
	sent   map[int]int   // by person
	want   map[int]int64 // by partition
}

func (f *flow) produce() {
	for range f.random.IntN(20) {
		person := f.random.IntN(12)
		m := eventOf(fmt.Sprintf("p%d-%d", person, f.sent[person]), fmt.Sprint("+", person))
		m.partition = person % 6
		f.sent[person]++
		f.want[m.partition]++
		f.r.produce(m)
	}
}

func testRoll(t *testing.T, seed uint64) {
	bubble(t, 6, func(t *testing.T, r *rig) {
		random := rand.New(rand.NewPCG(seed, 5))
		crm := &fickleCRM{crm: r.crm, random: rand.New(rand.NewPCG(seed, 6))}
		r.crm.setAnswer(crm.answer)
		events := &flow{r, random, map[int]int{}, map[int]int64{}}
		nap := func(most int) { time.Sleep(time.Duration(random.IntN(most)) * time.Millisecond) }
		r.primed()
		live := []*replica{r.replica(), r.replica(), r.replica()}
		var gone []*replica
		for range 8 {
			events.produce()
			nap(6000)
			i := random.IntN(3)
			old := live[i]
			switch random.IntN(4) {
			case 0: // a crash, but not during a join: the broker of these tests never drops a member that vanishes then
				r.awaitMembers(old.process)
				old.link.sever()
				nap(1500)
			case 1: // the next one starts before the old one stops
				live[i] = r.replica()
				nap(4000)
				old.stop()
			default: // it stops, whatever it is doing, and the next one starts while it does
				old.stop()
				nap(4000)
			}
			gone = append(gone, old)
			if live[i] == old {
				live[i] = r.replica()
			}
			events.produce()
		}
		crm.mu.Lock()
		crm.calm = true
		crm.mu.Unlock()
		r.awaitEnd(events.want)
		r.awaitShared(2, live[0].process, live[1].process, live[2].process)
		if seen := r.groupState(); seen.members != 3 {
			t.Errorf("seed %d: %d members, want the three that run", seed, seen.members)
		}
		for _, p := range slices.Concat(gone, live) {
			p.shutdown(t)
		}
		synctest.Wait()
		r.crm.once(t)
		r.crm.inOrder(t)
		want := 0
		for _, n := range events.sent {
			want += n
		}
		if got := len(r.crm.createdIDs()); got != want {
			t.Errorf("seed %d: %d contacts of %d events", seed, got, want)
		}
	})
}

// awaitEnd waits until each partition's commit is at the wanted offset.
func (r *rig) awaitEnd(want map[int]int64) {
	r.t.Helper()
	for range 600 {
		left := 0
		for id, c := range r.commits() {
			left += int(want[id] - max(c.offset, 0))
		}
		if left == 0 {
			return
		}
		time.Sleep(time.Second)
	}
	r.t.Fatalf("commits %+v, want %v; group %+v\n%s", r.commits(), want, r.cluster.GroupInfo(testGroup), r.logs)
}
