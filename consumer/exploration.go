package consumer

// exploration finds out whether a partition without a commit of the group had an earlier owner: either the group is new,
// or its commits were deleted. Records are looked up in the CRM until a whole window of them in a row is absent there. A
// record that is found shows that there was an earlier owner, whose last requests may still be in flight.
type exploration struct {
	on       bool
	window   int  // how many records in a row must be absent
	underWay int  // look-ups that have not ended
	absent   int  // how many records in a row were absent so far
	foundAny bool // a record was found: there was an earlier owner
}

// leastExploration is the smallest window of an exploration, also where WINDOW is smaller: an earlier owner may have had a
// larger one.
const leastExploration = 256

// explorationSpare is how many look-ups may be under way beyond those that can end the exploration, so that a few slow
// look-ups do not stop the others.
const explorationSpare = 32

// hasRoom reports whether one more record may be looked up. A look-up that the exploration does not need is wasted, and
// each costs two requests, a settle time apart.
func (e *exploration) hasRoom() bool { return !e.on || e.underWay+e.absent < e.window+explorationSpare }

// noteLookUp notes whether a look-up found its record, and reports whether this ends the exploration.
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
