package crmclient

// enoughEvidence is how many other events tell an outage from a poison event,
// throughRate the part of them that must have gone through for the latter.
const (
	enoughEvidence = 10
	throughRate    = 0.8
	// evidenceLimit is how many outcomes are kept; the latest are the ones that matter.
	evidenceLimit = 1024
)

// evidence remembers how the latest creates ended. Guarded by Creator.mu.
type evidence struct {
	seq    uint64  // of the latest trial
	trials []trial // a ring: one of number n is at n % evidenceLimit
}

// trial is one outcome of an event's create.
type trial struct {
	event   string // origin id
	through bool   // created, found or refused
}

// add notes how an event's create ended.
func (v *evidence) add(event string, through bool) {
	if v.trials == nil {
		v.trials = make([]trial, evidenceLimit)
	}
	v.seq++
	v.trials[v.seq%evidenceLimit] = trial{event, through}
}

// since counts the other events that had an outcome after seq, and those of them whose latest
// one went through.
func (v *evidence) since(seq uint64, but ...string) (others, through int) {
	if v.seq > evidenceLimit {
		seq = max(seq, v.seq-evidenceLimit)
	}
	counted := map[string]bool{}
	for _, event := range but {
		counted[event] = true
	}
	for n := v.seq; n > seq; n-- {
		t := v.trials[n%evidenceLimit]
		if counted[t.event] {
			continue
		}
		counted[t.event] = true
		others++
		if t.through {
			through++
		}
	}
	return others, through
}

// poison tells whether so many went through that a failure is the event's own.
func poison(others, through int) bool {
	return others > 0 && float64(through) >= throughRate*float64(others)
}
