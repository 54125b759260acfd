package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/dlt"
)

const (
	// lettersEvery is how old the picture of the dead-letter topic may be while somebody looks.
	lettersEvery = 2 * time.Second
	// lettersKept is how long it is kept when nobody does.
	lettersKept = 5 * time.Minute
	// lettersLimit bounds one reading of the topic.
	lettersLimit = time.Minute
)

// letters are the dead letters, held while somebody looks.
type letters struct {
	topic *dlt.Topic
	shelf *dlt.Shelf

	mu     sync.Mutex
	wanted time.Time // when somebody looked last
	busy   bool      // being read for the stream
	err    error     // of the last reading
}

func (l *letters) open(cfg Config) {
	l.topic = dlt.Open(cfg.Kafka)
	l.shelf = l.topic.NewShelf(dlt.DefaultShelfLimits(), cfg.Transformer)
}

// refresh reads the topic on, so that the picture is no older than lettersEvery.
func (l *letters) refresh(ctx context.Context) error { return l.read(ctx, lettersEvery) }

// reread has the picture show what this process wrote just now.
func (l *letters) reread(ctx context.Context) {
	_ = l.read(ctx, 0) // what is wrong is told with the counts
}

func (l *letters) read(ctx context.Context, age time.Duration) error {
	l.mu.Lock()
	l.wanted = time.Now()
	l.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, lettersLimit)
	defer cancel()
	err := l.shelf.Refresh(ctx, age)
	l.mu.Lock()
	defer l.mu.Unlock()
	if !errors.Is(err, context.Canceled) {
		l.err = err
	}
	return err
}

// follow is refresh for the stream, which waits for nobody.
func (l *letters) follow(ctx context.Context) {
	l.mu.Lock()
	busy := l.busy
	l.busy = true
	l.mu.Unlock()
	if busy {
		return
	}
	_ = l.refresh(ctx) // what is wrong is told with the counts
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
}

// forget gives the memory back when nobody has looked for long.
func (l *letters) forget(now time.Time) {
	l.mu.Lock()
	stale := !l.wanted.IsZero() && !l.busy && now.Sub(l.wanted) > lettersKept
	if stale {
		l.wanted = time.Time{}
	}
	l.mu.Unlock()
	if stale {
		l.shelf.Clear()
	}
}

// letterCounts are the dead letters by reason.
type letterCounts struct {
	Open     int           `json:"open"`
	ByReason []reasonCount `json:"byReason"`
	Beyond   int           `json:"beyond"` // older letters than are held: leadbridge dlt knows them
	AsOf     time.Time     `json:"asOf,omitzero"`
	Error    string        `json:"error"`
}

type reasonCount struct {
	Reason   string `json:"reason"`
	Open     int    `json:"open"`
	Replayed int    `json:"replayed"`
	Erased   int    `json:"erased"`
	Trend    []int  `json:"trend"` // letters written an hour, oldest first
	Advice   string `json:"advice"`
}

func (l *letters) counts(now time.Time, cfg consumer.Config) letterCounts {
	o := l.shelf.Overview(now)
	c := letterCounts{Open: o.Open, ByReason: []reasonCount{}, Beyond: o.Beyond, AsOf: o.AsOf.UTC()}
	for _, r := range o.ByReason {
		c.ByReason = append(c.ByReason, reasonCount{r.Reason, r.Open, r.Replayed, r.Erased, r.Trend[:], onPage(r.Advice)})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		c.Error = readProblem(l.err, cfg)
	}
	return c
}

// onPage is an advice in the page's terms: what is a flag for a command is an act here.
func onPage(advice string) string {
	return strings.NewReplacer(" by --edit", " here", " (--edit)", "", "words above", "words", "unless --edit makes", "unless an edit makes").Replace(advice)
}

// readProblem says why the dead-letter topic cannot be read.
func readProblem(err error, cfg consumer.Config) string {
	switch {
	case errors.Is(err, consumer.ErrNoTopic):
		return "the topic " + cfg.DeadLetterTopic + " does not exist: leadbridge check --fix makes it"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "the dead letters could not be read in time: are the brokers there?"
	}
	return "the dead letters cannot be read: " + err.Error()
}

