package consumer

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// When the coordinator answers heartbeats late, it may have received them at once, so that the lease runs from the time
// at which they were sent.
func TestLeaseRunsFromSlowHeartbeats(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		b, m, group := r.joined()
		defer group.Close()
		defer b.reset()
		const late = 3 * time.Second
		r.cluster.ControlKey(int16(kmsg.Heartbeat), func(kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			time.Sleep(late) // virtual
			return nil, nil, false
		})
		ctx, stop := context.WithCancel(t.Context())
		lease, ended := r.heartbeatsOf(ctx, b, m)
		time.Sleep(late) // virtual: until the first answer
		for range 50 {
			if left := lease.remaining(); left > lease.length-late || left <= 0 {
				t.Errorf("the lease lasts for %v, though the last heartbeat was sent %v ago at least", left, late)
				break
			}
			time.Sleep(100 * time.Millisecond) // virtual
		}
		stop()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the heartbeats ended with %v", err)
		}
	})
}
