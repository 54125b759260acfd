package consumer

import (
	"hash/maphash"
	"sync"

	"github.com/leadbridge/leadbridge/crmclient"
)

// seen remembers event ids, by which it recognizes repeats and ids that several events share: producers retry, websites deliver
// webhooks twice, and some give the events of several persons one id. It knows the last DEDUPE_WINDOW ids of each part of a
// partition, and the ids of all records that have not ended, for all partitions of a generation.
type seen struct {
	seed maphash.Seed

	mu     sync.Mutex
	memory seenMemory
}

// seenMemory is what seen remembers. It is a plain value.
type seenMemory struct {
	perPartition int
	// known holds the remembered events by the hash of the id. There may be hundreds of thousands: they hold no pointers, so that
	// the garbage collector need not look at them.
	known map[uint64]seenEvent
	rings map[partID]*ring // by part of a partition
}

// A seenEvent is what is remembered of an event.
type seenEvent struct {
	points  uint64         // the hash of its contact points; 0 when they are not known, or there are none
	made    crmclient.Made // what the event became; the zero value unless this process knows it
	holders int32          // how many entries of rings and unended records refer to it; at 0 it is forgotten
	// expected says that none of its known records was dispatched yet, so that the first one that is will be no repeat.
	expected bool
}

// A ring is a ring buffer with the hashes of the last ids of a part of a partition. When it is full, the oldest is at pos.
type ring struct {
	hashes []uint64
	pos    int
}

func newSeen(perPartition int) *seen {
	return &seen{
		seed:   maphash.MakeSeed(),
		memory: seenMemory{perPartition: perPartition, known: map[uint64]seenEvent{}, rings: map[partID]*ring{}},
	}
}

// open begins to remember the ids of a part of a partition. ids are those to begin with, oldest first.
func (s *seen) open(part partID, ids []identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.rings[part] = &ring{}
	for _, e := range ids {
		s.memory.addToRing(part, e)
	}
}

// close ends the memory of a part.
func (s *seen) close(part partID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.memory.rings[part]; r != nil {
		for _, h := range r.hashes {
			s.memory.release(h)
		}
		delete(s.memory.rings, part)
	}
}

func (s *seen) hash(id string) uint64 { return maphash.String(s.seed, id) }

// pointsHash returns the hash of contact points, which is never 0.
func (s *seen) pointsHash(points []string) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	for _, point := range points {
		_, _ = h.WriteString(point) // a hash never fails
		_ = h.WriteByte(0)
	}
	return max(h.Sum64(), 1)
}

// identify returns the identity of an event with these contact points. hash is the hash of the points, or 0 for a record without a
// contact and for one whose id must not be changed.
func (s *seen) identify(id string, points []string, hash uint64) identity {
	e := identity{id: s.hash(id), points: hash}
	if hash != 0 {
		e.suffixed = s.hash(id + idSuffix(points))
	}
	return e
}

// A recognition is what is known of an event when one of its records comes.
type recognition struct {
	hash   uint64 // of the event's id, or of the one that it gets instead
	repeat bool   // the event was seen before
	reused bool   // its id was another event's before
}

// enter remembers a record's event, at least until leave is called, and returns what was known of it.
func (s *seen) enter(part partID, e identity) recognition {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := s.memory.recognise(e)
	s.memory.hold(found.hash, e.points)
	s.memory.addToRing(part, e)
	return found
}

// hold remembers h until leave is called. h is a placeholder for a record whose event is not known.
func (s *seen) hold(h uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.hold(h, 0)
}

// leave notes that a record whose event's id has the hash h has ended.
func (s *seen) leave(h uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.release(h)
}

// note remembers an event that an earlier owner finished.
func (s *seen) note(part partID, e identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.memory.addToRing(part, e)
}

// noteMade notes what the event whose id has the hash h became.
func (s *seen) noteMade(h, points uint64, made crmclient.Made) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.memory.known[h]; ok && known.points == points {
		known.made = made
		s.memory.known[h] = known
	}
}

// made returns what an event became; the zero value when that is not known.
func (s *seen) made(h, points uint64) crmclient.Made {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.memory.known[h]; points != 0 && known.points == points {
		return known.made
	}
	return crmclient.Made{}
}

// recognise returns whether an event was seen before, and whether its id is another event's.
func (m *seenMemory) recognise(e identity) recognition {
	known, found := m.known[e.id]
	if e.points != 0 && known.points != 0 && known.points != e.points {
		known, found = m.known[e.suffixed]
		return recognition{hash: e.suffixed, reused: true, repeat: found && !known.expected}
	}
	return recognition{hash: e.id, repeat: found && !known.expected}
}

// hold adds a holder to the event whose id has the hash h, which is remembered if it is new. It sets the points if they were not
// known. The event is no longer expected.
func (m *seenMemory) hold(h, points uint64) {
	known := m.known[h]
	if known.points == 0 {
		known.points = points
	}
	known.holders++
	known.expected = false
	m.known[h] = known
}

// addToRing adds an event to the ring of its part, in place of the oldest one when the ring is full.
func (m *seenMemory) addToRing(part partID, e identity) {
	r := m.rings[part]
	if m.perPartition <= 0 || r == nil {
		return
	}
	found := m.recognise(e)
	h := found.hash
	m.hold(h, e.points)
	if e.expected && !found.repeat {
		known := m.known[h]
		known.expected = true
		m.known[h] = known
	}
	if len(r.hashes) < m.perPartition {
		r.hashes = append(r.hashes, h)
		return
	}
	m.release(r.hashes[r.pos])
	r.hashes[r.pos] = h
	r.pos = (r.pos + 1) % len(r.hashes)
}

// release removes one holder of an event, and forgets the event with its last holder.
func (m *seenMemory) release(h uint64) {
	known := m.known[h]
	if known.holders--; known.holders <= 0 {
		delete(m.known, h)
		return
	}
	m.known[h] = known
}
