package dlt

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/consumer/header"
)

// A crash may leave copies of a letter in two partitions. Each of them is marked as erased, since retention may delete one
// partition's marker before the other one's copy.
func TestEraseMarksEachPartitionThatHasACopy(t *testing.T) {
	bubble(t, 3, func(t *testing.T, r *rig) {
		l := letters(1, 1)[0]
		r.seed(l, l)
		r.produce(testLetters, 2, l.record())
		e, err := r.topic.Erase(t.Context(), Filter{EventIDs: []string{l.id}}, false)
		if err != nil || e.Letters != 1 {
			t.Errorf("%v, %+v", err, e)
		}
		markers := map[int]int{}
		for _, rec := range r.committed(testLetters) {
			if header.Text(rec.Headers, header.Marker) == string(StateErased) {
				markers[rec.Partition]++
			}
		}
		if diff := cmp.Diff(map[int]int{0: 1, 2: 1}, markers); diff != "" {
			t.Errorf("markers by partition (-want +got):\n%s", diff)
		}
	})
}
