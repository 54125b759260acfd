package transform

import "context"

// runContext ends a run of a program after a number of steps, or with the context that it wraps. It counts steps by calls
// of Done, which the interpreter calls before each. It belongs to the goroutine of the run.
type runContext struct {
	context.Context
	left  int           // how many steps are left
	spent chan struct{} // closed; returned by Done when no step is left
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
