package crmtest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// defaultMaxBody is the longest body in bytes if Options.MaxBody is 0.
const defaultMaxBody = 16 << 20

// exchange is one call under /v1 that is being served.
type exchange struct {
	s     *Simulator
	w     http.ResponseWriter
	r     *http.Request
	call  Call
	route string // "POST /v1/contacts", "GET /v1/contacts/{id}"
	begun time.Time
}

// ServeHTTP answers /v1/…, the page at / and /_sim/….
func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/v1" || strings.HasPrefix(r.URL.Path, "/v1/") {
		s.serveAPI(w, r)
		return
	}
	s.pages.ServeHTTP(w, r)
}

func (s *Simulator) serveAPI(w http.ResponseWriter, r *http.Request) {
	route, _ := routeOf(r.Method, r.URL.Path)
	e := &exchange{s: s, w: w, r: r, route: route, begun: time.Now()}
	n, down := s.enter()
	defer s.leave()
	w.Header().Set("X-Request-Id", fmt.Sprintf("sim-%08d", n))
	w.Header().Set("Date", time.Now().Add(s.options().Skew).UTC().Format(http.TimeFormat))
	if down != "" {
		e.perform(downAction(down), refusal(shutDown()))
		return
	}
	body, err := s.readBody(w, r)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		e.perform(Action{Apply: Now}, refusal(&failure{Status: http.StatusRequestEntityTooLarge, Code: "PAYLOAD_TOO_LARGE", Message: "The request is too large"}))
		return
	}
	if err != nil { // the client broke off in the middle of its request
		s.note(route, 0)
		panic(http.ErrAbortHandler)
	}
	e.call = Call{N: n, Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(), Body: body, At: time.Now()}
	e.perform(e.decide())
}

func (s *Simulator) enter() (n int, down string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.open++
	s.stats.Calls++
	s.stats.MaxConcurrent = max(s.stats.MaxConcurrent, s.open)
	if s.faults.Down != "" {
		s.stats.Faults["down"]++
	}
	return s.calls, s.faults.Down
}

func (s *Simulator) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

func (s *Simulator) readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	limit := s.options().MaxBody
	if limit <= 0 {
		limit = defaultMaxBody
	}
	var body bytes.Buffer
	body.Grow(bytes.MinRead + int(min(max(r.ContentLength, 0), limit, 1<<20))) // a Content-Length over 1 MiB is not believed
	if _, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, limit)); err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	return body.Bytes(), nil
}

// decide returns what the call asks for, and what happens to it.
func (e *exchange) decide() (Action, *plan) {
	act := e.s.scripted(e.call)
	e.begun = time.Now() // from here on, the simulator's own work counts as a part of the portal's run time
	h := e.w.Header()
	if !act.passes() {
		_ = e.s.admit(h, true)
		p := e.plan()
		p.setFates(act.Items)
		return act, p
	}
	key := e.r.Header.Get("X-Api-Key")
	for _, refuse := range []func() *failure{
		func() *failure { return e.s.admit(h, false) },
		func() *failure { return e.s.looping(key) },
		e.authenticate,
	} {
		if f := refuse(); f != nil {
			return act, refusal(f)
		}
	}
	p := e.plan()
	act = e.s.trouble(p)
	p.setFates(act.Items)
	return act, p
}

// setFates sets the results that replace those of items.
func (p *plan) setFates(fates map[string]ItemError) {
	for _, it := range p.items {
		if fate, ok := fates[it.id]; ok {
			it.fate = &fate
		}
	}
}

// perform carries an action out.
func (e *exchange) perform(act Action, p *plan) {
	s := e.s
	e.begun = e.begun.Add(act.Delay)
	if act.Delay > 0 && !s.sleepUntil(e.begun) {
		act, p = Action{}, refusal(shutDown())
	}
	var ans answer
	switch act.effect() {
	case Now:
		if f := s.onPortal(p, e.begun); f != nil {
			p = refusal(f)
		}
		ans = p.answer()
	case Late, Trickle:
		s.later(p, act)
	case Auto, Never:
	}
	ans = act.replace(ans)
	isGenuine := act.passes() || act.Status == 0 && act.End == Answer
	if isGenuine {
		s.watch(e.r.Header.Get("X-Api-Key"), e.call, e.r.URL.RawQuery, ans.status)
	}
	e.finish(act.End, ans)
}

// replace returns the action's answer, or the genuine one if the action has none, with the action's headers.
func (a Action) replace(genuine answer) answer {
	ans := genuine
	if a.Status != 0 {
		ans = failed(&failure{Status: a.Status, Code: a.Code, Message: a.Message, RetryAfter: a.RetryAfter})
	}
	if a.Status != 0 && a.Body != "" {
		ans.body = []byte(a.Body)
		ans.header.Set("Content-Type", http.DetectContentType(ans.body))
	}
	for name, values := range a.Header {
		if ans.header == nil {
			ans.header = http.Header{}
		}
		ans.header[http.CanonicalHeaderKey(name)] = values
	}
	return ans
}

// finish ends the exchange as the action says. The call is counted before, so that a client that
// has its answer finds it counted.
func (e *exchange) finish(end End, ans answer) {
	if end == Answer || end == Truncate {
		e.s.note(e.route, ans.status)
		ans.write(e.w, end == Truncate)
		return
	}
	e.s.note(e.route, 0)
	if end == Hang {
		select {
		case <-e.r.Context().Done():
		case <-e.s.done:
		}
	}
	cut(e.w, end == Reset)
}
