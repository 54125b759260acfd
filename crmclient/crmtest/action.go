package crmtest

import (
	"net/http"
	"reflect"
	"time"
)

// Call is one request as the script sees it.
type Call struct {
	N      int // its number, from 1
	Method string
	Path   string // without the query
	Header http.Header
	Body   []byte
	At     time.Time
}

// Is reports whether the call is method path, as in Is("POST /v1/contacts").
func (c Call) Is(methodPath string) bool { return c.Method+" "+c.Path == methodPath }

// Action decides the fate of one call. The zero value lets it pass: to keys,
// limits, faults and the portal. Any other action skips keys and limits.
type Action struct {
	Apply Apply         // whether the call takes effect
	After time.Duration // with Late: how long after the answer; with Trickle: between items
	Delay time.Duration // before anything else

	// Status answers this instead of the true answer, with an error made of
	// Code, Message and RetryAfter (seconds), or with Body when it is given.
	// Without a Status the true answer goes out.
	Status     int
	Code       string
	Message    string
	RetryAfter int
	Body       string
	Header     http.Header // added to the answer; wins over ours

	// Items replaces results of a batch, by call id.
	Items map[string]ItemError

	End End // how the connection ends
}

// ItemError is the outcome of one call of a batch. Without a Code the call's id
// is in neither map of the answer.
type ItemError struct {
	Code    string
	Message string
	Skip    bool // the call does not take effect
}

// Apply is whether and when a call takes effect.
type Apply int

// The ways of a call to take effect.
const (
	Auto    Apply = iota // Now when the true answer goes out, else Never
	Now                  // before the answer
	Never                // not at all
	Late                 // Action.After later than the answer
	Trickle              // a batch after its answer, one item each Action.After
)

// End is the way in which a call's connection ends.
type End int

// The ways of a connection to end.
const (
	Answer   End = iota // with an answer
	Hang                // no answer until the client goes
	Reset               // reset instead of an answer
	Close               // closed without an answer
	Truncate            // half of the answer's body, then closed
)

// Script lets f decide each call under /v1, in the order of their arrival; nil
// ends that. f is called from many goroutines, one at a time, so one that waits holds
// all calls up; it may call the simulator, Script too. [Faults] do not touch calls
// that it decided.
func (s *Simulator) Script(f func(Call) Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = f
}

func (s *Simulator) scripted(c Call) Action {
	s.scripting.Lock()
	defer s.scripting.Unlock()
	s.mu.Lock()
	f := s.script
	s.mu.Unlock()
	if f == nil {
		return Action{}
	}
	return f(c)
}

// passes reports whether the action is the zero value. (Maps make it
// incomparable.)
func (a Action) passes() bool { return reflect.ValueOf(a).IsZero() }

// effect is Apply with Auto resolved.
func (a Action) effect() Apply {
	switch {
	case a.Apply != Auto:
		return a.Apply
	case a.Status == 0 && (a.End == Answer || a.End == Truncate):
		return Now
	default:
		return Never
	}
}
