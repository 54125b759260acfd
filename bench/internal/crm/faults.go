package crm

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Scope is what a fault befalls.
type Scope int

// Scopes.
const (
	Creates Scope = iota // creates of contacts, each call of a batch for itself
	Lookups              // requests that look contacts up, as a whole
	Batches              // POST /v1/batch, as a whole
	Writes               // requests that create contacts, as a whole
	All                  // every request
)

// Effect is what a fault does.
type Effect int

// Effects. Only faults of whole requests hang or lose answers.
const (
	Answer     Effect = iota // an error is the answer; nothing is applied
	Hang                     // no answer comes; nothing is applied
	LoseAnswer               // everything is applied, then the connection is cut
)

// Fault is a trouble of the portal.
type Fault struct {
	Scope  Scope
	Marker string  // befalls only contacts with it in a name, or as assignedById; "": all
	Share  float64 // of what it could befall, drawn at random; 0: all
	Times  int     // befalls so many, then no more; 0: no limit

	Effect     Effect
	Status     int // of an Answer
	Code       string
	Message    string
	RetryAfter time.Duration // 0: nothing is said
}

// Break adds a fault. It befalls requests that come until mend is called. The first of
// several faults that fit a request befalls it.
func (p *Portal) Break(f Fault) (mend func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = append(p.faults, &f)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.faults = slices.DeleteFunc(p.faults, func(x *Fault) bool { return x == &f })
	}
}

func (f *Fault) answer() answer {
	a := failure(f.Status, f.Code, f.Message)
	if a.code == "" {
		a.code = strings.ToUpper(strings.ReplaceAll(http.StatusText(f.Status), " ", "_"))
	}
	a.retryAfter = f.RetryAfter
	return a
}

// befalls returns the fault of a single call, nil when there is none.
func (p *Portal) befalls(c call) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.Action != actionCreate {
		return nil
	}
	return p.draw(func(f *Fault) bool { return f.Scope == Creates && f.marks(c) }, []call{c})
}

// whole returns the fault of a request as a whole, nil when there is none.
func (p *Portal) whole(req request) *Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	creates := func(c call) bool { return c.Action == actionCreate }
	return p.draw(func(f *Fault) bool {
		switch f.Scope {
		case Lookups:
			return slices.ContainsFunc(req.calls, call.reads)
		case Batches:
			return req.batch && slices.ContainsFunc(req.calls, f.marks)
		case Writes:
			return slices.ContainsFunc(req.calls, func(c call) bool { return creates(c) && f.marks(c) })
		case All:
			return true
		}
		return false
	}, slices.DeleteFunc(slices.Clone(req.calls), func(c call) bool { return !creates(c) }))
}

// draw finds the first fault that fits and remembers whose own creates it befell. The
// caller holds mu.
func (p *Portal) draw(fits func(*Fault) bool, creates []call) *Fault {
	for _, f := range p.faults {
		if !fits(f) || f.Times < 0 || f.Share > 0 && p.random.Float64() >= f.Share {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				f.Times = -1 // used up
			}
		}
		if f.Effect == Answer && f.Scope != Creates {
			creates = nil // an error for a whole request is nobody's own
		}
		for _, c := range creates {
			for _, email := range emailsOf(c) {
				p.troubled[email]++
			}
		}
		return f
	}
	return nil
}

// marks reports whether a call bears the fault's marker.
func (f *Fault) marks(c call) bool {
	if f.Marker == "" {
		return true
	}
	var contact struct {
		Name, LastName, SecondName string
		AssignedByID               json.Number
	}
	_ = json.Unmarshal(c.Params, &contact) // what is not valid bears no marker
	return strings.Contains(contact.Name+" "+contact.LastName+" "+contact.SecondName, f.Marker) || string(contact.AssignedByID) == f.Marker
}

func emailsOf(c call) []string {
	var contact map[string]any
	if json.Unmarshal(c.Params, &contact) != nil {
		return nil
	}
	return texts(contact["email"])
}
