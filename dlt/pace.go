package dlt

import (
	"context"
	"math"
	"time"
)

// pace spreads events over time. It is used by one goroutine.
type pace struct {
	every time.Duration // 0: no limit
	batch int           // events of a transaction
	next  time.Time
}

// Of a rate, a transaction takes the events of batchTime: each has a cost, and
// while it is open it holds up what is written behind it.
const (
	batchTime = 200 * time.Millisecond
	maxBatch  = 500
)

func newPace(rate float64) pace {
	if rate <= 0 {
		return pace{batch: maxBatch}
	}
	return pace{
		every: time.Duration(float64(time.Second) / rate),
		batch: int(min(max(math.Ceil(rate*batchTime.Seconds()), 1), maxBatch)),
	}
}

// wait waits until n events may leave.
func (p *pace) wait(ctx context.Context, n int) error {
	now := time.Now()
	if wait := p.next.Sub(now); wait > 0 && !sleep(ctx, wait) {
		return ctx.Err()
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if now = time.Now(); p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(n) * p.every)
	return nil
}
