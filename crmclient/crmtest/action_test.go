package crmtest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestScriptedAnswers(t *testing.T) {
	tests := []struct {
		name   string
		act    crmtest.Action
		status int
		code   string
		now    int // contacts at the answer
		later  int // contacts 10 s afterwards
	}{
		{"passes", crmtest.Action{}, 201, "", 1, 1},
		{"fails before", crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"}, 502, "BITRIX_UNAVAILABLE", 0, 0},
		{"fails after", crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE", Apply: crmtest.Now}, 502, "BITRIX_UNAVAILABLE", 1, 1},
		{"is applied late", crmtest.Action{Status: 504, Code: "QUEUE_TIMEOUT", Apply: crmtest.Late, After: 9 * time.Second}, 504, "QUEUE_TIMEOUT", 0, 1},
		{"code of its own", crmtest.Action{Status: 418, Code: "TEAPOT"}, 418, "TEAPOT", 0, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, crmtest.Options{}, func(p *portal) {
				t := p.t
				p.scripted(test.act)
				p.do("POST /v1/contacts", `{"name":"A"}`).want(t, test.status, test.code)
				if got := p.Count(); got != test.now {
					t.Errorf("%d contacts at the answer, want %d", got, test.now)
				}
				advance(10 * time.Second)
				if got := p.Count(); got != test.later {
					t.Errorf("%d contacts later, want %d", got, test.later)
				}
				if got, want := p.Stats().Late, test.later-test.now; got != want {
					t.Errorf("%d counted as late, want %d", got, want)
				}
			})
		})
	}
}

func TestScriptedEnds(t *testing.T) {
	ends := []struct {
		name string
		end  crmtest.End
		good func(reply) bool
	}{
		{"reset", crmtest.Reset, func(r reply) bool { return errors.Is(r.err, syscall.ECONNRESET) }},
		{"close", crmtest.Close, func(r reply) bool { return errors.Is(r.err, io.EOF) }},
		{"truncate", crmtest.Truncate, func(r reply) bool { return r.status == 201 && errors.Is(r.err, io.ErrUnexpectedEOF) && r.text != "" }},
		{"hang", crmtest.Hang, func(r reply) bool { return errors.Is(r.err, context.DeadlineExceeded) }},
	}
	for _, end := range ends {
		for _, apply := range []crmtest.Apply{crmtest.Now, crmtest.Never} {
			name := end.name + map[crmtest.Apply]string{crmtest.Now: " after it", crmtest.Never: " before it"}[apply]
			if end.end == crmtest.Truncate && apply == crmtest.Never {
				continue // there is no answer to be cut
			}
			t.Run(name, func(t *testing.T) {
				bubble(t, crmtest.Options{}, func(p *portal) {
					t := p.t
					p.client.Timeout = 35 * time.Second
					p.scripted(crmtest.Action{End: end.end, Apply: apply})
					if r := p.do("POST /v1/contacts", `{"name":"A"}`); !end.good(r) {
						t.Errorf("got %d, %v, %q", r.status, r.err, r.text)
					}
					want := 0
					if apply == crmtest.Now {
						want = 1
					}
					if got := p.Count(); got != want {
						t.Errorf("%d contacts, want %d", got, want)
					}
					synctest.Wait()
					p.create(`{"name":"B"}`) // the server goes on
					if got := p.Stats().MaxConcurrent; got != 1 {
						t.Errorf("%d calls at a time: the first did not end with its client", got)
					}
				})
			})
		}
	}
}

func TestScriptedDelayHeadersAndBody(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.scripted(
			crmtest.Action{Delay: 7 * time.Second},
			crmtest.Action{Status: 429, Code: "RATE_LIMITED", RetryAfter: 5},
			crmtest.Action{Status: 429, RetryAfter: 5, Header: http.Header{"retry-after": {"Wed, 21 Oct 2026 07:28:00 GMT"}}},
			crmtest.Action{Status: 502, Body: "<html>no</html>"},
			crmtest.Action{Header: http.Header{"X-More": {"1"}}},
		)
		if got := waited(func() { p.create(`{}`) }); got != 7*time.Second {
			t.Errorf("waited %v, want 7s", got)
		}
		r := p.do("GET /v1/me", "").want(t, 429, "RATE_LIMITED")
		if r.Error.RetryAfter != 5 || r.header.Get("Retry-After") != "5" {
			t.Errorf("retryAfter %d, header %q", r.Error.RetryAfter, r.header.Get("Retry-After"))
		}
		if got := p.do("GET /v1/me", "").header["Retry-After"]; !cmp.Equal(got, []string{"Wed, 21 Oct 2026 07:28:00 GMT"}) {
			t.Errorf("Retry-After is %q", got)
		}
		r = p.do("GET /v1/me", "")
		if r.status != 502 || r.text != "<html>no</html>" || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") {
			t.Errorf("got %d %q %q", r.status, r.text, r.header.Get("Content-Type"))
		}
		if r = p.do("GET /v1/me", "").want(t, 200, ""); r.header.Get("X-More") != "1" {
			t.Errorf("headers %v", r.header)
		}
	})
}