// filter is how a request chooses letters.
type filter struct {
	Reasons []string `json:"reasons"`
	Codes   []string `json:"codes"`
	States  []string `json:"states"`
	Text    string   `json:"text"`
	Since   optional `json:"since"`
	Until   optional `json:"until"`
	Except  []string `json:"except"`
}

// optional is a time that may be left out, by null or "" as well.
type optional struct{ time.Time }

// UnmarshalText reads RFC 3339.
func (o *optional) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		return nil
	}
	return o.Time.UnmarshalText(text)
}

// UnmarshalJSON reads a text, or null.
func (o *optional) UnmarshalJSON(text []byte) error {
	if s := string(text); s == "null" || s == `""` {
		return nil
	}
	return o.Time.UnmarshalJSON(text)
}

// listLimit is the longest page of a list.
const listLimit = 1000

// query is the filter in dlt's terms; the error is for people.
func (f filter) query() (dlt.Query, error) {
	q := dlt.Query{Reasons: f.Reasons, Codes: f.Codes, Text: f.Text, Since: f.Since.Time, Until: f.Until.Time}
	for _, state := range f.States {
		switch s := dlt.State(state); s {
		case dlt.StateOpen, dlt.StateReplayed, dlt.StateErased:
			q.States = append(q.States, s)
		default:
			return q, errors.New("a state is open, replayed or erased")
		}
	}
	var err error
	q.Except, err = positions(f.Except)
	return q, err
}

func positions(texts []string) ([]dlt.Position, error) {
	all := make([]dlt.Position, 0, len(texts))
	for _, text := range texts {
		p, err := dlt.ParsePosition(text)
		if err != nil {
			return nil, errors.New("a place of a letter is partition:offset, such as 0:15")
		}
		all = append(all, p)
	}
	return all, nil
}

// searchRequest is the body of a search.
type searchRequest struct {
	filter
	Offset int `json:"offset"`
	Limit  int `json:"limit"`
}

// listed is a letter in a list.
type listed struct {
	Place    string    `json:"place"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason"`
	Status   int       `json:"status"`
	Code     string    `json:"code"`
	Message  string    `json:"message"`
	EventID  string    `json:"eventId"`
	State    dlt.State `json:"state"`
	Replays  int       `json:"replays"`
	Attempts int       `json:"attempts"`
	Summary  string    `json:"summary"`
}

// search answers with letters that a filter chooses, newest first.
func (s *Server) search(w http.ResponseWriter, r *http.Request, _ who) {
	var body searchRequest
	if !decode(w, r, smallBody, &body) {
		return
	}
	q, err := body.query()
	if err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return
	}
	if body.Offset < 0 || body.Limit < 0 || body.Limit > listLimit {
		problem(w, http.StatusBadRequest, "limit is 0 to 1000, and offset not below 0")
		return
	}
	q.Offset, q.Limit = body.Offset, cmp.Or(body.Limit, 100)
	if err := s.letters.refresh(r.Context()); err != nil && s.letters.shelf.AsOf().IsZero() {
		problem(w, http.StatusServiceUnavailable, readProblem(err, s.cfg.Kafka))
		return
	}
	found := s.letters.shelf.Search(q)
	list := make([]listed, 0, len(found.Items))
	for _, i := range found.Items {
		list = append(list, listed{
			i.Position.String(), i.At.UTC(), i.Reason, i.Status, i.Code, i.Message, i.EventID, i.State, i.Replays, i.Attempts, i.Summary,
		})
	}
	answer(w, struct {
		Total   int       `json:"total"`
		AsOf    time.Time `json:"asOf"`
		Cut     int       `json:"cut"` // more letters, of which not all could be searched
		Letters []listed  `json:"letters"`
	}{found.Total, found.AsOf.UTC(), found.Cut, list})
}
