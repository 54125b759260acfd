package consumer

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A newcomer joins when that stops nobody for long, or when waiting does not help.
func TestGroupWatch(t *testing.T) {
	stable := func(members int) groupState { return groupState{groupStable, members} }
	silent := map[int]committed{0: {5, "a"}, 1: {7, "a"}}
	half := map[int]committed{0: {5, "a"}, 1: {7, "b"}} // a later horizon
	all := map[int]committed{0: {6, "a"}, 1: {7, "b"}}
	const session = 30 * time.Second
	for name, tt := range map[string]struct {
		seen  groupState
		now   map[int]committed
		after time.Duration
		want  bool
	}{
		"nobody is there":                {groupState{"Empty", 0}, nil, 0, true},
		"the group is not known":         {groupState{"Dead", 0}, nil, 0, true},
		"it rebalances already":          {groupState{groupPreparing, 9}, nil, 0, true},
		"it is about to work":            {groupState{groupCompleting, 9}, nil, 0, false},
		"one member, maybe a dead one":   {stable(1), silent, time.Second, true},
		"all silent so far":              {stable(3), silent, 9 * time.Second, false},
		"all silent for too long":        {stable(3), silent, 10 * time.Second, true},
		"one of two silent":              {stable(3), half, 10 * time.Second, false},
		"one silent, almost a session":   {stable(3), half, 29 * time.Second, false},
		"one silent, a session and half": {stable(3), half, 45 * time.Second, true},
		"never at work":                  {groupState{groupCompleting, 9}, nil, 45 * time.Second, true},
		"all live":                       {stable(3), all, time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			w := newGroupWatch(session, began)
			w.mayJoin(stable(3), silent, began)
			if got := w.mayJoin(tt.seen, tt.now, began.Add(tt.after)); got != tt.want {
				t.Errorf("joins: %v, want %v", got, tt.want)
			}
		})
	}
}

// An owner whose commit has changed once counts as alive, even if the commit changes back. A partition that appears later has
// an owner of its own.
func TestGroupWatchRemembers(t *testing.T) {
	began := time.Now()
	w := newGroupWatch(30*time.Second, began)
	steps := []struct {
		commits map[int]committed
		silent  []int
		want    bool
	}{
		{map[int]committed{0: {5, "a"}, 1: {7, "a"}}, []int{0, 1}, false},
		{map[int]committed{0: {6, "a"}, 1: {7, "a"}}, []int{1}, false},
		{map[int]committed{0: {5, "a"}, 1: {7, "b"}, 2: {0, ""}}, []int{2}, false},
		{map[int]committed{0: {5, "a"}, 1: {7, "b"}, 2: {1, ""}}, nil, true},
	}
	for i, step := range steps {
		got := w.mayJoin(groupState{groupStable, 3}, step.commits, began.Add(time.Duration(i)*time.Second))
		if diff := cmp.Diff(step.silent, w.silent()); got != step.want || diff != "" {
			t.Errorf("step %d: joins %v, want %v; silent %s", i, got, step.want, diff)
		}
	}
}

// waited produces an event, and returns how long it takes to become a contact.
func (r *rig) waited(id string, partition int) time.Duration {
	r.t.Helper()
	began := time.Now()
	m := event(id)
	m.partition = partition
	r.produce(m)
	r.awaitCreated(id)
	return time.Since(began)
}

// A replica that crashes every 20 s stops no partitions but its own.
func TestCrashingReplicaStopsNobodyElse(t *testing.T) {
	bubble(t, 6, func(t *testing.T, r *rig) {
		r.primed()
		others := r.members(2, 3)
		killed := []*process{}
		link := r.line()
		p := r.start(link.use)
		r.awaitShared(2, append(others, p)...)
		for round := range 3 {
			p.awaitUse(r)
			others[0].awaitUse(r) // it may have joined the same generation, and not begun to deliver
			theirs := others[0].Status().Partitions[0].Partition
			link.sever()
			killed = append(killed, p)
			time.Sleep(time.Second)
			link = r.line()
			p = r.start(link.use)
			for i := range 19 {
				if took := r.waited(fmt.Sprintf("r%d-%d", round, i), theirs); took > 2*time.Second {
					t.Errorf("round %d, after %d s: a lead of a replica that lives waited %s", round, i, took)
				}
				time.Sleep(time.Second)
			}
		}
		for _, p := range append(killed, append(others, p)...) {
			p.shutdown(t)
		}
		r.crm.once(t)
	})
}

// awaitUse waits until the consumer has partitions, but for a minute at most.
func (p *process) awaitUse(r *rig) {
	r.t.Helper()
	for range 60 {
		synctest.Wait()
		if len(p.Status().Partitions) > 0 {
			return
		}
		time.Sleep(time.Second)
	}
}

// The partitions of a replica that crashed get their next owner within a session timeout and five seconds, whether the
// replica is started again or not. A replica that was started again is a member by then.
func TestCrashedReplicaIsReplaced(t *testing.T) {
	for name, again := range map[string]bool{"started again": true, "gone": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 4, func(t *testing.T, r *rig) {
				r.primed()
				a, link := r.start(), r.line()
				b := r.start(link.use)
				r.awaitShared(2, a, b)
				lost := b.Status().Partitions[0].Partition
				link.sever()
				all := []*process{a}
				if again {
					time.Sleep(time.Second)
					all = append(all, r.start())
				}
				if took := r.waited("lead", lost); took > 35*time.Second {
					t.Errorf("it waited %s", took)
				}
				r.awaitShared(4/len(all), all...)
				for _, p := range append(all, b) {
					p.shutdown(t)
				}
				r.crm.once(t)
			})
		})
	}
}
