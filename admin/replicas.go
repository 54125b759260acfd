package admin

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/statetopic"
)

// readLimit is how long a request waits until the state topic is read. Whatever was read by then is shown.
const readLimit = 10 * time.Second

// replicas are the replicas of the last day, from the state topic.
type replicas struct {
	AsOf  time.Time   `json:"asOf,omitzero"` // when the topic was last read to its end; zero: never
	Error phrase.Text `json:"error,omitempty"`
	// ErrorSaid has the sentences of Error with their ids, for translation; Error itself is encoded as English text.
	ErrorSaid []phrase.Sentence `json:"errorSaid,omitempty"`
	List      []replica         `json:"list"`
}

// replica is a replica with the titles of its holds.
type replica struct {
	statetopic.Replica
	HoldTitles []string `json:"holdTitles,omitempty"`
}

// replicas returns the replicas that wrote to the state topic in the last day; nil without a state topic.
func (s *Server) replicas(now time.Time) *replicas {
	if s.cfg.StateTopic == nil {
		return nil
	}
	asOf, err := s.cfg.StateTopic.AsOf()
	all := &replicas{AsOf: asOf.UTC(), Error: s.cfg.StateTopic.Advice(err), ErrorSaid: s.cfg.StateTopic.Advice(err), List: []replica{}}
	for _, r := range s.cfg.StateTopic.Replicas(now) {
		one := replica{Replica: r}
		for _, cause := range r.Holds {
			one.HoldTitles = append(one.HoldTitles, titleOfCause(cause))
		}
		all.List = append(all.List, one)
	}
	return all
}

// nameOwners sets Host in partitions. When two replicas claim a partition, as after a rebalance, the replica that wrote last is
// right.
func (r *replicas) nameOwners(partitions []partition, here string) {
	type owner struct {
		host  string
		heard time.Time
	}
	owners := map[int]owner{}
	for _, one := range r.List {
		for _, id := range one.Partitions {
			if one.Heard.After(owners[id].heard) {
				owners[id] = owner{one.Host, one.Heard}
			}
		}
	}
	for i := range partitions {
		p := &partitions[i]
		if p.Owner == ownerThis {
			p.Host = here
			continue
		}
		p.Host = owners[p.Partition].host
	}
}

// refreshReplicas reads what is new in the state topic, if there is one.
func (s *Server) refreshReplicas(ctx context.Context) {
	if s.cfg.StateTopic == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	_ = s.cfg.StateTopic.Refresh(ctx) // the error is shown with the replicas
}

// past is the history of all replicas in a range of time.
type past struct {
	Range       string            `json:"range"`
	Ranges      []string          `json:"ranges"`
	From        time.Time         `json:"from"`
	To          time.Time         `json:"to"`
	StepSeconds float64           `json:"stepSeconds"`
	Points      []pastPoint       `json:"points"` // oldest first; steps of which nothing is known are left out
	Totals      statetopic.Counts `json:"totals"`
	Holds       []pastHold        `json:"holds"` // the longest first
	AsOf        time.Time         `json:"asOf,omitzero"`
	Error       phrase.Text       `json:"error,omitempty"`
	// ErrorSaid has the sentences of Error with their ids, for translation; Error itself is encoded as English text.
	ErrorSaid []phrase.Sentence `json:"errorSaid,omitempty"`
}

// pastPoint is one step of a past.
type pastPoint struct {
	statetopic.Point
	// Held is how many seconds of the step the delivery was held, except for throttling, which is normal.
	Held float64 `json:"held"`
}

// pastHold says for how long one cause held the delivery.
type pastHold struct {
	Cause   string  `json:"cause"`
	Title   string  `json:"title"`
	Seconds float64 `json:"seconds"`
}

// past answers with the history of a range of time. The parameter range names it, 24h by default.
func (s *Server) past(w http.ResponseWriter, r *http.Request, _ caller) {
	if s.cfg.StateTopic == nil {
		refuse(w, http.StatusNotFound, phrase.New("no_history", "what was is not kept: set KAFKA_STATE_TOPIC"))
		return
	}
	ranges := statetopic.Ranges()
	names := make([]string, len(ranges))
	for i, one := range ranges {
		names[i] = one.Name
	}
	i := slices.Index(names, cmp.Or(r.URL.Query().Get("range"), "24h"))
	if i < 0 {
		fieldProblem(w, http.StatusBadRequest, "range", phrase.Verbatim("range is one of "+strings.Join(names, ", ")))
		return
	}
	s.refreshReplicas(r.Context())
	now := time.Now()
	asOf, err := s.cfg.StateTopic.AsOf()
	out := past{
		Range: names[i], Ranges: names, From: now.Add(-ranges[i].Span).UTC(), To: now.UTC(), StepSeconds: ranges[i].Step.Seconds(),
		Points: []pastPoint{}, Holds: []pastHold{}, AsOf: asOf.UTC(), Error: s.cfg.StateTopic.Advice(err), ErrorSaid: s.cfg.StateTopic.Advice(err),
	}
	out.add(s.cfg.StateTopic.History(ranges[i], now))
	answer(w, out)
}

func (p *past) add(points []statetopic.Point) {
	held := map[string]float64{}
	for _, point := range points {
		one := pastPoint{Point: point}
		for cause, seconds := range point.HeldSeconds {
			held[cause] += seconds
			if cause != string(crmclient.HoldThrottle) {
				one.Held = max(one.Held, min(seconds, p.StepSeconds))
			}
		}
		p.Points = append(p.Points, one)
		p.Totals.Created += point.Created
		p.Totals.Found += point.Found
		p.Totals.Matched += point.Matched
		p.Totals.Letters += point.Letters
	}
	for cause, seconds := range held {
		p.Holds = append(p.Holds, pastHold{cause, titleOfCause(cause), seconds})
	}
	slices.SortFunc(p.Holds, func(a, b pastHold) int {
		return cmp.Or(cmp.Compare(b.Seconds, a.Seconds), cmp.Compare(a.Cause, b.Cause))
	})
}
