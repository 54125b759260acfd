package admin

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/phrase"
)

const (
	// lettersEvery is how often new letters are read at most while a page is open.
	lettersEvery = 2 * time.Second
	// lettersKept is how long letters are kept in memory after the last page was closed.
	lettersKept = 5 * time.Minute
	// lettersLimit is how long one reading of the topic may take.
	lettersLimit = time.Minute
)

// letters are the dead letters, held in memory while a page is open.
type letters struct {
	name  string // of the topic
	topic *dlt.Topic
	shelf *dlt.Shelf

	mu     sync.Mutex
	wanted time.Time // when a page last needed the letters; zero when they were released
	busy   bool      // follow is reading the letters; false: a call of follow may begin to
	err    error     // the error of the last reading; nil: it succeeded, or there was none
}

func (l *letters) open(cfg Config) {
	l.name = cfg.DeadLetterTopic
	l.topic = dlt.Open(dlt.Config{Brokers: cfg.Brokers, Topic: cfg.Topic, DeadLetterTopic: cfg.DeadLetterTopic})
	l.shelf = l.topic.NewShelf(dlt.DefaultShelfLimits(), cfg.Transformer)
}

// refresh reads new letters, unless that was done less than lettersEvery ago.
func (l *letters) refresh(ctx context.Context) error { return l.read(ctx, lettersEvery) }

