package dlt

import (
	"context"
	"math"
	"time"

	"github.com/leadbridge/leadbridge/internal/wait"
)

// pace keeps a replay to its rate. One goroutine uses it.
type pace struct {
	every time.Duration // between two events; 0: no limit
	batch int           // how many events a transaction may have
	next  time.Time     // when the next event may leave; a time that is past: now
}

// A transaction has as many events as the rate allows in batchTime, and at most maxBatch: smaller ones would cost too
// much, and a longer one would delay the readers of what others write meanwhile.
const (
	batchTime = 200 * time.Millisecond
	maxBatch  = 500
)

// newPace returns the pace for a rate in events a second; 0: no limit.
func newPace(rate float64) pace {
	if rate <= 0 {
		return pace{batch: maxBatch}
	}
	return pace{
		every: time.Duration(float64(time.Second) / rate),
		batch: int(min(max(math.Ceil(rate*batchTime.Seconds()), 1), maxBatch)),
	}
}

// wait waits until n events may leave; the error is ctx's.
func (p *pace) wait(ctx context.Context, n int) error {
	now := time.Now()
	if err := wait.For(ctx, p.next.Sub(now)); err != nil {
		return err
	}
	if now = time.Now(); p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(n) * p.every)
	return nil
}
