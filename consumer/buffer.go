package consumer

import (
	"context"
	"sync"
)

// A buffer bounds the bytes of one partition's records, so that no partition takes another's. A reservation larger than
// the limit is granted when nothing else is reserved, so that a record of any size can pass.
type buffer struct {
	mu    sync.Mutex
	limit int64
	used  int64
	freed chan struct{} // signalled when bytes were released
}

func newBuffer(limit int64) *buffer {
	return &buffer{limit: limit, freed: make(chan struct{}, 1)}
}

// setLimit changes how many bytes may be reserved. What is reserved already stays.
func (b *buffer) setLimit(limit int64) {
	b.mu.Lock()
	b.limit = limit
	b.mu.Unlock()
	signal(b.freed)
}

// room returns how many bytes may be reserved in all.
func (b *buffer) room() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limit
}

// reserve waits until size bytes are free, and reserves them. Only one goroutine may call it at a time. The error is
// ctx's.
func (b *buffer) reserve(ctx context.Context, size int64) error {
	for !b.tryReserve(size) {
		select {
		case <-b.freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// tryReserve reserves size bytes if they are free, and reports whether they were.
func (b *buffer) tryReserve(size int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used > 0 && b.used+size > b.limit {
		return false
	}
	b.used += size
	return true
}

// release gives bytes back. A negative size takes more, over the limit if need be, for what turned out larger than it was
// reserved for.
func (b *buffer) release(size int64) {
	b.mu.Lock()
	b.used -= size
	b.mu.Unlock()
	signal(b.freed)
}

// inUse returns how many bytes are reserved.
func (b *buffer) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
