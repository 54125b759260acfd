package webhook

import (
	"context"
	"runtime"
)

// largeBody is the size in bytes from which on bodies are decoded one at a time.
const largeBody = 64 << 10

// workers bound how many bodies are decoded at a time. Decoding takes nothing but processor time, so that more at a
// time would not be faster, and it may need a hundred times a body's size, which the memory budget does not count.
type workers struct {
	all, large chan struct{} // semaphores: one element for each body that is being decoded
}

func newWorkers() *workers {
	return &workers{all: make(chan struct{}, runtime.GOMAXPROCS(0)), large: make(chan struct{}, 1)}
}

// enter waits until a body of so many bytes may be decoded. It returns errOverloaded when ctx ends first.
func (w *workers) enter(ctx context.Context, size int) (leave func(), err error) {
	places := []chan struct{}{w.all}
	if size > largeBody { // large is taken first: a body that waits for it keeps no smaller one from being decoded
		places = []chan struct{}{w.large, w.all}
	}
	for i, place := range places {
		select {
		case place <- struct{}{}:
		case <-ctx.Done():
			release(places[:i])
			return nil, errOverloaded
		}
	}
	return func() { release(places) }, nil
}

func release(places []chan struct{}) {
	for _, place := range places {
		<-place
	}
}
