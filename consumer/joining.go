package consumer

import (
	"context"
	"slices"
	"time"
)

// joinInterval is how often the group is looked at before it is joined.
const joinInterval = 250 * time.Millisecond

// awaitLivingMembers is called before the group is joined, and waits while one of its members seems to be dead. A join
// begins a rebalance, in which all members stand still until each has joined again or its session has ended. A process that
// joins while the session of a dead member runs stops all others for the rest of that session, and a replica that crashes
// again and again would stop the whole group.
//
// Each living owner commits for its partitions every few seconds, as its send horizon has to move. So an owner whose commit
// does not change is dead. When the brokers do not answer, awaitLivingMembers returns at once.
func (c *Consumer) awaitLivingMembers(ctx context.Context) {
	w := newGroupWatch(c.deps.cfg.SessionTimeout, time.Now())
	ticker := time.NewTicker(joinInterval)
	defer ticker.Stop()
	logged := false
	for ctx.Err() == nil {
		group, commits, err := c.lookAtGroup(ctx)
		now := time.Now()
		if err != nil || w.mayJoin(group, commits, now) {
			return
		}
		if silent := w.silent(); !logged && len(silent) > 0 && w.ownersOverdue(now) {
			logged = true
			c.deps.cfg.Log.Info().Ints("partitions", silent).
				Msg("a member of the group is silent: joining when its session has ended, so that the others work on until then")
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// lookAtGroup reads the group's state and, while the group is stable, its commits.
func (c *Consumer) lookAtGroup(ctx context.Context) (groupState, map[int]committed, error) {
	group, err := c.deps.broker.describeGroup(ctx)
	if err != nil || group.state != groupStable {
		return group, nil, err
	}
	ids, err := c.deps.broker.partitions(ctx)
	if err != nil {
		return group, nil, err
	}
	commits, err := c.deps.broker.fetchCommits(ctx, ids)
	return group, commits, err
}

// groupWatch decides from the group's commits whether the owners of all partitions live. It does no I/O and needs no lock.
type groupWatch struct {
	session time.Duration
	began   time.Time         // when the process began to look
	first   map[int]committed // the commits as they were first seen
	changed map[int]bool      // partitions whose commit has changed since
}

func newGroupWatch(session time.Duration, now time.Time) *groupWatch {
	return &groupWatch{session: session, began: now, first: map[int]committed{}, changed: map[int]bool{}}
}

// mayJoin notes what was read at now, and reports whether to join: when that stops nobody for long, or waiting does not
// help.
func (w *groupWatch) mayJoin(group groupState, commits map[int]committed, now time.Time) bool {
	switch group.state {
	case groupCompleting:
		return w.sessionsOver(now)
	case groupStable:
	default: // the group has no members, or they stand still already in a rebalance that this process can join
		return true
	}
	w.note(commits)
	switch {
	case group.members < 2: // nobody else would wait
		return true
	case len(w.changed) == len(w.first): // all owners live
		return true
	case len(w.changed) == 0 && w.ownersOverdue(now): // no owner lives, or the owners do not commit as we do
		return true
	}
	return w.sessionsOver(now)
}

// note compares the group's commits with those that were seen first.
func (w *groupWatch) note(commits map[int]committed) {
	for id, c := range commits {
		first, seen := w.first[id]
		if !seen {
			w.first[id] = c
		}
		if seen && first != c {
			w.changed[id] = true
		}
	}
}

// silent returns the partitions whose commit has not changed, ascending.
func (w *groupWatch) silent() []int {
	var ids []int
	for id := range w.first {
		if !w.changed[id] {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// ownersOverdue reports whether every living owner must have committed by now: an idle owner commits two ninths of a session
// timeout after its last commit.
func (w *groupWatch) ownersOverdue(now time.Time) bool { return now.Sub(w.began) >= w.session/3 }

// sessionsOver reports whether the session of every member that was dead at the start must have ended by now.
func (w *groupWatch) sessionsOver(now time.Time) bool { return now.Sub(w.began) >= w.session*3/2 }
