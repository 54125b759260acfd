package demo

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/audit"
)

// deliver sends the leads, and waits until all are committed. If that takes longer than patience, deliver sets unfinished and
// returns nil: the audit says what is missing. Until all are committed, it sends one more lead now and then, as a website
// does: an event that fails again and again becomes a dead letter only if others pass between its tries.
func (d *demo) deliver(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d.patience(), errPatience)
	defer cancel()
	stopProgress := d.progress()
	defer stopProgress()
	if err := d.send(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	more := time.NewTicker(trickle)
	defer more.Stop()
	quiet := time.Now().Add(quietFor)
	all := d.broker.ends()
	r := rand.New(rand.NewPCG(d.cfg.Seed, 1))
	for sent := len(d.leads); !d.broker.committed(d.broker.ends()); { // a straggler may still have to be committed
		select {
		case <-tick.C:
		case <-more.C:
			if time.Now().Before(quiet) || d.broker.committed(all) {
				break
			}
			if err := d.sendOne(ctx, straggler(r, sent), sent); err != nil {
				return err
			}
			sent++
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errPatience) {
				d.unfinished = true
				return nil
			}
			return context.Cause(ctx)
		}
	}
	return nil
}

// patience returns how long the delivery may take.
func (d *demo) patience() time.Duration {
	return time.Minute + time.Duration(d.cfg.Events)*40*time.Millisecond
}

var errPatience = errors.New("the delivery takes too long")

// sendFor is how long it takes to send the leads.
const sendFor = 2 * time.Second

func (d *demo) send(ctx context.Context) error {
	pause := time.NewTicker(max(sendFor/time.Duration(len(d.leads)), time.Microsecond))
	defer pause.Stop()
	for i, l := range d.leads {
		if err := d.sendOne(ctx, l, i); err != nil {
			return err
		}
		select {
		case <-pause.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

const (
	// quietFor is how long after the leads no further one is sent.
	quietFor = 4 * time.Second
	// trickle is the time between two further leads.
	trickle = 150 * time.Millisecond
)

func (d *demo) sendOne(ctx context.Context, l lead, n int) error {
	at, err := d.broker.produce(ctx, l, n)
	if err != nil {
		return err
	}
	d.fates[at] = due{l.fate, l.points}
	return nil
}

// audit reads everything back and accounts for it, after the time in which the portal may still apply requests.
func (d *demo) audit(ctx context.Context) (verdict, error) {
	select {
	case <-time.After(lateBy):
	case <-ctx.Done():
		return verdict{}, context.Cause(ctx)
	}
	records, err := d.broker.read(ctx, topic)
	if err != nil {
		return verdict{}, err
	}
	letters, err := d.broker.read(ctx, deadLetterTopic)
	if err != nil {
		return verdict{}, err
	}
	return auditOf(evidence{
		records: records, fates: d.fates, letters: letters, objects: objectsOf(d.sim), comments: audit.CommentsOf(d.sim.Records(crmtest.Timelines)),
		target: d.cfg.Target, match: d.match(),
	}, d.transformer), nil
}
