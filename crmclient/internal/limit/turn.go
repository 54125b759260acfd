package limit

// While fresh events wait, a look-up is due every third request, an extra every second one, and a tried event every fifth one.
// Of several that are due, the first in this order goes: look-up, extra, tried event. If requests of all kinds wait, look-ups
// and extras get a third each, tried and fresh events a sixth each. Extras get so many because each event may have some, and an
// event that waits for its extras keeps the caller from taking up another one.
const (
	lookUpEvery = 3
	extraEvery  = 2
	triedEvery  = 5
)

// Kind is what a request is for.
type Kind int

// The kinds of request, and none.
const (
	Nothing     Kind = iota
	Prepare          // learn what the portal is
	CreateFresh      // create contacts of events of which no create was judged: none was sent, or each was turned away unread
	LookUp           // look for contacts that may exist
	CreateTried      // create contacts of events of which an earlier create took no effect
	Extra            // write comments on cards, fill cards, or look such extras up
)

// Waiting is how many wait for each kind of request.
type Waiting struct {
	Prepare, Fresh, LookUps, Tried, Extras int

	LookUpsDue bool // a look-up may leave now, see [LookUps]; false: look-ups wait, for further ones or after a failure
}

// Turn decides which kind of request leaves next when creates are not held and a slot is free.
// Fresh events come first, but look-ups, tried events and extras get their part. The zero value is ready to use.
type Turn struct {
	sinceLookUp, sinceTried, sinceExtra int // requests since the last one of that kind
}

// Pick returns the kind of request that leaves next, and counts it. inFlight is how many requests for look-ups, tried
// events and extras are on their way: if there are several slots, these never take the last one.
func (t *Turn) Pick(w Waiting, inFlight, slots int) Kind {
	if w.Prepare > 0 {
		return Prepare
	}
	kind := t.choose(w, inFlight < max(1, slots-1))
	if kind != Nothing {
		t.sinceLookUp++
		t.sinceTried++
		t.sinceExtra++
	}
	switch kind {
	case LookUp:
		t.sinceLookUp = 0
	case CreateTried:
		t.sinceTried = 0
	case Extra:
		t.sinceExtra = 0
	}
	return kind
}

// choose picks by what left before; room says that a slot is free for requests that are not for fresh events.
func (t *Turn) choose(w Waiting, room bool) Kind {
	lookUp := room && w.LookUps > 0 && w.LookUpsDue
	tried := room && w.Tried > 0
	extra := room && w.Extras > 0
	switch {
	case lookUp && t.sinceLookUp >= lookUpEvery-1:
		return LookUp
	case extra && t.sinceExtra >= extraEvery-1:
		return Extra
	case tried && t.sinceTried >= triedEvery-1:
		return CreateTried
	case w.Fresh > 0:
		return CreateFresh
	// Without fresh events, a look-up or a tried event goes, whichever kind has waited longer; extras are last.
	case lookUp && (!tried || t.sinceLookUp >= t.sinceTried):
		return LookUp
	case tried:
		return CreateTried
	case extra:
		return Extra
	}
	return Nothing
}
