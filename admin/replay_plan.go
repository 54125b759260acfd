package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// replayRequest is the body of a request to replay letters. They are chosen by places or by a filter, and their values
// may be changed.
type replayRequest struct {
	Places  []string     `json:"places"`
	Filter  *filter      `json:"filter"`
	Edit    *editRequest `json:"edit"`
	JQ      string       `json:"jq"`
	DryRun  bool         `json:"dryRun"`
	Rate    *float64     `json:"rate"` // events a second; 0: no limit
	Confirm string       `json:"confirm"`
}

// editRequest is a new value for one letter.
type editRequest struct {
	Place string `json:"place"`
	Value string `json:"value"`
}

const (
	// replayRate is how many events a second are replayed when a request does not say.
	replayRate = 25
	// maxReplays is how often an event may be replayed.
	maxReplays = 3
	// maxValue is the longest value of an event, in bytes.
	maxValue = 1 << 20
)

// plan is a valid replay request.
type plan struct {
	places []dlt.Position
	edit   dlt.Editor // nil when values stay as they are
	rate   float64
	asked  string // the digest of the request without confirm, dryRun and rate
}

// fault says what is wrong with a request, and in which field.
type fault struct {
	status int
	field  string
	detail phrase.Text
}

func (f *fault) Error() string { return f.detail.String() }

func badField(field string, detail phrase.Text) *fault {
	return &fault{http.StatusBadRequest, field, detail}
}

// read returns the plan of a request, without the letters that a filter chooses.
func (q replayRequest) read() (plan, *fault) {
	p := plan{rate: replayRate, asked: q.digest()}
	if q.Rate != nil {
		p.rate = *q.Rate
	}
	switch {
	case p.rate < 0, math.IsNaN(p.rate), math.IsInf(p.rate, 0):
		return p, badField("rate", phrase.Verbatim("rate is a number of events a second; 0: no limit"))
	case (len(q.Places) > 0) == (q.Filter != nil):
		return p, badField("places", phrase.Verbatim("give either places or a filter"))
	}
	var err error
	if p.places, err = positions(q.Places); err != nil {
		return p, badField("places", phrase.Verbatim(err.Error()))
	}
	p.places = slices.Compact(slices.SortedFunc(slices.Values(p.places), dlt.Position.Compare))
	if q.Filter != nil {
		if _, err := q.Filter.query(); err != nil {
			return p, badField("filter", phrase.Verbatim(err.Error()))
		}
	}
	var wrong *fault
	p.edit, wrong = q.editor(p.places)
	return p, wrong
}

// editor returns the editor that changes the values; nil when they stay as they are.
func (q replayRequest) editor(places []dlt.Position) (dlt.Editor, *fault) {
	switch {
	case q.Edit != nil && q.JQ != "":
		return nil, badField("jq", phrase.Verbatim("give either a new value or a jq program"))
	case q.JQ != "":
		e, err := transform.NewEditor(q.JQ)
		if err != nil {
			return nil, badField("jq", phrase.Verbatim(err.Error()))
		}
		return e, nil
	case q.Edit == nil:
		return nil, nil
	}
	place, err := dlt.ParsePosition(q.Edit.Place)
	var object map[string]json.RawMessage
	switch {
	case err != nil || len(places) != 1 || places[0] != place:
		return nil, badField("edit", phrase.Verbatim("a new value is for one letter, which places names alone"))
	case len(q.Edit.Value) > maxValue:
		return nil, badField("value", phrase.New("value_too_long", "a value may have at most 1 MiB"))
	case json.Unmarshal([]byte(q.Edit.Value), &object) != nil || object == nil:
		return nil, badField("value", noObject(q.Edit.Value))
	}
	return newValue(q.Edit.Value), nil
}

// noObject says that a text is not a JSON object, and where it is wrong, without repeating it.
func noObject(text string) phrase.Text {
	var rest json.RawMessage
	wrong, ok := errors.AsType[*json.SyntaxError](json.Unmarshal([]byte(text), &rest))
	if !ok {
		return phrase.New("no_object", "the new value is not a JSON object")
	}
	before := text[:min(int(wrong.Offset), len(text))]
	line := strings.Count(before, "\n") + 1
	return phrase.New("no_json", "the new value is not a JSON object: there is a mistake in line {line}", "line", strconv.Itoa(line))
}

// newValue is an editor that replaces a letter's value.
type newValue string

// Edit returns the new value.
func (v newValue) Edit([]byte) ([]byte, error) { return []byte(v), nil }

// digest returns a hash of what a request asks for.
func (q replayRequest) digest() string {
	q.Confirm, q.DryRun, q.Rate = "", false, nil
	return hashOf(q)
}

// confirmation returns a code that stands for exactly the letters and the edit that a dry run showed. It cannot be
// computed without the key.
func (r *replays) confirmation(p plan) string { return hashOf([]any{r.key, p.asked, p.places}) }

func hashOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // these values can always be encoded
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// maxShown is how many dry runs are kept.
const maxShown = 16

// replays keeps the plans that dry runs have shown, and lets one replay run at a time.
type replays struct {
	key       string        // random
	turn, dry chan struct{} // one entry for each running replay, and for each running dry run

	mu    sync.Mutex
	shown []plan // the newest last
}

func newReplays() replays {
	return replays{key: rand.Text(), turn: make(chan struct{}, 1), dry: make(chan struct{}, maxDryRuns)}
}

// remember keeps the plan of a dry run, so that the replay is of the same letters, even if the filter chooses others by then.
func (r *replays) remember(p plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.edit = nil
	r.shown = append(r.shown, p)
	if len(r.shown) > maxShown {
		r.shown = slices.Clone(r.shown[1:])
	}
}

// confirmed returns the places of the letters that a dry run of the same request showed.
func (r *replays) confirmed(asked, confirm string) ([]dlt.Position, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range slices.Backward(r.shown) {
		if p.asked == asked && r.confirmation(p) == confirm {
			return p.places, true
		}
	}
	return nil, false
}

// maxDryRuns is how many dry runs may run at a time, as each reads the topic.
const maxDryRuns = 2

// begin begins a replay or a dry run. ok is false when too many are running.
func (r *replays) begin(dryRun bool) (end func(), ok bool) {
	turn := r.turn
	if dryRun {
		turn = r.dry
	}
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, true
	default:
		return nil, false
	}
}

// close waits until no replay runs or ctx ends. After it has waited, no replay can begin any more.
func (r *replays) close(ctx context.Context) {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
	}
}
