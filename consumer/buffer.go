package consumer

import (
	"context"
	"sync"
)

// A buffer bounds the bytes of one partition's records, so that no partition uses up another's memory. A reservation larger
// than the limit is granted when nothing else is reserved, so that a record of any size can be delivered.
type buffer struct {
	mu    sync.Mutex
	limit int64
	used  int64
	freed chan struct{} // closed when bytes are released; nil while nobody waits
}

func newBuffer(limit int64) *buffer {
	return &buffer{limit: limit}
}

// setLimit changes how many bytes may be reserved. Bytes that are reserved already stay so.
func (b *buffer) setLimit(limit int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = limit
	b.wakeAll()
}

// room returns how many bytes may be reserved in all.
func (b *buffer) room() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limit
}

// reserve waits until size bytes are free, and reserves them. The error is ctx's.
func (b *buffer) reserve(ctx context.Context, size int64) error {
	for {
		freed := b.tryReserve(size)
		if freed == nil {
			return nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tryReserve reserves size bytes if they are free, and returns nil. If not, it returns a channel that is closed when more
// bytes may be free.
func (b *buffer) tryReserve(size int64) (freed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used == 0 || b.used+size <= b.limit {
		b.used += size
		return nil
	}
	if b.freed == nil {
		b.freed = make(chan struct{})
	}
	return b.freed
}

// wakeAll makes all waiting reservations try again.
func (b *buffer) wakeAll() {
	if b.freed != nil {
		close(b.freed)
		b.freed = nil
	}
}

// release gives bytes back. A negative size reserves more bytes, even over the limit, for records that turned out larger than
// their reservation.
func (b *buffer) release(size int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= size
	b.wakeAll()
}

// inUse returns how many bytes are reserved.
func (b *buffer) inUse() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}
