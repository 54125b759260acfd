package consumer

import "sync"

// parkingHold keeps HoldParking in force while the parking of a partition is full.
type parkingHold struct {
	board *statusBoard

	mu   sync.Mutex
	full map[int]bool // by partition: its parking is
}

// note takes over whether a partition's parking is full, or eased: it has so much room again that it will not be full at
// once.
func (f *parkingHold) note(id int, full, eased bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case full && !f.full[id]:
		if f.full == nil {
			f.full = map[int]bool{}
		}
		f.full[id] = true
		f.board.hold(HoldParking, "so many events of a partition wait that its commit cannot tell them apart: see what they wait for (parkedWhy in /statusz), and remove the cause")
	case eased && f.full[id]:
		if delete(f.full, id); len(f.full) == 0 {
			f.board.clear(HoldParking)
		}
	}
}
