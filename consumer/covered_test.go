package consumer

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
)

// Whenever a create may leave, the group's commit already says that it may have been sent. This includes the records that
// were there before the take-over, for which only the opening commit says so.
func TestCreateIsCoveredByACommit(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		const before, after = 40, 600 // records at the take-over, and those that come later: more than two windows
		r.produce(events("e", before)...)
		b := newBroker(r.config())
		defer b.reset()
		var mu sync.Mutex
		uncovered := map[string]Stage{}
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			var offset int64
			_, _ = fmt.Sscanf(q.OriginID, "e%d", &offset)
			commits, err := b.fetchCommits(ctx, []int{0})
			if stage := progressOf(commits[0]).Stage(offset); err != nil || stage != StageSent {
				mu.Lock()
				defer mu.Unlock()
				uncovered[q.OriginID] = stage
			}
			return crmclient.Result{}, nil, false
		})
		p := r.start()
		r.await("the first ones", func() bool { return len(r.crm.createdIDs()) == before })
		more := events("e", before+after)
		r.produce(more[before:]...)
		r.await("all", func() bool { return len(r.crm.createdIDs()) == before+after })
		p.shutdown(t)
		mu.Lock()
		defer mu.Unlock()
		if len(uncovered) > 0 {
			t.Errorf("%d creates left while the commit did not say so: %v", len(uncovered), uncovered)
		}
	})
}
