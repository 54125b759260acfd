package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// replayRequest is the body of a replay: letters by place or by a filter, and what is
// changed in them.
type replayRequest struct {
	Places  []string     `json:"places"`
	Filter  *filter      `json:"filter"`
	Edit    *editRequest `json:"edit"`
	JQ      string       `json:"jq"`
	DryRun  bool         `json:"dryRun"`
	Rate    *float64     `json:"rate"` // events a second; 0: no limit
	Confirm string       `json:"confirm"`
}

// editRequest is the new value of one letter.
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

// plan is a replay that was understood.
type plan struct {
	places []dlt.Position
	edit   dlt.Editor // nil: none
	rate   float64
	asked  string // digest of the request, but for confirm, dryRun and rate
}

// fault is what is wrong with a request, and with which of its fields.
type fault struct {
	status int
	field  string
	detail string
}

func (f *fault) Error() string { return f.detail }

func badField(field, detail string) *fault { return &fault{http.StatusBadRequest, field, detail} }

// read understands a request, but for which letters a filter chooses.
func (q replayRequest) read() (plan, *fault) {
	p := plan{rate: replayRate, asked: q.digest()}
	if q.Rate != nil {
		p.rate = *q.Rate
	}
	switch {
	case p.rate < 0, math.IsNaN(p.rate), math.IsInf(p.rate, 0):
		return p, badField("rate", "rate is a number of events a second; 0: no limit")
	case (len(q.Places) > 0) == (q.Filter != nil):
		return p, badField("places", "give either places or a filter")
	case q.Edit != nil && q.JQ != "":
		return p, badField("jq", "give either a new value or a jq program")
	}
	var err error
	if p.places, err = positions(q.Places); err != nil {
		return p, badField("places", err.Error())
	}
	p.places = slices.Compact(slices.SortedFunc(slices.Values(p.places), dlt.Position.Compare))
	if q.Filter != nil {
		if _, err := q.Filter.query(); err != nil {
			return p, badField("filter", err.Error())
		}
	}
	var wrong *fault
	p.edit, wrong = q.editor(p.places)
	return p, wrong
}

// editor is what changes the values; nil for nothing.
func (q replayRequest) editor(places []dlt.Position) (dlt.Editor, *fault) {
	switch {
	case q.JQ != "":
		e, err := transform.NewEditor(q.JQ)
		if err != nil {
			return nil, badField("jq", err.Error())
		}
		return e, nil
	case q.Edit == nil:
		return nil, nil
	}
	place, err := dlt.ParsePosition(q.Edit.Place)
	var object map[string]json.RawMessage
	switch {
	case err != nil || len(places) != 1 || places[0] != place:
		return nil, badField("edit", "a new value is for one letter, which places names alone")
	case len(q.Edit.Value) > maxValue:
		return nil, badField("value", "a value is no longer than 1 MiB")
	case json.Unmarshal([]byte(q.Edit.Value), &object) != nil || object == nil:
		return nil, badField("value", "the new value is no JSON object"+whereWrong(q.Edit.Value))
	}
	return newValue(q.Edit.Value), nil
}

// whereWrong tells where a text stops being JSON, without repeating it.
func whereWrong(text string) string {
	var rest json.RawMessage
	wrong, ok := errors.AsType[*json.SyntaxError](json.Unmarshal([]byte(text), &rest))
	if !ok {
		return ""
	}
	before := text[:min(int(wrong.Offset), len(text))]
	line := strings.Count(before, "\n") + 1
	return fmt.Sprintf(": there is a mistake in line %d", line)
}

// newValue takes the place of a letter's value.
type newValue string

// Edit gives the new value.
func (v newValue) Edit([]byte) ([]byte, error) { return []byte(v), nil }

// digest names what a request asks for.
func (q replayRequest) digest() string {
	q.Confirm, q.DryRun, q.Rate = "", false, nil
	return hashOf(q)
}

// confirmation names what a dry run showed: exactly these letters, with this edit. Nobody else
// can tell it.
func (r *replays) confirmation(p plan) string { return hashOf([]any{r.key, p.asked, p.places}) }

func hashOf(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "" // these values always encode
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:16])
}

// maxShown is how many dry runs are remembered.
const maxShown = 16

// replays are those that were shown by a dry run, and the one that runs.
type replays struct {
	key       string        // random
	turn, dry chan struct{} // hold one for each replay, and each dry run, that is on its way

	mu    sync.Mutex
	shown []plan // the newest last
}

func newReplays() replays {
	return replays{key: rand.Text(), turn: make(chan struct{}, 1), dry: make(chan struct{}, maxDryRuns)}
}

// remember keeps what a dry run showed, so that the replay is of these letters, though
// a filter may choose others by then.
func (r *replays) remember(p plan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p.edit = nil
	r.shown = append(r.shown, p)
	if len(r.shown) > maxShown {
		r.shown = slices.Clone(r.shown[1:])
	}
}

// confirmed finds the letters of a dry run that asked for the same.
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

// maxDryRuns is how many dry runs may be on their way at a time: each reads the topic.
const maxDryRuns = 2

// begin takes the turn of a replay: it is not ok while another one runs.
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

// close lets no replay begin any more, and waits for the one that runs.
func (r *replays) close(ctx context.Context) {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
	}
}
