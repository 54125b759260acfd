package webhook

import (
	"net/netip"
	"sync"
)

// memoryBudget bounds the memory of bodies that are being read or wait for their acknowledgement: for the process,
// for each source, and for each peer that sends to a source. What is sent to one source takes nothing from the
// others, and one peer cannot use up a source's budget.
type memoryBudget struct {
	mu      sync.Mutex
	left    int64                    // guarded by mu; bytes of the process
	sources map[string]*sourceBudget // by name
}

// sourceBudget is a source's part of the memory, in bytes.
type sourceBudget struct {
	left      int64                // guarded by memoryBudget.mu
	peerLimit int64                // of one peer
	held      map[netip.Addr]int64 // guarded by memoryBudget.mu; by peers that hold something
}

// minPeersToFillSource is how many peers it takes at least to use up a source's budget.
const minPeersToFillSource = 4

// leastSourceBudget returns how many bytes one event of a source may take. A body of unknown length is read into a
// buffer that doubles, and the event that is made of it takes up to maxValue.
func leastSourceBudget(maxBody int64) int64 { return 2*maxBody + maxValue }

// newMemoryBudget divides total bytes: sources that name a buffer get that, the others get equal parts of the rest.
// Each gets enough for one of its events, even where that is more than total together.
func newMemoryBudget(total int64, sources map[string]*source) *memoryBudget {
	m := &memoryBudget{left: total, sources: make(map[string]*sourceBudget, len(sources))}
	rest, others := total, int64(0)
	for _, s := range sources {
		if s.buffer == 0 {
			others++
		}
		rest -= s.buffer
	}
	for name, s := range sources {
		size, least := s.buffer, leastSourceBudget(s.maxBody)
		if size == 0 {
			size = max(rest/others, least)
		}
		m.sources[name] = &sourceBudget{left: size, peerLimit: max(size/minPeersToFillSource, least), held: map[netip.Addr]int64{}}
	}
	return m
}

// reservation is the memory that one request holds. Only the request's goroutine uses it.
type reservation struct {
	budget *memoryBudget
	source *sourceBudget
	peer   netip.Addr
	size   int64 // bytes
}

// reserve returns a reservation of 0 bytes.
func (m *memoryBudget) reserve(source string, peer netip.Addr) *reservation {
	return &reservation{budget: m, source: m.sources[source], peer: peer}
}

// grow reserves n more bytes. It reports false, and reserves nothing, when the process, the source or the peer
// has not so many left.
func (r *reservation) grow(n int64) (ok bool) {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	held := r.source.held[r.peer] + n
	if n > r.budget.left || n > r.source.left || held > r.source.peerLimit {
		return false
	}
	r.budget.left -= n
	r.source.left -= n
	r.source.held[r.peer] = held
	r.size += n
	return true
}

// release gives everything back.
func (r *reservation) release() {
	r.budget.mu.Lock()
	defer r.budget.mu.Unlock()
	r.budget.left += r.size
	r.source.left += r.size
	if r.source.held[r.peer] -= r.size; r.source.held[r.peer] <= 0 {
		delete(r.source.held, r.peer) // there may be any number of addresses
	}
	r.size = 0
}
