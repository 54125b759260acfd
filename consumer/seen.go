package consumer

import (
	"hash/maphash"
	"sync"
)

// seen is the bounded memory of event ids: producers retry and websites
// deliver webhooks twice. It keeps the hashes of the last ids of each
// partition and knows them across all partitions of the process. Two ids of one
// hash cost a look-up, nothing else.
type seen struct {
	perPartition int
	seed         maphash.Seed

	mu    sync.Mutex
	count map[uint64]int32 // how many rings hold a hash
	rings map[int]*ring
	last  map[uint64]<-chan struct{} // the newest unfinished record of an id
}

// ring holds a partition's hashes, oldest at pos once it is full.
type ring struct {
	hashes []uint64
	pos    int
}

func newSeen(perPartition int) *seen {
	return &seen{
		perPartition: perPartition,
		seed:         maphash.MakeSeed(),
		count:        map[uint64]int32{},
		rings:        map[int]*ring{},
		last:         map[uint64]<-chan struct{}{},
	}
}

// open starts the memory of a partition afresh from ids, oldest first.
func (s *seen) open(partition int, ids []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(partition)
	s.rings[partition] = &ring{}
	for _, h := range ids {
		s.remember(partition, h)
	}
}

// close forgets a partition.
func (s *seen) close(partition int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drop(partition)
}

// endLines lets nobody wait any more for a record of a generation that has
// ended: what was left behind there can send nothing.
func (s *seen) endLines() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.last)
}

func (s *seen) hash(id string) uint64 { return maphash.String(s.seed, id) }

// enter notes a record of the id, which is done when done is closed. It tells
// whether the id was seen before, and the record of the same id to wait for, if any.
func (s *seen) enter(partition int, id string, done <-chan struct{}) (before bool, wait <-chan struct{}) {
	h := s.hash(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	wait = s.last[h]
	before = s.count[h] > 0 || wait != nil
	s.last[h] = done
	s.remember(partition, h)
	return before, wait
}

// note remembers an id that an earlier owner finished.
func (s *seen) note(partition int, id string) {
	h := s.hash(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remember(partition, h)
}

// leave ends the wait for a record, unless a later one of the id stands in line.
func (s *seen) leave(id string, done <-chan struct{}) {
	h := s.hash(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last[h] == done {
		delete(s.last, h)
	}
}

func (s *seen) remember(partition int, h uint64) {
	r := s.rings[partition]
	if s.perPartition <= 0 || r == nil {
		return
	}
	s.count[h]++
	if len(r.hashes) < s.perPartition {
		r.hashes = append(r.hashes, h)
		return
	}
	s.forget(r.hashes[r.pos])
	r.hashes[r.pos] = h
	r.pos = (r.pos + 1) % len(r.hashes)
}

func (s *seen) forget(h uint64) {
	if s.count[h]--; s.count[h] <= 0 {
		delete(s.count, h)
	}
}

func (s *seen) drop(partition int) {
	if r := s.rings[partition]; r != nil {
		for _, h := range r.hashes {
			s.forget(h)
		}
		delete(s.rings, partition)
	}
}
