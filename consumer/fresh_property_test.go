package consumer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/seeds"
)

// Backlogs are overtaken while owners are killed, stopped and joined by others at any moment, answers get lost, and events
// come again: nothing is lost, nothing is twice, and each person's events keep their order.
func TestOvertakenBacklogsLoseNothing(t *testing.T) {
	splits := 0
	for seed := range seeds.Of(propertySeeds) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { splits += testOvertakenBacklogs(t, seed) })
	}
	if splits == 0 && !t.Failed() {
		t.Error("no backlog was set aside")
	}
}

// away has the CRM take nothing until the returned function is called.
func (f *fickleCRM) away() (back func()) {
	gone := make(chan struct{})
	f.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
		select {
		case <-gone:
			return f.answer(ctx, q)
		case <-ctx.Done():
			return crmclient.Result{}, ctx.Err(), true
		case <-q.Stop:
			return crmclient.Result{}, crmclient.ErrStopped, true
		}
	})
	return func() { close(gone) }
}

func testOvertakenBacklogs(t *testing.T, seed uint64) (splits int) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		random := rand.New(rand.NewPCG(seed, 5))
		crm := &fickleCRM{crm: r.crm, random: rand.New(rand.NewPCG(seed, 6))}
		r.crm.setAnswer(crm.answer)
		window := []int{2, 4, 16}[random.IntN(3)]
		small := func(c *Config) {
			c.Window, c.DedupeWindow, c.FreshFirst, c.MaxInFlight = window, 1000, .5, random.IntN(2)
		}
		r.primed()
		n, sent := [2]int64{}, map[int]int{}
		produce := func(most int) {
			partition := random.IntN(2)
			for range random.IntN(most) {
				person := 2*random.IntN(20) + partition // a person's events lie in one partition
				number := sent[person]
				if number > 0 && random.IntN(4) == 0 {
					number = random.IntN(number) // it comes again
				} else {
					sent[person]++
				}
				m := eventOf(fmt.Sprintf("p%d-%d", person, number), fmt.Sprint("+", person))
				m.partition = partition
				n[partition]++
				r.produce(m)
			}
		}
		var left []*process
		way := r.line()
		p := r.start(small, way.use)
		for range 5 {
			r.awaitMembers(p)
			back := crm.away()
			for range 4 {
				produce(60)
			}
			time.Sleep(backlogAge + time.Duration(random.IntN(3000))*time.Millisecond)
			back()
			produce(10)
			time.Sleep(time.Duration(random.IntN(8000)) * time.Millisecond)
			produce(10)
			next := r.line()
			switch random.IntN(4) {
			case 0: // a kill
				way.sever()
				left = append(left, p)
				p = r.start(small, next.use)
			case 1: // a clean restart, perhaps without the setting
				p.shutdown(t)
				without := random.IntN(3) == 0
				p = r.start(small, next.use, func(c *Config) {
					if without {
						c.FreshFirst = 0
					}
				})
			case 2: // a rebalance
				q := r.start(small, next.use)
				time.Sleep(time.Duration(random.IntN(5000)) * time.Millisecond)
				r.awaitMembers(p, q)
				p.shutdown(t)
				p = q
			default: // it works on
				continue
			}
			way = next
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
		events := 0
		for _, number := range sent {
			events += number
		}
		if got := len(r.crm.createdIDs()); got != events {
			t.Errorf("%d contacts of %d events", got, events)
		}
		r.crm.once(t)
		r.crm.inOrder(t)
		splits = strings.Count(r.logs.String(), "a backlog is set aside")
		t.Logf("window %d, %d records, %d events, %d backlogs", window, n[0]+n[1], events, splits)
	})
	return splits
}
