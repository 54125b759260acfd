// Package sendqueue gathers items while a batch of earlier ones is being sent: batches grow with the load by
// themselves, and an item that comes alone does not wait.
package sendqueue

import (
	"slices"
	"sync"
)

// Limits bound a batch.
type Limits struct {
	Items int
	Bytes int // an item that is larger than this goes alone
}

// Queue holds the items that wait for one sender. It is safe for concurrent use.
type Queue[T any] struct {
	limits  Limits
	size    func(T) int  // in bytes
	dropped func(T) bool // reports whether nobody waits for the item any more; nil: somebody always does

	mu      sync.Mutex
	waiting []T
	sending bool
}

// New returns an empty queue.
func New[T any](limits Limits, size func(T) int, dropped func(T) bool) *Queue[T] {
	return &Queue[T]{limits: limits, size: size, dropped: dropped}
}

// Add puts an item behind the others. It reports whether the queue has no sender: then the caller starts one, which
// calls Next until that returns nothing.
func (q *Queue[T]) Add(item T) (needsSender bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting = append(q.waiting, item)
	needsSender = !q.sending
	q.sending = true
	return needsSender
}

// Next takes the next batch out of the queue, oldest first. An empty one ends the sender.
func (q *Queue[T]) Next() []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dropped != nil {
		q.waiting = slices.DeleteFunc(q.waiting, q.dropped)
	}
	n, size := 0, 0
	for n < min(len(q.waiting), q.limits.Items) && (n == 0 || size+q.size(q.waiting[n]) <= q.limits.Bytes) {
		size += q.size(q.waiting[n])
		n++
	}
	if n == 0 {
		q.waiting, q.sending = nil, false
		return nil
	}
	batch := slices.Clone(q.waiting[:n])
	q.waiting = slices.Delete(q.waiting, 0, n)
	return batch
}

// Len returns how many items wait.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting)
}
