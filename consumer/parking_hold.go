package consumer

import (
	"sync"

	"github.com/leadbridge/leadbridge/internal/phrase"
)

// parkingHold keeps HoldParking in force while the parking of a partition is full.
type parkingHold struct {
	board *statusBoard

	mu   sync.Mutex
	full map[partID]bool // the parts of partitions whose parking is full
}

// noteFull notes that the parking of a part is full. The hold begins with the first one.
func (f *parkingHold) noteFull(id partID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full[id] {
		return
	}
	if f.full == nil {
		f.full = map[partID]bool{}
	}
	f.full[id] = true
	f.board.hold(HoldParking, phrase.New("parking_full", "so many events of a partition wait that its commit cannot tell them apart: see what they wait for (parkedWhy in /statusz), and remove the cause"))
}

// noteEased notes that the parking of a part has enough room again, so that it will not be full at once. The hold ends with the
// last one that was full.
func (f *parkingHold) noteEased(id partID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.full[id] {
		return
	}
	if delete(f.full, id); len(f.full) == 0 {
		f.board.clear(HoldParking)
	}
}
