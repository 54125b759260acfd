package transform

import "context"

// runContext ends a run of a program after a number of steps, or with the context that it wraps. The
// interpreter asks before each step whether it is done. Owned by the goroutine of the run.
type runContext struct {
	context.Context
	left  int
	spent chan struct{} // closed from the start
}

func newRunContext(ctx context.Context, steps int) *runContext {
	spent := make(chan struct{})
	close(spent)
	return &runContext{Context: ctx, left: steps, spent: spent}
}

// Done counts a step.
func (c *runContext) Done() <-chan struct{} {
	c.left--
	if c.left <= 0 {
		return c.spent
	}
	return c.Context.Done()
}

func (c *runContext) Err() error {
	if c.left <= 0 {
		return context.Canceled
	}
	return c.Context.Err()
}
