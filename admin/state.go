package admin

import (
	"cmp"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

// state is the state of the service as the page shows it.
type state struct {
	Now        time.Time         `json:"now"`
	Version    string            `json:"version"`
	Started    time.Time         `json:"started"`
	State      string            `json:"state"` // starting, rebalancing, delivering, throttled, held, draining
	Ready      bool              `json:"ready"`
	Healthy    bool              `json:"healthy"`
	Reason     phrase.Text       `json:"reason"`
	ReasonSaid []phrase.Sentence `json:"reasonSaid,omitempty"` // the sentences of Reason with their ids, for translation; Reason itself is encoded as English text
	Holds      []hold            `json:"holds"`
	Paused     bool              `json:"paused"` // this process was paused on its page; false: it was not, though another replica may be

	Rate         rate         `json:"rate"`
	CreatedToday today        `json:"createdToday"`
	Lag          *int64       `json:"lag"`        // of all partitions; null when it is not known
	LagSeconds   *float64     `json:"lagSeconds"` // of all partitions; null when it is not known
	Waiting      []waiting    `json:"waiting"`    // what makes events wait for longer than five seconds
	Partitions   []partition  `json:"partitions"`
	Budget       budget       `json:"budget"`
	CRM          portal       `json:"crm"`
	Letters      letterCounts `json:"letters"`
	Topics       topics       `json:"topics"`
	Group        string       `json:"group"`
	Member       string       `json:"member"`
	Generation   int          `json:"generation"`
	Replicas     *replicas    `json:"replicas,omitempty"` // nil: there is no state topic
}

type hold struct {
	Cause      string            `json:"cause"`
	Title      string            `json:"title"`
	Since      time.Time         `json:"since"`
	Until      time.Time         `json:"until,omitzero"` // when the next try is
	Status     int               `json:"status,omitempty"`
	Code       string            `json:"code,omitempty"`
	Of         string            `json:"of,omitempty"` // the only kind of object that is held, such as deals; "" for all
	Advice     phrase.Text       `json:"advice"`
	AdviceSaid []phrase.Sentence `json:"adviceSaid,omitempty"` // the sentences of Advice with their ids, for translation; Advice itself is encoded as English text
	Words      string            `json:"words,omitempty"`      // in a flood, the CRM's message in the newest refused letter, masked
}

type rate struct {
	PerSecond float64 `json:"perSecond"` // contacts created or matched a second, over the last ten seconds
}

type today struct {
	Count float64   `json:"count"`
	Since time.Time `json:"since"` // the reader's midnight, or when the process started
}

const (
	ownerThis  = "this"
	ownerOther = "other"
)

type partition struct {
	Partition  int     `json:"partition"`
	Owner      string  `json:"owner"`          // "this" or "other" process
	Host       string  `json:"host,omitempty"` // of the owner; "": not known
	Committed  int64   `json:"committed"`
	LogEnd     int64   `json:"logEnd"`
	Lag        int64   `json:"lag"`
	LagSeconds float64 `json:"lagSeconds"`
	Unfinished int     `json:"unfinished"`
	Suspects   int     `json:"suspects"`
}

type budget struct {
	PerMinute     float64 `json:"perMinute"`     // how many requests the whole portal may take a minute; 0: no limit
	Share         float64 `json:"share"`         // this process's part of PerMinute, 0 to 1
	WindowSeconds float64 `json:"windowSeconds"` // over which the requests of Uses are counted; 0: the process has just started
	Uses          []use   `json:"uses"`
}

// use says how many requests were sent for one purpose.
type use struct {
	Use      string  `json:"use"`
	Requests float64 `json:"requests"` // in the last WindowSeconds
	Total    float64 `json:"total"`    // since the process started
}

type portal struct {
	Portal      string `json:"portal"`
	OriginField string `json:"originField"`
	InFlight    int    `json:"inFlight"`
	Waiting     int    `json:"waiting"`
}

type topics struct {
	Leads       string `json:"leads"`
	DeadLetters string `json:"deadLetters"`
}

// snapshot is a state without those fields that depend on the reader.
type snapshot struct {
	state
	created float64
}

// snapshot returns the present state.
func (s *Server) snapshot(now time.Time) snapshot {
	is := s.cfg.Situation()
	counts := s.counters(now, is)
	snap := snapshot{created: counts.created, state: state{
		Now: now.UTC(), Version: s.cfg.Version, Started: s.cfg.Started.UTC(),
		State: stateOf(is), Ready: is.Ready, Healthy: is.Healthy, Reason: is.Reason, ReasonSaid: is.Reason, Holds: s.holdsOf(is.Holds), Paused: is.PausedHere,
		Waiting:    waitingOf(is.Waiting),
		Rate:       rate{s.rate(counts)},
		Partitions: s.partitions(is),
		Budget:     s.budget(counts, is.CRM),
		CRM:        portal{is.CRM.Portal, is.CRM.OriginField, is.CRM.InFlight, is.CRM.Waiting},
		Letters:    s.letters.counts(now),
		Topics:     topics{s.cfg.Topic, s.cfg.DeadLetterTopic},
		Group:      s.cfg.GroupID, Member: is.Member, Generation: is.Generation,
	}}
	snap.Lag, snap.LagSeconds = s.lag(is, snap.Partitions)
	if snap.Replicas = s.replicas(now); snap.Replicas != nil {
		snap.Replicas.nameOwners(snap.Partitions, s.cfg.StateTopic.Host())
	}
	return snap
}

// lag returns the lag of the given partitions: the sum of records, and the largest of seconds. Both are nil if there are no
// partitions, or this process has some whose lag is not known. While Kafka does not report the partitions of other replicas,
// these are not among the given ones, and do not count.
func (s *Server) lag(is Situation, partitions []partition) (*int64, *float64) {
	if len(partitions) == 0 || len(is.Partitions) > 0 && !is.LagKnown {
		return nil, nil
	}
	lag, seconds := int64(0), 0.0
	for _, p := range partitions {
		lag += p.Lag
		seconds = max(seconds, p.LagSeconds)
	}
	return &lag, &seconds
}

// stateOf returns the state of a situation, with "throttled" instead of "held" when the CRM only asked for a pause, which
// is normal and ends by itself.
func stateOf(is Situation) string {
	throttled := false
	for _, h := range is.Holds {
		switch h.Cause {
		case crmclient.HoldPreparing: // does not count: every start has it
		case crmclient.HoldThrottle:
			throttled = true
		default:
			return is.State
		}
	}
	if throttled && is.State == "held" {
		return "throttled"
	}
	return is.State
}

// rate returns how many contacts a second were created or matched in the last ten seconds.
func (s *Server) rate(counts sample) float64 {
	before := s.history.back(counts.at, 2*step)
	seconds := counts.at.Sub(before.at).Seconds()
	if before.at.IsZero() || seconds <= 0 {
		return 0
	}
	return math.Round(10*(counts.created-before.created)/seconds) / 10
}

func (s *Server) budget(counts sample, crm crmclient.Status) budget {
	before := s.history.back(counts.at, time.Minute)
	if before.at.IsZero() {
		before = counts // no sample was taken yet
	}
	b := budget{PerMinute: crm.PerMinute, Share: crm.Share, WindowSeconds: math.Round(counts.at.Sub(before.at).Seconds()), Uses: []use{}}
	spent := counts.since(before)
	for _, name := range []string{"create", "lookup", "replay", "setup"} {
		b.Uses = append(b.Uses, use{name, tenths(spent[name]), tenths(counts.uses[name])})
	}
	return b
}

func tenths(f float64) float64 { return math.Round(10*f) / 10 }

// partitions returns all partitions of the topic: our own as the consumer knows them, others as Kafka reports them.
func (s *Server) partitions(is Situation) []partition {
	all := s.peers.partitions()
	if all == nil {
		all = map[int]partition{}
	}
	for _, p := range is.Partitions {
		all[p.Partition] = partition{
			Partition: p.Partition, Owner: ownerThis, Committed: p.Committed, LogEnd: p.LogEnd,
			Lag: p.Lag, LagSeconds: p.LagSeconds, Unfinished: p.Unfinished, Suspects: p.Suspects,
		}
	}
	list := make([]partition, 0, len(all))
	for _, p := range all {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b partition) int { return cmp.Compare(a.Partition, b.Partition) })
	return list
}

