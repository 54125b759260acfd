package dlt

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/transform"
)

// TestADryRunSaysWhatWouldBeRejectedAgain builds what the events would become, with the edit that is tried.
func TestADryRunSaysWhatWouldBeRejectedAgain(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		all := letters(6, 1)
		all[1].value, all[2].value, all[3].value = `{"name":"Nobody"}`, `{"name":"Nobody","tel":"8 (916) 732-89-66"}`, `[1]`
		r.seed(all...)
		o := options()
		o.DryRun, o.Transformer = true, newTransformer(t)
		editor := func(program string) Editor {
			e, err := transform.NewEditor(program)
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		counts := func(rep Report) map[string]int {
			m := map[string]int{}
			for _, one := range rep.Rejected {
				m[fmt.Sprint(one.Reason, " ", one.Place)] += one.Letters
				if one.Message == "" {
					t.Errorf("no words: %+v", one)
				}
			}
			return m
		}
		report := r.replay(o)
		if diff := cmp.Diff(map[string]int{"NO_CONTACT_POINT 0:1": 1, "MALFORMED_EVENT 0:3": 1}, counts(report)); diff != "" || report.StillRejected() != 2 {
			t.Errorf("as they are (-want +got):\n%s", diff)
		}
		o.Edit = editor(`if type == "object" then del(.email, .tel) else . end`)
		report = r.replay(o)
		if diff := cmp.Diff(map[string]int{"NO_CONTACT_POINT 0:0": 5, "MALFORMED_EVENT 0:3": 1}, counts(report)); diff != "" || report.Rejected[0].Letters != 5 {
			t.Errorf("after an edit that spoils them (-want +got):\n%s", diff)
		}
		o.Edit = editor(`{email: "a@example.com"}`)
		if report = r.replay(o); len(report.Rejected) != 0 || report.Edited != 6 {
			t.Errorf("after an edit that mends all: %+v", report)
		}
		o.Edit, o.DryRun = nil, false
		if report = r.replay(o); len(report.Rejected) != 0 || report.Replayed != 6 {
			t.Errorf("a replay itself builds nothing: %+v", report)
		}
	})
}

// TestRejectedWordsAreBounded counts further words of a reason together.
func TestRejectedWordsAreBounded(t *testing.T) {
	var r Report
	for i := range maxRejected + 5 {
		r.reject("MAPPING_FAILED", fmt.Sprintf("words %d", i), Position{0, int64(i)})
	}
	last := r.Rejected[len(r.Rejected)-1]
	if len(r.Rejected) != maxRejected+1 || last != (Rejected{Reason: "MAPPING_FAILED", Letters: 5, Place: fmt.Sprintf("0:%d", maxRejected)}) || r.StillRejected() != maxRejected+5 {
		t.Errorf("%d kinds, the last %+v", len(r.Rejected), last)
	}
}
