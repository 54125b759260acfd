package crmclient

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/queue"
)

// Extras that only wait for their turn count, and at the bound a fill is given up; a comment goes on waiting.
func TestExtrasThatWaitForTheirTurnAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := New(Config{BaseURL: "http://crm", APIKey: Secret{Value: "key"}, BatchSize: 1, Target: TargetDeal})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.governor.ready, c.governor.paused = true, true
		ctx, end := context.WithCancel(t.Context())
		defer synctest.Wait()
		defer end()
		enter := func() {
			go func() { _, _ = c.queue.Wait(ctx, nil, &queue.Waiter{Kind: queue.Extra, Payload: &attempt{}}) }()
			synctest.Wait()
		}
		enter()
		for i, s := range []*step{newFill(1, false), newComment(false, false, false), newComment(true, false, false)} {
			s.extra.since = time.Now()
			for range 2 {
				_, _, err := c.admit(s)
				if _, ok := errors.AsType[*Deferred](err); !ok || c.extrasWaiting.Load() != int64(i+1) {
					t.Fatalf("step %d: %v, %d wait", i, err, c.extrasWaiting.Load())
				}
			}
		}
		enter()
		if c.mustLeave() {
			t.Error("half of the places are taken, and extras leave the queue")
		}
		enter()
		if !c.mustLeave() {
			t.Error("while creates are held extras keep more than half of the places")
		}
		c.governor.setPaused(false)
		if c.mustLeave() {
			t.Error("extras leave the queue though creates are not held")
		}
		c.extrasWaiting.Store(maxExtrasWaiting)
		for s, want := range map[*step]bool{newFill(1, false): true, newComment(false, false, false): false, newComment(true, false, false): false} {
			if got := c.notWorthWaiting(s); got != want {
				t.Errorf("%s, essential %t: given up %t", s.entity, s.extra.essential, got)
			}
		}
		if got := c.troubleOf(newFill(1, false)); got != reasonTooManyWait {
			t.Errorf("the reason is %s", got)
		}
		comment := newComment(false, false, false)
		if !c.keepsPlace(comment) || c.keepsPlace(newFill(1, false)) {
			t.Error("a comment that met no failure is deferred, or a fill is not")
		}
		c.governor.setPaused(true)
		if c.keepsPlace(comment) {
			t.Error("a comment keeps its place while creates are held")
		}
		c.governor.setPaused(false)
		if comment.written = 1; !c.notWorthWaiting(comment) || c.keepsPlace(comment) {
			t.Error("a comment that failed goes on waiting")
		}
	})
}
