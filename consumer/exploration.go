package consumer

// exploration finds out whether a partition without a commit of the group had an earlier owner: the group may be new,
// or its offsets may be gone. Records are looked up until a whole window of them in a row is absent. If a record is
// found, there was an earlier owner, whose last requests may still be in flight.
type exploration struct {
	on       bool
	window   int  // how many records in a row must be absent
	underWay int  // look-ups that have not ended
	absent   int  // how many records in a row were absent so far
	foundAny bool // there was an earlier owner
}

// leastExploration is the smallest window of an exploration: an earlier owner's WINDOW may have been larger than this
// owner's.
const leastExploration = 256

// explorationSpare is how many look-ups may be under way beyond those that can end the exploration, so that a few slow
// look-ups do not stop the others.
const explorationSpare = 32

// hasRoom reports whether one more record may be looked up. Look-ups beyond those that can end the exploration are
// wasted, and each is made twice, a settle time apart.
func (e *exploration) hasRoom() bool { return !e.on || e.underWay+e.absent < e.window+explorationSpare }

// noteLookUp notes whether a look-up found its record, and returns whether that ends the exploration.
func (e *exploration) noteLookUp(found bool) bool {
	if !e.on {
		return false
	}
	if found {
		e.absent, e.foundAny = 0, true
		return false
	}
	e.absent++
	if e.absent >= e.window {
		e.on = false
		return true
	}
	return false
}
