package dlt

import "testing"

// The word is of the letter that was named, not of a newer one of its event that nobody has read.
func TestClosingALetterLeavesANewerOneOpen(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		all := letters(1, 1)
		r.seed(all...)
		again := all[0]
		again.replays, again.reason = 1, "PROCESSING_FAILED"
		r.seed(again)
		done := r.closeLetters(CloseOptions{Filter: Filter{Places: []Position{{0, 0}}}, Word: "spam"})
		if closed := r.list(Filter{States: []State{StateClosed}}); len(closed) != 0 || done.Letters != 0 || done.Already != 1 {
			t.Errorf("%+v, closed %+v", done, closed)
		}
	})
}
