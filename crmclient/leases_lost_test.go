package crmclient

import (
	"errors"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// One event's lease stops a batch. If nothing of it was written the others go again; if a part was, they are in doubt, as
// the portal may have read their items.
func TestBatchStoppedByOneLease(t *testing.T) {
	lost := errors.New("lease lost")
	waiter := func(lease error) *queue.Waiter {
		return &queue.Waiter{Payload: &attempt{delivery: &delivery{req: Request{Lease: func() error { return lease }}}}}
	}
	for _, test := range []struct {
		name    string
		written time.Time
		want    *trigger // of the event whose lease holds; nil: it goes again
	}{
		{"nothing was written", time.Time{}, nil},
		{"a part was written", time.Now(), new(onDoubt)},
	} {
		stopped, other := waiter(lost), waiter(nil)
		got := answer{trigger: onUnsent, outcome: vibe.Outcome{Class: vibe.LeaseLost, Lease: lost, Written: test.written}}
		answers := leasesLost([]*queue.Waiter{stopped, other}, got)
		if a, ok := answers[stopped].(*answer); !ok || a.trigger != onUnsent || !errors.Is(a.outcome.Lease, lost) {
			t.Errorf("%s: the event without a lease gets %+v", test.name, answers[stopped])
		}
		a, ok := answers[other].(*answer)
		if ok != (test.want != nil) || ok && (a.trigger != *test.want || a.outcome.Class != vibe.Doubt) {
			t.Errorf("%s: the other event gets %+v", test.name, answers[other])
		}
	}
}
