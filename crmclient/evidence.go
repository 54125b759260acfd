package crmclient

import "slices"

// enoughEvidence is how many other events tell an outage from a poison event,
// throughRate the part of them that must have gone through for the latter.
const (
	enoughEvidence = 10
	throughRate    = 0.8
	// evidenceLimit bounds the memory; the latest are the ones that matter.
	evidenceLimit = 512
)

// evidence remembers the latest outcome of each event's create. Guarded by Creator.mu.
type evidence struct {
	seq    uint64
	latest []trial // oldest first, one per event
}

type trial struct {
	event   string // origin id
	seq     uint64
	through bool // created, found or refused
}

// add notes how an event's create ended.
func (v *evidence) add(event string, through bool) {
	v.seq++
	v.latest = slices.DeleteFunc(v.latest, func(t trial) bool { return t.event == event })
	if len(v.latest) >= evidenceLimit {
		v.latest = slices.Delete(v.latest, 0, 1)
	}
	v.latest = append(v.latest, trial{event, v.seq, through})
}

// since counts the other events whose latest outcome came after seq, and those of
// them that went through.
func (v *evidence) since(seq uint64, event string) (others, through int) {
	for i := len(v.latest) - 1; i >= 0 && v.latest[i].seq > seq; i-- {
		if v.latest[i].event == event {
			continue
		}
		others++
		if v.latest[i].through {
			through++
		}
	}
	return others, through
}

// poison tells whether so many went through that a failure is the event's own.
func poison(others, through int) bool {
	return others > 0 && float64(through) >= throughRate*float64(others)
}
