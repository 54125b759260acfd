package crmtest

import (
	"net/http"
	"reflect"
	"time"
)

// Call is one request, as a script gets it.
type Call struct {
	N      int // its number, from 1
	Method string
	Path   string // without the query
	Header http.Header
	Body   []byte
	At     time.Time
}

// Is reports whether the call has a method and a path, as in Is("POST /v1/contacts").
func (c Call) Is(methodPath string) bool { return c.Method+" "+c.Path == methodPath }

// Action decides what happens to one call. The zero value handles it normally: by keys,
// limits, faults and the portal. Any other action skips keys and limits.
type Action struct {
	Apply Apply         // whether the call takes effect
	After time.Duration // with Late: how long after the answer; with Trickle: between items
	Delay time.Duration // before anything else

	// Status replaces the true answer by one with this status and an error made of
	// Code, Message and RetryAfter (seconds), or with Body if it is given.
	// Without a Status the true answer is sent.
	Status     int
	Code       string
	Message    string
	RetryAfter int
	Body       string
	Header     http.Header // added to the answer; replaces headers of the same name

	// Items replaces results of a batch, by call id.
	Items map[string]ItemError

	End End // how the connection ends
}

// ItemError replaces the result of one call of a batch. Without a Code the call's id
// is neither in results nor in errors of the answer.
type ItemError struct {
	Code    string
	Message string
	Skip    bool // the call does not take effect
}

// Apply is whether and when a call takes effect.
type Apply int

// When a call may take effect.
const (
	Auto    Apply = iota // Now if the true answer is sent, else Never
	Now                  // before the answer
	Never                // not at all
	Late                 // Action.After later than the answer
	Trickle              // a batch: after its answer, one item every Action.After
)

// End is how a call's connection ends.
type End int

// How a connection may end.
const (
	Answer   End = iota // with an answer
	Hang                // no answer until the client goes
	Reset               // reset instead of an answer
	Close               // closed without an answer
	Truncate            // half of the answer's body, then closed
)

// Script lets f decide each call under /v1, in the order of their arrival; nil
// ends that. f is called from many goroutines, but only once at a time, so while it waits
// all calls wait. It may call methods of the simulator, also Script. [Faults] do not
// concern calls for which f returned an action.
func (s *Simulator) Script(f func(Call) Action) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = f
}

// scripted returns the script's action for a call.
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

// passes reports whether the action is the zero value. As it has maps, it cannot be compared
// by ==.
func (a Action) passes() bool { return reflect.ValueOf(a).IsZero() }

// effect returns Apply, and for Auto what it stands for.
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