// forReader returns the state for a reader whose day began at midnight.
func (s *Server) forReader(snap snapshot, midnight time.Time) state {
	out := snap.state
	out.CreatedToday = today{Count: snap.created, Since: s.cfg.Started.UTC()}
	if before, ok := s.history.at(midnight); ok && midnight.After(s.cfg.Started) {
		out.CreatedToday = today{Count: snap.created - before.created, Since: midnight.UTC()}
	}
	return out
}

// state answers with the present state.
func (s *Server) state(w http.ResponseWriter, r *http.Request, _ caller) {
	midnight, ok := midnightOf(w, r)
	if !ok {
		return
	}
	s.peers.refresh(r.Context())
	s.refreshReplicas(r.Context())
	_ = s.letters.refresh(r.Context()) // an error is shown with the counts
	answer(w, s.forReader(s.snapshot(time.Now()), midnight))
}

// midnightOf returns the reader's midnight from the request, or the midnight of UTC if the request does not say it. If it
// is not valid, midnightOf answers the request and returns false.
func midnightOf(w http.ResponseWriter, r *http.Request) (time.Time, bool) {
	text := r.URL.Query().Get("midnight")
	if text == "" {
		return time.Now().UTC().Truncate(24 * time.Hour), true
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		fieldProblem(w, http.StatusBadRequest, "midnight", phrase.Verbatim("midnight is a time in Unix seconds"))
		return time.Time{}, false
	}
	return time.Unix(seconds, 0), true
}
