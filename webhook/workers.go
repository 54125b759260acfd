package webhook

import (
	"context"
	"runtime"
)

// largeBody in bytes is one that is understood alone.
const largeBody = 64 << 10

// workers bound how many bodies are understood at a time. It takes processor time
// alone, so that more would not be faster; and what a body is made into on the way to
// an event may take a hundred times its size, which no budget of bodies covers.
type workers struct {
	all, large chan struct{} // a place each
}

func newWorkers() *workers {
	return &workers{all: make(chan struct{}, runtime.GOMAXPROCS(0)), large: make(chan struct{}, 1)}
}

// enter waits for its turn with a body of a size; errNoRoom when ctx ends first.
func (w *workers) enter(ctx context.Context, size int) (leave func(), err error) {
	places := []chan struct{}{w.all}
	if size > largeBody { // first: who waits for it keeps no other one from working
		places = []chan struct{}{w.large, w.all}
	}
	for i, place := range places {
		select {
		case place <- struct{}{}:
		case <-ctx.Done():
			release(places[:i])
			return nil, errNoRoom
		}
	}
	return func() { release(places) }, nil
}

func release(places []chan struct{}) {
	for _, place := range places {
		<-place
	}
}
