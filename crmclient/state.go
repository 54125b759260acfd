package crmclient

// state is where an event's step stands with the CRM. The diagram in docs/delivery.md shows the
// states and the transitions between them; a test compares both.
type state int

const (
	// stateFresh: nobody has sent a create for it.
	stateFresh state = iota
	// stateSuspect: an earlier owner, or an earlier record with the same event id, may have sent a create.
	stateSuspect
	// stateSending: its first create waits for its turn or is on its way.
	stateSending
	// stateInDoubt: a create of ours may have taken effect, or may yet.
	stateInDoubt
	// stateTried: a create of ours was judged, took no effect, and may be sent again.
	stateTried
	// stateResending: a later create waits for its turn or is on its way.
	stateResending
	// stateRefusedInDoubt: refused, or failed too often, but it was in doubt or suspect before. The CRM may refuse it
	// because an earlier create worked, so it is looked up next.
	stateRefusedInDoubt
	// stateRefused: refused, or failed too often, and no create of ours took effect.
	stateRefused
	// stateDone: its object exists. The end.
	stateDone
	// stateRejected: its refusal was handed out. The end.
	stateRejected
	// stateNotWritten: it is an extra that was given up. The end.
	stateNotWritten
)

var stateNames = [...]string{"Fresh", "Suspect", "Sending", "InDoubt", "Tried", "Resending", "RefusedInDoubt", "Refused", "Done", "Rejected", "NotWritten"}

func (s state) String() string { return stateNames[s] }

// trigger is what moves a step from one state to another.
type trigger int

const (
	onSend      trigger = iota // its create enters the queue
	onUnsent                   // the request did not leave, or was turned away without a look at the event
	onCreated                  // the CRM's answer has the object's id
	onDoubt                    // no readable answer, or one that does not say what happened
	onFailure                  // it took no effect, and the cause is not known
	onRefusal                  // the CRM refuses it, or it has failed too often
	onSuspicion                // as onRefusal, but the step was in doubt or suspect before
	onFound                    // a look-up found the object
	onAbsent                   // look-ups agree that there is no object
	onOutdated                 // it was absent, but an earlier owner's create may have taken effect after the look-ups
	onFloodEnd                 // the flood in which it was refused has ended
	onRejection                // its refusal stands
	onMatched                  // nothing need be made: the person has a contact, the event's deal exists, or a fill's contact lacks nothing
	onGiveUp                   // it is an extra, and its event is done without it
	triggers                   // the number of triggers
)

var triggerNames = [...]string{"send", "unsent", "created", "doubt", "failure", "refusal", "suspicion", "found", "absent", "outdated", "flood end", "rejection", "matched", "give up"}

func (t trigger) String() string { return triggerNames[t] }

// after returns the state to which a trigger leads. ok is false if the trigger cannot happen in state s.
func (s state) after(t trigger) (next state, ok bool) {
	if t == onGiveUp {
		return stateNotWritten, s != stateSending && s != stateResending && !s.ended()
	}
	switch s {
	case stateFresh:
		switch t {
		case onSend:
			return stateSending, true
		case onMatched:
			return stateDone, true
		case onOutdated:
			return stateSuspect, true
		}
	case stateSuspect:
		switch t {
		case onFound:
			return stateDone, true
		case onAbsent:
			return stateFresh, true
		}
	case stateSending:
		if t == onUnsent {
			return stateFresh, true
		}
		return judged(t)
	case stateTried:
		switch t {
		case onSend:
			return stateResending, true
		case onOutdated:
			return stateSuspect, true
		case onRefusal:
			return stateRefused, true
		case onSuspicion:
			return stateRefusedInDoubt, true
		}
	case stateResending:
		if t == onUnsent {
			return stateTried, true
		}
		return judged(t)
	case stateInDoubt:
		switch t {
		case onFound:
			return stateDone, true
		case onAbsent:
			return stateTried, true
		}
	case stateRefusedInDoubt:
		switch t {
		case onFound:
			return stateDone, true
		case onAbsent:
			return stateRefused, true
		}
	case stateRefused:
		switch t {
		case onRejection:
			return stateRejected, true
		case onFloodEnd:
			return stateTried, true
		}
	}
	return next, ok
}

// judged returns the state that follows a create's answer.
func judged(t trigger) (next state, ok bool) {
	switch t {
	case onCreated, onMatched:
		return stateDone, true
	case onDoubt:
		return stateInDoubt, true
	case onFailure:
		return stateTried, true
	case onRefusal:
		return stateRefused, true
	case onSuspicion:
		return stateRefusedInDoubt, true
	}
	return 0, false
}

// ended reports whether nothing follows the state.
func (s state) ended() bool { return s == stateDone || s == stateRejected || s == stateNotWritten }

// looksUp reports whether a step in the state is looked up next.
func (s state) looksUp() bool {
	return s == stateSuspect || s == stateInDoubt || s == stateRefusedInDoubt
}
