package consumer

// exploration is under way in a partition for which the group has no commit: the group is new, or its offsets are gone.
// Nobody knows then whether there was an earlier owner, so that records are looked up until a whole window of them in a
// row is absent. Once one is found there was an earlier owner, whose last requests may still be on their way.
type exploration struct {
	on       bool
	window   int  // how many in a row must be absent
	underWay int  // look-ups that have not ended
	absent   int  // in a row, so far
	foundAny bool // there was an earlier owner
}

// leastExploration is the smallest window: an earlier owner may have had a larger one than this owner has.
const leastExploration = 256

// explorationSpare is how many more look-ups may be under way than can end the exploration, so that the others do not
// wait for a few that take long.
const explorationSpare = 32

// hasRoom reports whether one more record may be looked up. Look-ups beyond those that can end the exploration are in
// vain, and each is made twice, a settle time apart.
func (e *exploration) hasRoom() bool { return !e.on || e.underWay+e.absent < e.window+explorationSpare }

// noteLookUp takes over whether a look-up found its record, and reports whether the exploration ends with that.
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
