// Package share divides turns between two groups that wait for the same thing.
package share

// Turns says whose turn it is while both groups wait. The zero value begins with the first group.
type Turns struct {
	credit float64 // turns that the first group has still to get, if positive
}

// First counts a turn, and reports whether it is the first group's, which gets a part of all turns, 0 to 1. It is to be
// called only while both groups wait: what one of them does not use is the other's, and does not count.
func (t *Turns) First(part float64) bool {
	if t.credit >= 0 {
		t.credit -= 1 - part
		return true
	}
	t.credit += part
	return false
}
