package limit

import "math"

// evidenceLimit is how many first tries are remembered, the latest ones.
const evidenceLimit = 1024

// guiltyWeight is the weight of charges at which an event counts as guilty. If tries failed by chance only, as
// often as those of others do, one event in a million would reach it.
var guiltyWeight = math.Log(1e-6)

// Evidence remembers how the first tries of the latest events ended, in order. Only first tries are
// remembered, because an event that fails each time would otherwise add a failure each time it is tried.
// The zero value remembers nothing.
//
// If all events of a request ended alike, they count as one first try, as together they prove no more than
// one of them does. If they ended differently, each counts. A first try passes only if its create made an
// object: an object that a look-up found proves nothing about creates.
type Evidence struct {
	ended  uint64              // number of first tries that have ended since the beginning
	passed [evidenceLimit]bool // ring buffer: first try n is at index n % evidenceLimit
}

// Mark returns the number of first tries that have ended. Call it when an attempt leaves.
func (e *Evidence) Mark() uint64 { return e.ended }

// First notes the end of a first try and returns its number, which is never 0.
func (e *Evidence) First(passed bool) uint64 {
	e.ended++
	e.passed[e.ended%evidenceLimit] = passed
	return e.ended
}

// Since returns how many first tries have ended since a mark and how many of them failed. The event's own
// first try is not counted: ownFirst is the number that [Evidence.First] returned for it; 0: it had none.
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

// Charge returns how much a failed attempt weighs against its event, given the first tries of other events
// since it left: the logarithm of the chance that any try fails, by Laplace's rule. ok is false, and the
// event is not charged, if none of these tries passed.
func Charge(tries, failed int) (weight float64, ok bool) {
	if tries-failed < 1 {
		return 0, false
	}
	return math.Log(float64(failed+1) / float64(tries+2)), true
}

// Charges are the charges against one event. The zero value has none.
type Charges struct {
	Count  int
	weight float64 // the sum of the weights
	tries  int     // first tries of others on which the charges rest
	failed int     // how many of these tries failed
}

// Add charges a failed attempt, given the first tries of others since it left. It reports whether the
// attempt is charged: if none of these tries passed, there is no evidence.
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

// Guilty reports whether the charges show that the event is at fault and not the CRM. At least maxAttempts
// charges (CRM_MAX_ATTEMPTS) are needed. Attempts tend to follow passes of other events rather than their
// failures, so that with few tries between two attempts the CRM looks better than it is. Therefore the
// charges must also weigh enough if all tries are taken together.
func (c *Charges) Guilty(maxAttempts int) bool {
	together := float64(c.Count) * math.Log(float64(c.failed+1)/float64(c.tries+2))
	return c.Count >= maxAttempts && c.weight <= guiltyWeight && together <= guiltyWeight
}
