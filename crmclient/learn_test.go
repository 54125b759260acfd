package crmclient

import "testing"

// An optional comment that was not there says nothing about the fill behind it: an earlier owner may have given the comment
// up, and sent the fill. One that the event becomes was there before any fill was sent.
func TestWhatACommentSaysOfTheFillBehindIt(t *testing.T) {
	for essential, want := range map[bool]state{false: stateSuspect, true: stateFresh} {
		comment, fill := newComment(essential, true, false), newFill(1, true)
		comment.state = stateDone
		fill.oneAbsenceSuffices = false
		(&delivery{steps: []*step{comment, fill}}).learnFrom(comment)
		if fill.state != want || fill.oneAbsenceSuffices {
			t.Errorf("essential %t: %v, one absence suffices: %t", essential, fill.state, fill.oneAbsenceSuffices)
		}
	}
}
