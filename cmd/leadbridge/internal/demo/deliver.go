package demo

import (
	"context"
	"errors"
	"time"
)

// deliver sends the leads while the service runs, and waits until all are
// committed, or until there is no hope; the audit then says what is missing.
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
	for !d.broker.caughtUp() {
		select {
		case <-tick.C:
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

// patience is how long the delivery may take.
func (d *demo) patience() time.Duration {
	return time.Minute + time.Duration(d.cfg.Events)*40*time.Millisecond
}

var errPatience = errors.New("the delivery takes too long")

// sendFor is how long the leads take to come in.
const sendFor = 2 * time.Second

func (d *demo) send(ctx context.Context) error {
	pause := time.NewTicker(max(sendFor/time.Duration(len(d.leads)), time.Microsecond))
	defer pause.Stop()
	for i, l := range d.leads {
		at, err := d.broker.produce(ctx, l, i)
		if err != nil {
			return err
		}
		d.fates[at] = l.fate
		select {
		case <-pause.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// audit reads everything back. It waits for what the portal may still apply late.
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
	return audit(evidence{records: records, fates: d.fates, letters: letters, contacts: d.sim.Contacts()}, d.transformer), nil
}