func TestScriptedTrickle(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.scripted(crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE", Apply: crmtest.Trickle, After: time.Second})
		p.do("POST /v1/batch", creates(5)).want(t, 502, "BITRIX_UNAVAILABLE")
		for i := range 5 {
			if got := p.Count(); got != i {
				t.Errorf("%d contacts after %d s", got, i)
			}
			advance(time.Second + time.Millisecond)
		}
		if s := p.Stats(); p.Count() != 5 || s.Late != 5 || s.Batches != 1 || s.BatchCalls != 5 {
			t.Errorf("%d contacts, %+v", p.Count(), s)
		}
	})
}

func TestScriptedItems(t *testing.T) {
	bubble(t, crmtest.Options{}, func(p *portal) {
		t := p.t
		p.scripted(crmtest.Action{Items: map[string]crmtest.ItemError{
			"k0": {Code: "INTERNAL_ERROR", Message: "m"},
			"k1": {Code: "RATE_LIMITED", Skip: true},
			"k2": {},
			"k3": {Skip: true},
		}})
		b := p.do("POST /v1/batch", creates(5)).want(t, 200, "").batch(t)
		if b.Errors["k0"].Code != "INTERNAL_ERROR" || b.Errors["k0"].Message != "m" || b.Errors["k1"].Code != "RATE_LIMITED" || len(b.Errors) != 2 {
			t.Errorf("errors %+v", b.Errors)
		}
		if !cmp.Equal(keys(b.Results), map[string]bool{"k4": true}) {
			t.Errorf("results %v", keys(b.Results))
		}
		var names []string
		for _, c := range p.Contacts() {
			names = append(names, c.Text("name"))
		}
		if diff := cmp.Diff([]string{"n0", "n2", "n4"}, names); diff != "" {
			t.Errorf("contacts differ (-want +got):\n%s", diff)
		}
	})
}

func TestScriptSeesTheCalls(t *testing.T) {
	bubble(t, crmtest.Options{Keys: []string{"other"}, PerMinute: 1}, func(p *portal) {
		t := p.t
		var seen []crmtest.Call
		p.Script(func(c crmtest.Call) crmtest.Action {
			seen = append(seen, c)
			return crmtest.Action{Apply: crmtest.Now} // skips the key and the limit
		})
		for range 2 {
			p.do("POST /v1/contacts?x=1", `{"name":"A"}`).want(t, http.StatusCreated, "")
		}
		c := seen[1]
		if c.N != 2 || !c.Is("POST /v1/contacts") || string(c.Body) != `{"name":"A"}` || c.Header.Get("X-Api-Key") != p.key || !c.At.Equal(time.Now()) {
			t.Errorf("the script saw %+v", c)
		}
		p.Script(func(crmtest.Call) crmtest.Action {
			p.Script(nil) // a script may end itself
			return crmtest.Action{}
		})
		p.do("POST /v1/contacts", `{}`).want(t, http.StatusTooManyRequests, "RATE_LIMITED")
	})
}

// TestCloseEndsWaits closes a server while calls hang, wait and are to be applied.
func TestCloseEndsWaits(t *testing.T) {
	o := crmtest.Options{Slots: 1, ServiceTime: time.Hour}
	bubble(t, o, func(p *portal) {
		t := p.t
		p.scripted(crmtest.Action{End: crmtest.Hang}, crmtest.Action{Status: 502, Apply: crmtest.Late, After: time.Hour}, crmtest.Action{Delay: time.Hour})
		var answers []<-chan reply
		for range 5 {
			answers = append(answers, started(func() reply { return p.do("POST /v1/contacts", `{}`) }))
			advance(time.Second)
		}
		began := time.Now()
		p.server.Close()
		for _, a := range answers {
			<-a
		}
		if got := time.Since(began); got != 0 || p.Count() != 0 {
			t.Errorf("closing took %v, %d contacts", got, p.Count())
		}
		p.server.Close() // again
	})
}
