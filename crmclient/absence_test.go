package crmclient

import (
	"testing"
	"time"
)

// at is a time, in seconds since some beginning.
func at(seconds float64) time.Time {
	return time.Date(2026, 4, 15, 12, 0, 0, 0, time.UTC).Add(time.Duration(seconds * float64(time.Second)))
}

func TestAbsence(t *testing.T) {
	const settle = 5 * time.Second
	type look struct {
		asked, answered float64
		quiet           float64
		others          agreement
		absent          bool
		next            float64 // the next look-up, when it is not absent
	}
	for _, test := range []struct {
		name  string
		once  bool
		looks []look
	}{
		{"two, a settle time apart", false, []look{
			{0, 1, 0, agreed, false, 6}, {6, 7, 0, agreed, true, 0}}},
		{"the settle time counts from the answer", false, []look{
			{0, 3, 0, agreed, false, 8}, {7.9, 8.5, 0, agreed, false, 8}, {8, 8.5, 0, agreed, true, 0}}},
		{"one is enough", true, []look{{0, 1, 0, agreed, true, 0}}},
		{"one is enough, but not before it is quiet", true, []look{
			{0, 1, 10, agreed, false, 10}, {10, 11, 10, agreed, true, 0}}},
		{"before it is quiet none counts", false, []look{
			{0, 1, 10, agreed, false, 10}, {9.9, 10.5, 10, agreed, false, 10}, {10, 11, 10, agreed, false, 16}, {16, 17, 10, agreed, true, 0}}},
		{"it is quiet later than it was thought", false, []look{
			{0, 1, 0, agreed, false, 6}, {6, 7, 20, agreed, false, 20}, {20, 21, 20, agreed, false, 26}, {26, 27, 20, agreed, true, 0}}},
		{"it became quiet between the first and now", false, []look{
			{0, 1, 0, agreed, false, 6}, {6, 7, 3, agreed, false, 12}, {12, 13, 3, agreed, true, 0}}},
		{"too early", false, []look{
			{0, 1, 0, agreed, false, 6}, {4, 4.5, 0, agreed, false, 6}, {6, 6.5, 0, agreed, true, 0}}},
		{"others were not looked up yet", false, []look{
			{0, 1, 0, agreed, false, 6}, {6, 7, 0, unknown, false, 8}, {8, 8.5, 0, agreed, true, 0}}},
		{"another was found since", false, []look{
			{0, 1, 0, agreed, false, 6}, {6, 7, 0, contested, false, 12}, {12, 13, 0, agreed, true, 0}}},
	} {
		a := absence{}
		for i, l := range test.looks {
			absent, next := a.notFound(lookUpTime{at(l.asked), at(l.answered)}, at(l.quiet), settle, test.once, func(_, _ time.Time) agreement { return l.others })
			if absent != l.absent || !absent && !next.Equal(at(l.next)) {
				t.Errorf("%s: look-up %d: absent %v, next after %v, want %v, %v", test.name, i+1, absent, next.Sub(at(0)).Seconds(), l.absent, l.next)
			}
		}
	}
}

// The others of a batch are asked about the time at which the first absence was answered.
func TestAbsenceAsksTheOthersSinceTheFirst(t *testing.T) {
	a, since := absence{}, time.Time{}
	others := func(at, _ time.Time) agreement { since = at; return agreed }
	a.notFound(lookUpTime{at(0), at(1)}, at(0), 5*time.Second, false, others)
	if !since.IsZero() {
		t.Error("the others were asked for a first absence")
	}
	a.notFound(lookUpTime{at(6), at(7)}, at(0), 5*time.Second, false, others)
	if !since.Equal(at(1)) {
		t.Errorf("the others were asked about %v", since)
	}
}
