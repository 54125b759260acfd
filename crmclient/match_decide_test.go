package crmclient

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A match is one contact that agrees, out of all rows; the event's own contact comes before any other.
func TestMatchIsDecided(t *testing.T) {
	of := func(ids ...int64) map[int64]bool {
		found := map[int64]bool{}
		for _, id := range ids {
			found[id] = true
		}
		return found
	}
	for _, test := range []struct {
		name   string
		search personSearch
		many   ManyMatches
		want   match
	}{
		{"none", personSearch{}, ManyNew, match{}},
		{"one", personSearch{found: of(7)}, ManyNew, match{id: 7}},
		{"one, and not all rows were read", personSearch{found: of(7), cut: true}, ManyNew, match{candidates: []int64{7}}},
		{"several", personSearch{found: of(9, 7)}, ManyNew, match{candidates: []int64{7, 9}}},
		{"several, of which the newest is taken", personSearch{found: of(9, 7)}, ManyNewest, match{id: 9}},
		{"several, of which none may be taken", personSearch{found: of(9, 7)}, ManyLetter, match{candidates: []int64{7, 9}}},
		{"its own among several", personSearch{found: of(9, 7), own: 7}, ManyNewest, match{id: 7, own: true}},
		{"its own, whose name was changed since", personSearch{found: of(9), own: 7}, ManyNew, match{id: 7, own: true}},
	} {
		if diff := cmp.Diff(test.want, test.search.decide(test.many), cmp.AllowUnexported(match{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}
