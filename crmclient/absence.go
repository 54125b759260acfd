package crmclient

import "time"

// lookUpTime is when a look-up was asked and answered: the portal looked in between.
type lookUpTime struct{ asked, answered time.Time }

// absence decides when look-ups that find nothing show that there is nothing: two of them, a
// settle time apart, neither before the last create that anybody may have sent is dead. A pure value.
type absence struct {
	first lookUpTime // that counts; zero: none yet
}

// agreement is what the other events of a batch in doubt say to an absence.
type agreement int

const (
	agreed    agreement = iota // all of them were absent as late, or it was alone
	unknown                    // some were not looked up as late yet
	contested                  // the first absence does not count: one was found since, as the batch still ran, or it was too early to do without the others
)

// recheck is how soon an event is looked up again while others of its batch are not yet.
const recheck = time.Second

// notFound takes a look-up that found nothing. lastEffectPossible is the time from which no create can take
// effect any more. oneSuffices says that nobody has reason to suspect the event: one look-up is enough.
// others returns what the other events of the batch say to an absence that was first answered at since, and asked for again
// at asked; it is called only when that matters.
// Unless the event is absent, the next look-up counts if it is asked at next or later.
func (a *absence) notFound(l lookUpTime, lastEffectPossible time.Time, settle time.Duration, oneSuffices bool,
	others func(since, asked time.Time) agreement,
) (absent bool, next time.Time) {
	switch {
	case l.asked.Before(lastEffectPossible):
		a.first = lookUpTime{}
		return false, lastEffectPossible
	case a.first.asked.IsZero() || a.first.asked.Before(lastEffectPossible):
		a.first = l
		return oneSuffices, l.answered.Add(settle)
	case l.asked.Sub(a.first.answered) < settle:
		return false, a.first.answered.Add(settle)
	}
	switch others(a.first.answered, l.asked) {
	case agreed:
		return true, time.Time{}
	case contested:
		a.first = l
		return false, l.answered.Add(settle)
	}
	return false, l.answered.Add(min(settle, recheck))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
