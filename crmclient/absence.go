package crmclient

import "time"

// lookUpTime is when a look-up was asked and answered. The portal looked at some time in between.
type lookUpTime struct{ asked, answered time.Time }

// absence decides when look-ups that find nothing show that the object does not exist. That takes two of them, a settle
// time apart, both asked when no create that anybody sent can take effect any more. A pure value.
type absence struct {
	first lookUpTime // the first look-up that counts; zero: none yet
}

// agreement is whether the other events of a batch in doubt confirm that one of them is absent.
type agreement int

const (
	agreed  agreement = iota // all of them were looked up late enough and were absent, or there are no others
	unknown                  // some of them have not been looked up late enough yet
	// contested: the first absence does not count. Another event was found since, so that the batch was still running then;
	// or the batch is over, but was not at the first absence, and others are not known to be absent.
	contested
)

// recheck is how soon an event is looked up again while other events of its batch have not been looked up yet.
const recheck = time.Second

// notFound takes a look-up that found nothing, and returns whether the event is absent. If it is not, the next look-up counts
// if it is asked at next or later.
//
// lastEffectPossible is the time from which no create can take effect any more. oneSuffices says that one look-up is
// enough, as nobody has reason to suspect the event. others returns whether the other events of the batch confirm the
// absence, given when the first look-up was answered (since) and this one was asked. It is called only when needed.
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
