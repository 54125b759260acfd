package share

import (
	"math"
	"testing"
)

func TestTurnsAreDividedByTheirParts(t *testing.T) {
	for _, part := range []float64{.01, .2, .5, .8, .99} {
		var turns Turns
		const all = 10_000
		first, longest, row := 0, 0, 0
		for i := range all {
			if turns.First(part) {
				first, row = first+1, 0
			} else if row++; row > longest {
				longest = row
			}
			if got := float64(first); math.Abs(got-part*float64(i+1)) > 1.001 {
				t.Fatalf("%v: %v of the first %d turns", part, got, i+1)
			}
		}
		if limit := int(math.Ceil((1-part)/part)) + 1; longest > limit {
			t.Errorf("%v: %d turns in a row of the second group, more than %d", part, longest, limit)
		}
	}
}

func TestFirstGroupBegins(t *testing.T) {
	var turns Turns
	if !turns.First(.01) {
		t.Error("the second group began")
	}
}
