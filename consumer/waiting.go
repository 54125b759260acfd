package consumer

import (
	"cmp"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// WaitingAfter is how long an event must have waited until Status says what it waits for.
const WaitingAfter = 5 * time.Second

// Why says what events wait for: a [crmclient.Wait] of parked events, the [crmclient.Cause] of a hold, or one of the values below.
type Why string

// What events that are not parked wait for while there is no hold.
const (
	WhyNoPartition Why = "no_partition" // the group has not assigned a partition to this process yet
	WhyRebalance   Why = "rebalance"    // the group is assigning its partitions again
	WhyOpening     Why = "opening"      // the event ids are being read back
	WhyBacklog     Why = "backlog"      // newer events are delivered first: see FRESH_FIRST
	WhyTurn        Why = "turn"         // earlier events, and the CRM's budget and answers
	WhyStopped     Why = "stopped"      // this process has stopped; the next owner delivers them
)

// Waiting is something for which events have waited for longer than [WaitingAfter].
type Waiting struct {
	Why    Why       `json:"why"`
	Events *int64    `json:"events"`         // how many; nil when it is not known
	Since  time.Time `json:"since"`          // the time of the oldest of them, or when delivery ended
	Until  time.Time `json:"until,omitzero"` // when all of them will have been tried again; zero when it is not known
	Text   string    `json:"text"`           // what they wait for, and what ends that
}

// whys returns all values of [Why] with their texts.
func whys() map[Why]string {
	return map[Why]string{
		Why(crmclient.WaitBackoff): "their creates failed, and are tried again",
		Why(crmclient.WaitDoubt):   "the answers to their creates were lost: they are looked up until that is settled",
		Why(crmclient.WaitSuspect): "an earlier owner may have sent them: they are looked up before they are created",
		Why(crmclient.WaitFlood):   "the CRM refuses them as it refuses others: no letter is written until a create passes, or somebody says that the refusals are right",
		Why(crmclient.WaitPerson):  "another event of the same person is about to have a contact: seconds",
		Why(waitOrder):             "an earlier event of the same person waits",
		Why(waitLetter):            "the dead-letter topic does not take their letters",
		Why(waitResult):            "the result topic does not take their results",
		Why(waitSchema):            "their schemas are not known yet: they are delivered when the schema registry has told them",

		Why(HoldBrokers):               "no broker answers",
		Why(HoldTopic):                 "the topic does not exist or may not be read",
		Why(HoldGroup):                 "the consumer group cannot be used",
		Why(HoldOperator):              "somebody paused the delivery",
		Why(HoldParking):               "so many others of their partition wait that no more may",
		Why(crmclient.HoldPreparing):   "the portal is being asked what it is",
		Why(crmclient.HoldCredentials): "the CRM does not take the key",
		Why(crmclient.HoldOutage):      "the CRM does not answer as it should",
		Why(crmclient.HoldThrottle):    "the CRM asked for a pause",
		Why(crmclient.HoldOriginField): "the CRM does not keep our id",
		Why(crmclient.HoldMatch):       "the CRM does not look contacts up by phone or e-mail",

		WhyNoPartition: "the group has not assigned a partition to this process yet",
		WhyRebalance:   "the group assigns its partitions anew; this process has none now",
		WhyOpening:     "the event ids of the partition are being read back",
		WhyBacklog:     "they are a backlog: newer events are delivered first (FRESH_FIRST)",
		WhyTurn:        "those before them, and the CRM's pace and answers",
		WhyStopped:     "this process has stopped: the next owner of the partition goes on",
	}
}

// A snapshot is the state from which Waiting is computed. It is a plain value.
type snapshot struct {
	assigned     bool // the process is in a generation
	everAssigned bool // the process is in a generation, or was in one
	// since is the time of the oldest last reading of a log's end if the process is in a generation, else when the last generation
	// ended or the process began.
	since      time.Time
	stopped    bool // the process has stopped; partitions are those that it had then
	lagKnown   bool
	holds      []crmclient.Hold // of the consumer and of the CRM client
	partitions []partitionSnapshot
}

// A partitionSnapshot is what the events of a partition wait for.
type partitionSnapshot struct {
	lag    int64     // events that are neither done nor parked
	oldest time.Time // the time of the oldest of these events
	why    Why       // what these events wait for if nothing holds all events; "" for WhyTurn
	until  time.Time // until when these events wait if nothing holds all events; zero when it is not known
	parked []Waiting // the parked ones, by why, without texts
}

// waiting returns what events wait for at now, the oldest first.
func (s *snapshot) waiting(now time.Time) []Waiting {
	found := map[Why]Waiting{}
	for _, p := range s.partitions {
		for _, w := range p.parked {
			found[w.Why] = merged(found[w.Why], w)
		}
	}
	if w, ok := s.uncounted(); ok {
		found[w.Why] = w
	} else {
		s.addLag(found)
	}
	all := make([]Waiting, 0, len(found))
	for why, w := range found {
		if now.Sub(w.Since) > WaitingAfter {
			w.Text = whys()[why]
			all = append(all, w)
		}
	}
	slices.SortFunc(all, func(a, b Waiting) int { return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Why, b.Why)) })
	return all
}

