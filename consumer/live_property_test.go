package consumer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/seeds"
)

// fickleCRM answers at random in all ways of the CRM client: at once or after a while; deferred, in doubt with the
// contact made or not, or cut short. It looks up only suspects, and events that it has deferred itself.
type fickleCRM struct {
	crm *fakeCRM

	mu     sync.Mutex
	random *rand.Rand
	calm   bool // nothing is deferred or fails any more
}

// draw returns a random number below n. While calm it returns n - 1, for which answer does nothing but make the contact.
func (f *fickleCRM) draw(n int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calm {
		return n - 1
	}
	return f.random.IntN(n)
}

func (f *fickleCRM) answer(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) { //nolint:revive // the shape of fakeCRM.answer
	select {
	case <-time.After(time.Duration(f.draw(400)) * time.Millisecond):
	case <-ctx.Done():
		return crmclient.Result{}, ctx.Err(), true
	}
	if q.Resume != nil {
		q.Suspect = true // it deferred the event itself, and may have made the contact
	}
	if q.Suspect && f.draw(3) > 0 && f.crm.has(q.OriginID) {
		result, err := f.crm.apply(q)
		return result, err, true
	}
	by := crmclient.Deferred{Pending: new(crmclient.Pending), Until: time.Now().Add(time.Duration(f.draw(20_000)) * time.Millisecond)}
	if f.draw(2) == 0 {
		by.Ready = f.crm.ready()
	}
	switch f.draw(12) {
	case 0:
		by.Why, by.Sent = crmclient.WaitBackoff, f.crm.has(q.OriginID)
		return crmclient.Result{}, &by, true
	case 1, 2:
		by.Why, by.Sent = crmclient.WaitDoubt, true
		if f.draw(2) == 0 {
			if _, err := f.crm.apply(q); err != nil {
				return crmclient.Result{}, err, true
			}
		}
		return crmclient.Result{}, &by, true
	case 3:
		if _, err := f.crm.apply(q); err != nil {
			return crmclient.Result{}, err, true
		}
		select {
		case <-time.After(time.Duration(f.draw(5000)) * time.Millisecond):
		case <-ctx.Done():
			return crmclient.Result{Unsettled: true}, ctx.Err(), true
		}
		q.Suspect = true
	case 4:
		f.crm.open()
	}
	result, err := f.crm.apply(q)
	return result, err, true
}

// has reports whether there is a contact of an event.
func (f *fakeCRM) has(id string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.contacts[id] > 0
}

// inOrder fails the test when events of one person, p<person>-<number>, became contacts in another order.
func (f *fakeCRM) inOrder(t *testing.T) {
	t.Helper()
	last := map[string]int{}
	for _, id := range f.createdIDs() {
		person, text, _ := strings.Cut(id, "-")
		var number int
		if _, err := fmt.Sscan(text, &number); err != nil {
			t.Fatal(err)
		}
		if before, ok := last[person]; ok && number < before {
			t.Errorf("%s became a contact after %s-%d", id, person, before)
		}
		last[person] = number
	}
}

// awaitMembers waits until each process has a generation. It must be called before one of them is killed: the broker of these
// tests, unlike real ones, never drops a member that vanishes while it joins.
func (r *rig) awaitMembers(all ...*process) {
	r.t.Helper()
	for _, p := range all {
		r.await("a generation", func() bool { return p.Status().Generation > 0 })
	}
}

// awaitCommits waits, looking once a second, until the commits of both partitions are at the wanted offsets.
func (r *rig) awaitCommits(want [2]int64, all ...*process) {
	r.t.Helper()
	for range 600 {
		if c := r.commits(); c[0].offset == want[0] && c[1].offset == want[1] {
			return
		}
		time.Sleep(time.Second)
	}
	for _, p := range all {
		r.t.Logf("%+v", p.Status())
	}
	r.t.Fatalf("commits %+v, want %v; group %+v\n%s", r.commits(), want, r.cluster.GroupInfo(testGroup), r.logs)
}

// Whatever is deferred, killed and rebalanced, no event is lost or delivered twice, and each person's events keep their
// order.
func TestLiveNothingIsLostTwiceOrOutOfOrder(t *testing.T) {
	for seed := range seeds.Of(propertySeeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { testFickleRun(t, seed) })
	}
}

func testFickleRun(t *testing.T, seed uint64) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		random := rand.New(rand.NewPCG(seed, 3))
		crm := &fickleCRM{crm: r.crm, random: rand.New(rand.NewPCG(seed, 4))}
		r.crm.setAnswer(crm.answer)
		window := []int{1, 2, 8, 256}[random.IntN(4)]
		small := func(c *Config) { c.Window, c.DedupeWindow = window, 50 }
		r.primed()
		n, sent := [2]int64{}, map[int]int{}
		produce := func() {
			partition := random.IntN(2)
			for range random.IntN(20) {
				person := 2*random.IntN(8) + partition // a person's events lie in one partition
				m := eventOf(fmt.Sprintf("p%d-%d", person, sent[person]), fmt.Sprint("+", person))
				m.partition = partition
				sent[person]++
				n[partition]++
				r.produce(m)
			}
		}
		var left []*process
		link := r.line()
		p := r.start(small, link.use)
		for range 6 {
			produce()
			time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
			produce()
			next := r.line()
			r.awaitMembers(p)
			switch random.IntN(3) {
			case 0: // a kill
				link.sever()
				left = append(left, p)
				p = r.start(small, next.use)
			case 1: // a clean restart
				p.shutdown(t)
				p = r.start(small, next.use)
			default: // a rebalance
				q := r.start(small, next.use)
				time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
				r.awaitMembers(p, q)
				p.shutdown(t)
				p = q
			}
			link = next
		}
		crm.mu.Lock()
		crm.calm = true
		crm.mu.Unlock()
		r.awaitCommits(n, append(left, p)...)
		p.shutdown(t)
		for _, q := range left {
			q.shutdown(t)
		}
		synctest.Wait()
		if got := int64(len(r.crm.createdIDs())); got != n[0]+n[1] {
			t.Errorf("seed %d: %d contacts of %d events", seed, got, n[0]+n[1])
		}
		r.crm.once(t)
		r.crm.inOrder(t)
	})
}

// propertySeeds is how many runs are tried, see [seeds.Of].
const propertySeeds = 40
