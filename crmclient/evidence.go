package crmclient

import "slices"

// enoughEvidence is how many other events tell an outage from a poison event,
// throughRate the part of them that must have gone through for the latter.
const (
	enoughEvidence = 10
	throughRate    = 0.8
	// evidenceLimit is how many outcomes are kept for sure, and half of how many ever are; the
	// latest are the ones that matter.
	evidenceLimit = 512
)

// evidence remembers the latest outcome of each event's create. Guarded by Creator.mu.
type evidence struct {
	seq    uint64
	latest map[string]trial
	order  []mark // oldest first; one is outdated when its event has a later one
}

type trial struct {
	seq     uint64
	through bool // created, found or refused
}

type mark struct {
	event string // origin id
	seq   uint64
}

// add notes how an event's create ended.
func (v *evidence) add(event string, through bool) {
	if v.latest == nil {
		v.latest = map[string]trial{}
	}
	v.seq++
	v.latest[event] = trial{v.seq, through}
	v.order = append(v.order, mark{event, v.seq})
	if len(v.order) >= 2*evidenceLimit {
		v.forget()
	}
}

// forget drops what is outdated, and the oldest beyond the limit.
func (v *evidence) forget() {
	v.order = slices.DeleteFunc(v.order, func(m mark) bool { return v.latest[m.event].seq != m.seq })
	old := max(0, len(v.order)-evidenceLimit)
	for _, m := range v.order[:old] {
		delete(v.latest, m.event)
	}
	v.order = slices.Delete(v.order, 0, old)
}

// since counts the other events whose latest outcome came after seq, and those of
// them that went through.
func (v *evidence) since(seq uint64, but ...string) (others, through int) {
	for _, m := range slices.Backward(v.order) {
		if m.seq <= seq {
			break
		}
		t := v.latest[m.event]
		if t.seq != m.seq || slices.Contains(but, m.event) {
			continue
		}
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