// uncounted returns what all events wait for if it is not known how many there are, because this process has no partitions or does
// not know where their logs end.
func (s *snapshot) uncounted() (Waiting, bool) {
	if s.stopped || s.assigned && s.lagKnown {
		return Waiting{}, false
	}
	if h, held := s.holdOf(HoldBrokers, HoldTopic, HoldGroup); held {
		since := h.Since
		if !s.assigned && s.since.Before(since) { // the events have waited since the generation ended, before the hold began
			since = s.since
		}
		return Waiting{Why: Why(h.Cause), Since: since, Until: h.Until}, true
	}
	switch {
	case s.assigned: // the logs' ends are not known, so that brokers do not answer, although there is no hold yet
		return Waiting{Why: Why(HoldBrokers), Since: s.since}, true
	case s.everAssigned:
		return Waiting{Why: WhyRebalance, Since: s.since}, true
	}
	return Waiting{Why: WhyNoPartition, Since: s.since}, true
}

// addLag adds what the events that are not parked wait for.
func (s *snapshot) addLag(found map[Why]Waiting) {
	all, until := s.holdingAll()
	for _, p := range s.partitions {
		if p.lag == 0 {
			continue
		}
		w := Waiting{Why: cmp.Or(all, p.why, WhyTurn), Events: &p.lag, Since: p.oldest, Until: until}
		if all == "" {
			w.Until = p.until
		}
		found[w.Why] = merged(found[w.Why], w)
	}
}

// holdingAll returns what keeps all events from being sent, "" for nothing, and when the next try is.
func (s *snapshot) holdingAll() (Why, time.Time) {
	if s.stopped {
		return WhyStopped, time.Time{}
	}
	h, held := s.holdOf(HoldBrokers, HoldOperator, crmclient.HoldPreparing, crmclient.HoldOriginField, crmclient.HoldMatch, crmclient.HoldCredentials,
		crmclient.HoldOutage, crmclient.HoldThrottle)
	if !held {
		return "", time.Time{}
	}
	return Why(h.Cause), h.Until
}

// holdOf returns the first hold in force, in the order of causes, that concerns events of every kind.
func (s *snapshot) holdOf(causes ...crmclient.Cause) (crmclient.Hold, bool) {
	for _, cause := range causes {
		for _, h := range s.holds {
			if h.Cause == cause && h.Held && h.Of == "" {
				return h, true
			}
		}
	}
	return crmclient.Hold{}, false
}

// merged joins two groups of events that wait for the same thing. a may be the zero value.
func merged(a, b Waiting) Waiting {
	if a.Events == nil {
		return b
	}
	sum := *a.Events + *b.Events
	a.Events = &sum
	if b.Since.Before(a.Since) {
		a.Since = b.Since
	}
	switch {
	case a.Until.IsZero() || b.Until.IsZero():
		a.Until = time.Time{} // it is not known for one of the groups
	case b.Until.After(a.Until):
		a.Until = b.Until
	}
	return a
}

// snapshot returns what the partition's events wait for at now.
func (s *partitionState) snapshot(now time.Time) partitionSnapshot {
	w := partitionSnapshot{lag: s.lag(), oldest: s.waits.oldest(&s.progress), parked: s.parkedWaiting()}
	switch {
	case !s.seenRebuilt:
		w.why = WhyOpening
	case s.parkingFull && s.progress.active() == 0:
		w.why = Why(HoldParking)
	case s.end != noEnd:
		w.why, w.until = WhyBacklog, s.backlogUntil(now)
	}
	return w
}

// parkedWaiting returns what the parked events wait for, without texts.
func (s *partitionState) parkedWaiting() []Waiting {
	byWhy := map[Why]Waiting{}
	for _, r := range s.parking.records {
		i, found := s.progress.find(r.offset)
		if !found {
			continue
		}
		one := int64(1)
		w := Waiting{Why: Why(r.why), Events: &one, Since: time.UnixMilli(s.progress.unfinished[i].at), Until: r.due}
		byWhy[w.Why] = merged(byWhy[w.Why], w)
	}
	all := make([]Waiting, 0, len(byWhy))
	for _, w := range byWhy {
		all = append(all, w)
	}
	return all
}
