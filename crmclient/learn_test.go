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

// That look-ups of a kind are seen to find concerns the steps of the kind that wait for it, and no other: neither one that
// backs off, nor one of another kind.
func TestProofHurriesWhatWaitsForIt(t *testing.T) {
	c, err := New(Config{BaseURL: "http://crm", APIKey: Secret{Value: "key"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	tried, doubtful := newStep(vibe.Contacts, false, false), newStep(vibe.Contacts, true, false)
	tried.state, doubtful.unproven = stateTried, true
	backsOff := c.deferUntil(tried, WaitBackoff, time.Now())
	unproven := c.waitToLookUp(doubtful, c.governor.endingsOf(vibe.Contacts))
	p := &Pending{&delivery{steps: []*step{tried, doubtful}}}
	for _, test := range []struct {
		name            string
		happens         func()
		tried, doubtful bool
		endsHold        bool
	}{
		{"a proof of another kind", func() { c.governor.hasten(vibe.Deals) }, false, false, false},
		{"a proof of the kind", func() { c.governor.hasten(vibe.Contacts) }, false, true, false},
		{"the end of a hold", func() { c.governor.open(time.Now()) }, true, true, true},
	} {
		test.happens()
		c.begin(Request{Resume: p})
		if tried.hurried != test.tried || doubtful.hurried != test.doubtful {
			t.Errorf("%s: the tried step is hurried: %t, the unproven one: %t", test.name, tried.hurried, doubtful.hurried)
		}
		if wait.Closed(backsOff.Ready) != test.tried || wait.Closed(unproven.Ready) != test.doubtful {
			t.Errorf("%s: the tried step is ready: %t, the unproven one: %t", test.name, wait.Closed(backsOff.Ready), wait.Closed(unproven.Ready))
		}
		if got := !c.governor.openedAt.IsZero(); got != test.endsHold {
			t.Errorf("%s: noted as the end of a hold: %t", test.name, got)
		}
	}
}
