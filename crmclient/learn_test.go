package crmclient

import (
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// An optional comment that was not there says nothing about the fill behind it: an earlier owner may have given the
// comment up, and sent the fill. One that the event becomes was there before any fill was sent.
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

// That look-ups are seen to find concerns those that wait for it, and no step that backs off for another reason.
func TestProofHurriesNoBackoff(t *testing.T) {
	c, err := New(Config{BaseURL: "http://crm", APIKey: Secret{Value: "key"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tried, doubtful := newStep(vibe.Contacts, false, false), newStep(vibe.Contacts, true, false)
	tried.state, doubtful.unproven = stateTried, true
	opened := c.Opened()
	p := &Pending{&delivery{steps: []*step{tried, doubtful}}}
	c.governor.hasten()
	if c.begin(Request{Resume: p}); tried.hurried || !doubtful.hurried || !wait.Closed(opened) || !c.governor.openedAt.IsZero() {
		t.Errorf("the tried step is hurried: %t, the unproven one: %t", tried.hurried, doubtful.hurried)
	}
	c.governor.open(time.Now())
	if c.begin(Request{Resume: p}); !tried.hurried || !doubtful.hurried {
		t.Errorf("after a hold: %t, %t", tried.hurried, doubtful.hurried)
	}
}
