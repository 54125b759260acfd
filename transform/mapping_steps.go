package transform

import (
	"context"
	"time"
)

// stepContext ends after a number of questions whether it has ended: the
// interpreter asks before each of its steps. What the interpreter does natively
// within a step is spent beforehand (see natives). Owned by the goroutine of one run.
type stepContext struct {
	left  int
	ended bool
	done  chan struct{}
}

func newStepContext(steps int) *stepContext {
	return &stepContext{left: steps, done: make(chan struct{})}
}

// spend takes steps; false when there are not so many: then the run ends
// before its next step, which no program can catch.
func (c *stepContext) spend(steps int) bool {
	c.left -= min(max(steps, 0), c.left+1)
	return c.left >= 0
}

func (c *stepContext) Done() <-chan struct{} {
	c.left--
	if c.left <= 0 && !c.ended {
		c.ended = true
		close(c.done)
	}
	return c.done
}

func (c *stepContext) Err() error {
	if c.left <= 0 {
		return context.DeadlineExceeded
	}
	return nil
}

func (c *stepContext) Deadline() (time.Time, bool) { return time.Time{}, false }
func (c *stepContext) Value(any) any               { return nil }
