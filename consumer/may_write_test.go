package consumer

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// A request may leave while both hold: the lease, and the send horizon of the last commit. A process that froze may find
// either of them ended when it thaws.
func TestRequestsLeaveUnderLeaseAndHorizon(t *testing.T) {
	for _, test := range []struct {
		name           string
		lease, horizon time.Duration // how long they last
		may            bool
	}{
		{"both hold", time.Second, time.Second, true},
		{"the lease has ended", -time.Second, time.Second, false},
		{"the horizon has passed", time.Second, -time.Second, false},
		{"the horizon passes now", time.Second, 0, false},
		{"neither holds", -time.Second, -time.Second, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := Config{Window: 8, SessionTimeout: 30 * time.Second, Log: zerolog.Nop()}
			g := &generation{deps: dependencies{cfg: cfg, creator: newFakeCRM()}, lease: newLease(cfg.SessionTimeout), takeover: time.Now()}
			g.lease.renew(time.Now().Add(test.lease - g.lease.length))
			p := newPartition(g, 0, bounds{0, 10}, committed{0, ledger{trial: -1}.encode(0)})
			e := p.entry(time.Now().Add(test.horizon), "")
			e.acknowledge()
			if err := p.worker.mayWrite(); (err == nil) != test.may || err != nil && !errors.Is(err, errLeaseLapsed) {
				t.Errorf("%s: %v", test.name, err)
			}
		})
	}
}
