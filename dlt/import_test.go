package dlt

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An import must not undo what was done since the export, nor when retention
// deletes the old letters and markers before the new ones.
func TestImportKeepsWhatWasReplayedAndErased(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(3, 1)...)
		lines := r.exported()
		o := options()
		o.EventIDs = []string{"ce:/site 0"}
		r.replay(o)
		if _, err := r.topic.Erase(t.Context(), Filter{EventIDs: []string{"ce:/site 1"}}, false); err != nil {
			t.Fatal(err)
		}
		bounds, err := r.topic.log.Bounds(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done, err := r.topic.Import(t.Context(), strings.NewReader(lines), nil)
		if diff := cmp.Diff(Imported{Letters: 2, Erased: 1}, done); diff != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, diff)
		}
		if err := r.cluster.DeleteRecords(testLetters, 0, bounds[0].End); err != nil {
			t.Fatal(err)
		}
		if report := r.replay(options()); report.Replayed != 1 || report.Already != 1 {
			t.Errorf("%+v", report)
		}
		r.once(2)
		for _, rec := range r.committed(testLetters) {
			if strings.Contains(string(rec.Value), "nobody.1@") {
				t.Error("the value of an erased letter was written again")
			}
		}
	})
}
