package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	heartbeatapi "github.com/segmentio/kafka-go/protocol/heartbeat"

	"github.com/leadbridge/leadbridge/internal/phrase"
)

// heartbeatsPerSession is how many heartbeats are sent in a session timeout. They are frequent because a member notices a
// rebalance by a heartbeat, and all members stand still until the last one has noticed it.
const heartbeatsPerSession = 30

// startHeartbeats begins to keep the lease by heartbeats. stop ends them, and returns when the last one has ended.
func (g *generation) startHeartbeats() (stop func()) {
	ctx, cancel := context.WithCancel(g.workCtx)
	var done sync.WaitGroup
	done.Go(func() { g.heartbeatsEnded(g.heartbeats(ctx)) })
	return func() {
		cancel()
		done.Wait()
	}
}

// heartbeats renews the lease until ctx ends, a heartbeat is refused permanently or the lease has lapsed, and returns the
// error of that. When a heartbeat says that the group rebalances, the generation ends in order, and heartbeats go on.
func (g *generation) heartbeats(ctx context.Context) error {
	ticker := time.NewTicker(max(g.deps.cfg.SessionTimeout/heartbeatsPerSession, time.Microsecond))
	defer ticker.Stop()
	failures := 0 // heartbeats in a row without an answer
	for {
		sent := time.Now()
		// Three heartbeats that are not answered fit into a session.
		err := g.deps.broker.heartbeat(ctx, g.member, g.deps.cfg.SessionTimeout*3/10)
		var refused *refusedHeartbeat
		switch {
		case err == nil:
			failures = 0
			g.lease.renew(sent)
			g.noteReachable()
		case errors.As(err, &refused):
			failures = 0
			g.noteReachable()
			if errors.Is(err, kafka.RebalanceInProgress) {
				g.endForRebalance()
			} else if !isTransient(refused) {
				return err
			}
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			// A broker may close a connection at any time, so that one failure does not mean that the coordinator is away.
			// An answer that did not come in time does.
			failures++
			if failures > 1 || errors.Is(err, context.DeadlineExceeded) {
				g.noteUnreachable(err)
			}
			g.deps.broker.reset()
		}
		if lapsed := g.lease.err(); lapsed != nil {
			return errors.Join(lapsed, err)
		}
		if failures == 1 { // another connection is tried at once
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}

// heartbeatsEnded aborts the generation unless it has ended already: without heartbeats it may no longer own its partitions.
func (g *generation) heartbeatsEnded(err error) {
	if err != nil && g.workCtx.Err() == nil {
		g.abort(err)
	}
}

// noteReachable notes that the group's coordinator answers.
func (g *generation) noteReachable() { g.deps.board.clear(HoldBrokers) }

// noteUnreachable notes that the group's coordinator does not answer.
func (g *generation) noteUnreachable(err error) {
	g.deps.board.hold(HoldBrokers, brokersAdvice(err, phrase.New("no_coordinator", "the group's coordinator does not answer: look at the cluster")))
	g.deps.cfg.Log.Debug().Err(err).Msg("heartbeat failed")
}

// isTransient reports whether a request was refused because the group's coordinator moves, or cannot write for now. After
// such an answer to a heartbeat this process is still a member; the lease is not renewed, and runs on.
func isTransient(err error) bool {
	for _, code := range []kafka.Error{kafka.GroupLoadInProgress, kafka.GroupCoordinatorNotAvailable, kafka.NotCoordinatorForGroup} {
		if errors.Is(err, code) {
			return true
		}
	}
	return false
}

// heartbeatRequest is kafka-go's heartbeat request with a Group method. Without one (v0.4.51) it goes to any broker of the
// cluster, but only the group's coordinator knows the member.
type heartbeatRequest heartbeatapi.Request

// ApiKey implements [protocol.Message].
func (*heartbeatRequest) ApiKey() protocol.ApiKey { return protocol.Heartbeat } //nolint:staticcheck // the name is of protocol.Message

// Group implements [protocol.GroupMessage]: the request goes to the coordinator of this group.
func (r *heartbeatRequest) Group() string { return r.GroupID }

// heartbeat sends a heartbeat. It returns nil when the coordinator confirms the membership, *refusedHeartbeat when the
// coordinator answers with an error, and another error when there is no answer.
//
// kafka-go v0.4.51 reads the error code of the answer into ThrottleTimeMs, and leaves ErrorCode 0 whatever the broker
// said. So only an answer in which both are 0 is good, which stays right once kafka-go is fixed.
func (b *broker) heartbeat(ctx context.Context, m membership, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	answer, err := b.transport.RoundTrip(ctx, b.addr, &heartbeatRequest{
		GroupID: b.group, GenerationID: int32(m.generation), MemberID: m.member,
	})
	if err != nil {
		return fmt.Errorf("heartbeat: %w", err)
	}
	res, ok := answer.(*heartbeatapi.Response)
	switch {
	case !ok:
		return fmt.Errorf("heartbeat: answered with a %T", answer)
	case res.ErrorCode != 0:
		return &refusedHeartbeat{kafka.Error(res.ErrorCode)}
	case res.ThrottleTimeMs != 0:
		return &refusedHeartbeat{kafka.Error(res.ThrottleTimeMs)}
	}
	return nil
}

// refusedHeartbeat is an answer of the coordinator that does not renew a lease.
type refusedHeartbeat struct{ err error }

func (r *refusedHeartbeat) Error() string { return "heartbeat refused: " + r.err.Error() }

func (r *refusedHeartbeat) Unwrap() error { return r.err }
