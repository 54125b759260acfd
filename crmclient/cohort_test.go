package crmclient

import (
	"testing"
	"time"
)

// The events of one batch are absent together: each of them looked up a settle time after the
// first absence, and none found since.
func TestCohortAgrees(t *testing.T) {
	const settle = 5 * time.Second
	one, two := &step{}, &step{}
	for _, test := range []struct {
		name  string
		do    func(h *cohort)
		since float64
		want  agreement
	}{
		{"nobody was looked up", func(*cohort) {}, 0, unknown},
		{"one of two was", func(h *cohort) { h.notFound(one, at(5)) }, 0, unknown},
		{"both were, one too early", func(h *cohort) { h.notFound(one, at(5)); h.notFound(two, at(4.9)) }, 0, unknown},
		{"both were", func(h *cohort) { h.notFound(one, at(5)); h.notFound(two, at(5)) }, 0, agreed},
		{"both were, but the first absence is later", func(h *cohort) { h.notFound(one, at(5)); h.notFound(two, at(5)) }, 1, unknown},
		{"the doubt of the other has ended", func(h *cohort) { h.notFound(one, at(5)); h.leave(two) }, 0, agreed},
		{"the other was found after the absence", func(h *cohort) { h.notFound(one, at(5)); h.noteFound(at(3)); h.leave(two) }, 0, contested},
		{"the other was found as the absence was answered", func(h *cohort) { h.notFound(one, at(9)); h.noteFound(at(3)); h.leave(two) }, 3, contested},
		{"the other was found before the absence", func(h *cohort) { h.notFound(one, at(9)); h.noteFound(at(3)); h.leave(two) }, 3.5, agreed},
		{"the batch is dead", func(*cohort) {}, 60.1, agreed},
		{"the batch may still run", func(*cohort) {}, 54, unknown},
		{"the batch has died since the first absence", func(*cohort) {}, 60, contested},
		{"the other left while it was looked up", func(h *cohort) { h.notFound(one, at(5)); h.leave(two); h.notFound(two, at(2)) }, 0, agreed},
		{"found although the batch was thought dead", func(h *cohort) { h.noteFound(at(70)) }, 61, contested},
	} {
		h := newCohort(at(60))
		h.join(one)
		h.join(two)
		test.do(h)
		if got := h.agrees(at(test.since), at(test.since+5), settle); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// An event that was alone has no cohort: nobody objects.
func TestNoCohort(t *testing.T) {
	var h *cohort
	h.leave(&step{})
	h.noteFound(at(1))
	h.notFound(&step{}, at(1))
	if h.agrees(at(0), at(1), time.Second) != agreed || !h.lastFoundAt().IsZero() {
		t.Error("an event that was alone is contested")
	}
}

// A member found late moves the time from which absences of the others count.
func TestCohortMoves(t *testing.T) {
	h := newCohort(at(60))
	h.noteFound(at(7))
	if !h.lastFoundAt().Equal(at(7)) {
		t.Errorf("moved at %v", h.lastFoundAt())
	}
}
