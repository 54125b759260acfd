package limit

import "math"

// evidenceLimit is how many first tries are remembered. The latest are the ones that matter.
const evidenceLimit = 1024

// guiltyWeight is the weight at which an event is judged: were every try to fail by chance, as often
// as those of others do, one event in a million would come to it.
var guiltyWeight = math.Log(1e-6)

// Evidence remembers how the first tries of the latest events ended, in order. First tries only:
// an event that fails each time would otherwise speak against the others as often as it is tried.
// The zero value remembers nothing.
//
// A request whose events all ended alike is one try, as its events say no more than one of them
// does; of one whose events ended differently each first try counts. Only a create that made a
// contact has passed: a contact that a look-up found proves nothing about creates.
type Evidence struct {
	ended  uint64 // first tries, since the beginning
	passed [evidenceLimit]bool
}

// Mark returns the number of first tries that have ended. Take it when an attempt leaves.
func (e *Evidence) Mark() uint64 { return e.ended }

// First notes the end of a first try and returns its number, which is never 0.
func (e *Evidence) First(passed bool) uint64 {
	e.ended++
	e.passed[e.ended%evidenceLimit] = passed
	return e.ended
}

// Since returns how many first tries have ended since a mark and how many of them failed. Not
// counted is an event's own first try, by the number that [Evidence.First] returned; 0: none.
func (e *Evidence) Since(mark, ownFirst uint64) (tries, failed int) {
	if e.ended > evidenceLimit {
		mark = max(mark, e.ended-evidenceLimit)
	}
	for n := mark + 1; n <= e.ended; n++ {
		if n == ownFirst {
			continue
		}
		tries++
		if !e.passed[n%evidenceLimit] {
			failed++
		}
	}
	return tries, failed
}

// Charge returns what an attempt that failed weighs against its event, given the first tries of
// others since it left: the logarithm of the chance that any try fails, by Laplace's rule. It is not
// ok, and the event is not charged, when none of them passed.
func Charge(tries, failed int) (weight float64, ok bool) {
	if tries-failed < 1 {
		return 0, false
	}
	return math.Log(float64(failed+1) / float64(tries+2)), true
}

// Charges are what the failed attempts of one event weigh together. The zero value is none.
type Charges struct {
	Count  int
	weight float64 // the sum of their weights
	tries  int     // of others that were weighed
	failed int     // of these
}

// Add charges an attempt, given the first tries of others since it left, and reports whether it
// could: without one that passed there is no evidence.
func (c *Charges) Add(tries, failed int) bool {
	weight, ok := Charge(tries, failed)
	if ok {
		c.Count++
		c.weight += weight
		c.tries += tries
		c.failed += failed
	}
	return ok
}

// Guilty reports whether the charges show that it is the event that fails and not the CRM. It takes
// maxAttempts charges (CRM_MAX_ATTEMPTS) in any case. An attempt follows a pass rather than a
// failure of others, so that few tries between two attempts make the CRM look better than it is:
// the charges have to weigh enough by the failures of all these tries together, too.
func (c *Charges) Guilty(maxAttempts int) bool {
	together := float64(c.Count) * math.Log(float64(c.failed+1)/float64(c.tries+2))
	return c.Count >= maxAttempts && c.weight <= guiltyWeight && together <= guiltyWeight
}
