package crmclient

import (
	"fmt"
	"testing"
)

func TestEvidenceIsTheLatestOfEachOtherEvent(t *testing.T) {
	var v evidence
	v.add("old", true)
	since := v.seq
	for n := range 8 {
		v.add(fmt.Sprint(n), true)
	}
	v.add("8", false)
	v.add("8", true) // its latest counts
	v.add("9", true)
	v.add("9", false)
	v.add("me", false) // not evidence about me
	if others, through := v.since(since, "me"); others != 10 || through != 9 {
		t.Errorf("%d of %d, want 9 of 10", through, others)
	}
	if others, through := v.since(v.seq, "me"); others != 0 || through != 0 {
		t.Errorf("%d of %d, want none", through, others)
	}
}

func TestEvidenceIsBounded(t *testing.T) {
	var v evidence
	for n := range evidenceLimit {
		v.add(fmt.Sprint(n), false)
	}
	if others, through := v.since(0); others != evidenceLimit || through != 0 {
		t.Errorf("%d of %d, want none of all", through, others)
	}
	for n := range 10 {
		v.add(fmt.Sprint("later", n), true)
	}
	if others, through := v.since(0, "later3"); others != evidenceLimit-1 || through != 9 {
		t.Errorf("%d of %d, want 9 of all but one", through, others)
	}
	if n := len(v.trials); n != evidenceLimit {
		t.Errorf("%d trials are held", n)
	}
}

func TestPoisonRule(t *testing.T) {
	for _, test := range []struct {
		others, through int
		want            bool
	}{{0, 0, false}, {10, 10, true}, {10, 8, true}, {10, 7, false}, {100, 80, true}, {100, 79, false}, {1, 1, true}, {1, 0, false}} {
		if got := poison(test.others, test.through); got != test.want {
			t.Errorf("%d of %d: %v", test.through, test.others, got)
		}
	}
}

// What never left says nothing about its event, whoever else gets through.
func TestNotAppliedIsNeverCharged(t *testing.T) {
	for class, want := range map[class]bool{classNotApplied: false, classDoubt: true, classCredentials: true} {
		c, err := New(Config{BaseURL: "http://crm.test"})
		if err != nil {
			t.Fatal(err)
		}
		e := &event{req: Request{OriginID: "me"}}
		for n := range enoughEvidence {
			c.evidence.add(fmt.Sprint(n), true)
		}
		if charged, held := c.blame(&job{ctx: t.Context()}, e, outcome{class: class}); charged != want || held {
			t.Errorf("%v: charged %v, held %v", class, charged, held)
		}
	}
}
