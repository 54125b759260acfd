package limit

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestTurn(t *testing.T) {
	for _, test := range []struct {
		name            string
		waiting         Waiting
		inFlight, slots int
		want            []Kind
	}{
		{"nothing", Waiting{}, 0, 8, []Kind{Nothing, Nothing}},
		{"prepare first", Waiting{Prepare: 1, Fresh: 1, LookUps: 1, Tried: 1, LookUpsDue: true}, 0, 8, []Kind{Prepare, Prepare, Prepare}},
		{"fresh only", Waiting{Fresh: 1}, 0, 8, []Kind{CreateFresh, CreateFresh}},
		{"all", Waiting{Fresh: 1, LookUps: 1, Tried: 1, LookUpsDue: true}, 0, 8, []Kind{CreateFresh, CreateFresh, LookUp, CreateFresh, CreateTried,
			LookUp, CreateFresh, CreateFresh, LookUp, CreateTried}},
		{"look-ups beside fresh", Waiting{Fresh: 1, LookUps: 1, LookUpsDue: true}, 0, 8, []Kind{CreateFresh, CreateFresh, LookUp, CreateFresh, CreateFresh, LookUp}},
		{"look-ups that may not leave", Waiting{Fresh: 1, LookUps: 1}, 0, 8, []Kind{CreateFresh, CreateFresh, CreateFresh}},
		{"tried beside fresh", Waiting{Fresh: 1, Tried: 1}, 0, 8, []Kind{CreateFresh, CreateFresh, CreateFresh, CreateFresh, CreateTried, CreateFresh}},
		{"no fresh", Waiting{LookUps: 1, Tried: 1, LookUpsDue: true}, 0, 8, []Kind{LookUp, CreateTried, LookUp, CreateTried}},
		{"tried only", Waiting{Tried: 1}, 6, 8, []Kind{CreateTried, CreateTried}},
		{"the last slot", Waiting{LookUps: 1, Tried: 1, LookUpsDue: true}, 7, 8, []Kind{Nothing, Nothing}},
		{"the last slot, fresh", Waiting{Fresh: 1, LookUps: 1, Tried: 1, LookUpsDue: true}, 7, 8, []Kind{CreateFresh, CreateFresh, CreateFresh, CreateFresh, CreateFresh}},
		{"the only slot", Waiting{LookUps: 1, LookUpsDue: true}, 0, 1, []Kind{LookUp, LookUp}},
	} {
		var turn Turn
		var got []Kind
		for range test.want {
			got = append(got, turn.Pick(test.waiting, test.inFlight, test.slots))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// While fresh events wait, each five requests in a row have at most one of a tried event, each three
// at most one look-up; nobody who may leave waits for more than that.
func TestFreshEventsComeFirst(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var turn Turn
		var done []Kind
		for range 300 {
			slots := 1 + rng.IntN(8)
			inFlight := rng.IntN(slots)
			w := Waiting{Fresh: 1, LookUps: rng.IntN(2), Tried: rng.IntN(2), LookUpsDue: rng.IntN(2) == 0}
			kind := turn.Pick(w, inFlight, slots)
			if kind != CreateFresh && inFlight >= max(1, slots-1) {
				t.Fatalf("seed %d: %v takes the last slot", seed, kind)
			}
			done = append(done, kind)
		}
		for _, rule := range []struct {
			kind  Kind
			every int
		}{{LookUp, lookUpEvery}, {CreateTried, triedEvery}} {
			for i := range len(done) - rule.every + 1 {
				n := 0
				for _, kind := range done[i : i+rule.every] {
					if kind == rule.kind {
						n++
					}
				}
				if n > 1 {
					t.Errorf("seed %d: %d of kind %v in %v", seed, n, rule.kind, done[i:i+rule.every])
				}
			}
		}
	}
}