// reread reads new letters and markers, such as those that this process has just written.
func (l *letters) reread(ctx context.Context) {
	_ = l.read(ctx, 0) // an error is shown with the counts
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

// follow is refresh for the stream of live updates. It returns at once while another call of follow is reading.
func (l *letters) follow(ctx context.Context) {
	l.mu.Lock()
	busy := l.busy
	l.busy = true
	l.mu.Unlock()
	if busy {
		return
	}
	_ = l.refresh(ctx) // an error is shown with the counts
	l.mu.Lock()
	defer l.mu.Unlock()
	l.busy = false
}

// forget releases the memory when no page has been open for lettersKept.
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

// letterCounts counts the dead letters by reason.
type letterCounts struct {
	Open     int           `json:"open"`
	ByReason []reasonCount `json:"byReason"`
	Beyond   int           `json:"beyond"` // how many older letters are not held; leadbridge dlt shows them
	AsOf     time.Time     `json:"asOf,omitzero"`
	Error    string        `json:"error"`
	// ErrorSaid is Error in the form in which the page says it in its reader's language.
	ErrorSaid []phrase.Sentence `json:"errorSaid,omitempty"`
}

type reasonCount struct {
	Reason   string `json:"reason"`
	Open     int    `json:"open"`
	Closed   int    `json:"closed"`
	Replayed int    `json:"replayed"`
	Erased   int    `json:"erased"`
	Trend    []int  `json:"trend"` // letters written in each hour, oldest first
	Advice   string `json:"advice"`
	// AdviceSaid is Advice in the form in which the page says it in its reader's language.
	AdviceSaid []phrase.Sentence `json:"adviceSaid,omitempty"`
}

func (l *letters) counts(now time.Time) letterCounts {
	o := l.shelf.Overview(now)
	c := letterCounts{Open: o.Open, ByReason: []reasonCount{}, Beyond: o.Beyond, AsOf: o.AsOf.UTC()}
	for _, r := range o.ByReason {
		c.ByReason = append(c.ByReason, reasonCount{r.Reason, r.Open, r.Closed, r.Replayed, r.Erased, r.Trend[:], onPage(r.Advice), r.Advice})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		why := l.problem(l.err)
		c.Error, c.ErrorSaid = why.String(), why
	}
	return c
}

// onPage returns an advice with the actions of the page in place of the command's flags.
func onPage(advice phrase.Text) string {
	return strings.NewReplacer(" by --edit", " here", " (--edit)", "", "words above", "words", "unless --edit makes", "unless an edit makes").Replace(advice.String())
}

// problem returns why the dead-letter topic cannot be read, for people.
func (l *letters) problem(err error) phrase.Text {
	switch {
	case errors.Is(err, cluster.ErrNoTopic):
		return phrase.New("no_letter_topic", "the topic {topic} does not exist: leadbridge check --fix makes it", "topic", l.name)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return phrase.New("letters_late", "the dead letters could not be read in time: are the brokers there?")
	}
	return phrase.New("letters_unread", "the dead letters cannot be read: {error}", "error", err.Error())
}

// filter is how a request chooses letters; see [dlt.Query].
type filter struct {
	Reasons []string `json:"reasons"`
	Codes   []string `json:"codes"`
	Words   []string `json:"words"`   // any of them occurs in the CRM's message
	Sources []string `json:"sources"` // of the events
	States  []string `json:"states"`
	Text    string   `json:"text"`
	Since   optional `json:"since"`
	Until   optional `json:"until"`
	Except  []string `json:"except"`
}

// optional is a time that may be missing, null or "".
type optional struct{ time.Time }

// UnmarshalText reads a time in the format of RFC 3339.
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

// listLimit is how many letters a list has at most.
const listLimit = 1000

// query returns the query of the filter. Its error can be shown to people.
func (f filter) query() (dlt.Query, error) {
	q := dlt.Query{Reasons: f.Reasons, Codes: f.Codes, Words: f.Words, Sources: f.Sources, Text: f.Text, Since: f.Since.Time, Until: f.Until.Time}
	for _, state := range f.States {
		switch s := dlt.State(state); s {
		case dlt.StateOpen, dlt.StateClosed, dlt.StateReplayed, dlt.StateErased:
			q.States = append(q.States, s)
		default:
			return q, errors.New("a state must be open, closed, replayed or erased")
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
			return nil, errors.New("the place of a letter must be partition:offset, such as 0:15")
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

// listed is a letter in the answer to a search.
type listed struct {
	Place    string    `json:"place"`
	At       time.Time `json:"at"`
	Reason   string    `json:"reason"`
	Status   int       `json:"status"`
	Code     string    `json:"code"`
	Message  string    `json:"message"`
	EventID  string    `json:"eventId"`
	State    dlt.State `json:"state"`
	Word     string    `json:"word"` // why it was closed
	Source   string    `json:"source"`
	Replays  int       `json:"replays"`
	Attempts int       `json:"attempts"`
	Summary  string    `json:"summary"`
}

// search answers with the letters that a filter chooses, newest first. A caller who may not see personal data finds only
// whole values: a search for parts would let him guess every value character by character. The text is personal data, and
// is not logged.
func (s *Server) search(w http.ResponseWriter, r *http.Request, by caller) {
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
	byText := strings.TrimSpace(q.Text) != ""
	q.Whole = byText && by.role < roleReveal
	if err := s.letters.refresh(r.Context()); err != nil && s.letters.shelf.AsOf().IsZero() {
		refuse(w, http.StatusServiceUnavailable, s.letters.problem(err))
		return
	}
	found := s.letters.shelf.Search(q)
	if byText {
		s.audit("search", by).Bool("whole", q.Whole).Int("letters", found.Total).Msg("page: letters were searched by a text")
	}
	list := make([]listed, 0, len(found.Items))
	for _, i := range found.Items {
		list = append(list, listed{
			i.Position.String(), i.At.UTC(), i.Reason, i.Status, i.Code, i.Message, i.EventID, i.State, i.Word, i.Source, i.Replays, i.Attempts, i.Summary,
		})
	}
	answer(w, struct {
		Total   int       `json:"total"`
		AsOf    time.Time `json:"asOf"`
		Cut     int       `json:"cut"`   // how many other letters were not searched completely
		Whole   bool      `json:"whole"` // only whole numbers, addresses, ids and words were compared with the text; false: parts of them, too
		Letters []listed  `json:"letters"`
	}{found.Total, found.AsOf.UTC(), found.Cut, q.Whole, list})
}
