package consumer

import (
	"context"
	"sync"
)

// buffer is the byte budget of the process for records that are not finished.
// A reservation larger than the whole budget is granted when nothing else is held, so that a
// record of any size can pass.
type buffer struct {
	limit int64

	mu    sync.Mutex
	used  int64
	queue []*reservation
}

type reservation struct {
	size    int64
	granted chan struct{}
}

func newBuffer(limit int64) *buffer { return &buffer{limit: limit} }

// reserve waits for room, first come first served.
func (b *buffer) reserve(ctx context.Context, size int64) error {
	b.mu.Lock()
	if len(b.queue) == 0 && b.fits(size) {
		b.used += size
		b.mu.Unlock()
		return nil
	}
	r := &reservation{size: size, granted: make(chan struct{})}
	b.queue = append(b.queue, r)
	b.mu.Unlock()
	select {
	case <-r.granted:
		return nil
	case <-ctx.Done():
		b.withdraw(r)
		return ctx.Err()
	}
}

func (b *buffer) fits(size int64) bool { return b.used == 0 || b.used+size <= b.limit }

// withdraw takes a reservation back, granted meanwhile or not.
func (b *buffer) withdraw(r *reservation) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, queued := range b.queue {
		if queued == r {
			b.queue = append(b.queue[:i], b.queue[i+1:]...)
			b.grant() // the next may be smaller
			return
		}
	}
	b.free(r.size)
}

// release gives room back; a negative size takes what turned out larger than
// it was reserved for.
func (b *buffer) release(size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free(size)
}

func (b *buffer) free(size int64) {
	b.used -= size
	b.grant()
}

func (b *buffer) grant() {
	for len(b.queue) > 0 && b.fits(b.queue[0].size) {
		b.used += b.queue[0].size
		close(b.queue[0].granted)
		b.queue = b.queue[1:]
	}
}

// inUse tells the bytes held.
func (b *buffer) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
