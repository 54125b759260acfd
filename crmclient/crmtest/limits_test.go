package crmtest_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func TestRequestsPerMinute(t *testing.T) {
	bubble(t, crmtest.Options{PerMinute: 3}, func(p *portal) {
		t := p.t
		for i := range 3 {
			r := p.do("GET /v1/me", "").want(t, http.StatusOK, "")
			want := fmt.Sprintf("3 %d %d", 2-i, 60-20*i)
			if got := rateHeaders(r); got != want {
				t.Errorf("call %d: headers %q, want %q", i, got, want)
			}
			advance(20*time.Second - time.Second*time.Duration(i/2))
		}
		// 59 s have passed: the first call still counts.
		r := p.do("POST /v1/contacts", `{}`).want(t, http.StatusTooManyRequests, "RATE_LIMITED")
		if r.Error.RetryAfter != 1 || r.header.Get("Retry-After") != "1" || rateHeaders(r) != "3 0 1" {
			t.Errorf("retryAfter %d, Retry-After %q, headers %q", r.Error.RetryAfter, r.header.Get("Retry-After"), rateHeaders(r))
		}
		if p.Count() != 0 || p.Stats().Throttled != 1 {
			t.Errorf("%d contacts, %d throttled", p.Count(), p.Stats().Throttled)
		}
		advance(time.Second)
		p.do("POST /v1/contacts", `{}`).want(t, http.StatusCreated, "")
		p.do("POST /v1/contacts", `{}`).want(t, http.StatusTooManyRequests, "RATE_LIMITED")
	})
}

func rateHeaders(r reply) string {
	h := r.header
	return strings.Join([]string{h.Get("X-RateLimit-Limit"), h.Get("X-RateLimit-Remaining"), h.Get("X-RateLimit-Reset")}, " ")
}

func TestRateHeadersOnErrors(t *testing.T) {
	bubble(t, crmtest.Options{PerMinute: 300}, func(p *portal) {
		t := p.t
		p.scripted(crmtest.Action{Status: 502})
		for _, r := range []reply{p.do("GET /v1/me", ""), p.do("GET /v1/nothing", ""), p.do("POST /v1/contacts", "x")} {
			if r.header.Get("X-RateLimit-Limit") != "300" {
				t.Errorf("%d has no headers of the limit: %v", r.status, r.header)
			}
		}
	})
}

func TestRequestsPerSecond(t *testing.T) {
	bubble(t, crmtest.Options{PerSecond: 10}, func(p *portal) {
		t := p.t
		for range 10 {
			p.create(`{}`)
		}
		p.do("POST /v1/contacts", `{}`).want(t, http.StatusBadGateway, "BITRIX_UNAVAILABLE")
		p.do("GET /v1/me", "").want(t, http.StatusOK, "") // not the portal's
		advance(time.Second)
		p.do("POST /v1/contacts/search", `{"limit":500}`).want(t, http.StatusOK, "") // ten requests
		p.do("POST /v1/contacts", `{}`).want(t, http.StatusBadGateway, "BITRIX_UNAVAILABLE")
		if p.Count() != 10 || p.Stats().OverPerSecond != 2 {
			t.Errorf("%d contacts, %d over the limit", p.Count(), p.Stats().OverPerSecond)
		}
	})
}

func TestPortalQueue(t *testing.T) {
	o := crmtest.Options{Slots: 2, QueueLimit: 30 * time.Second, ServiceTime: 12 * time.Second}
	bubble(t, o, func(p *portal) {
		t := p.t
		var answers []<-chan reply
		for range 8 {
			answers = append(answers, started(func() reply { return p.do("POST /v1/contacts", `{}`) }))
			synctest.Wait() // so that they queue in this order
		}
		began := time.Now()
		for i, want := range []int{12, 12, 24, 24, 36, 36} {
			(<-answers[i]).want(t, http.StatusCreated, "")
			if got := int(time.Since(began).Seconds()); got != want {
				t.Errorf("call %d is answered after %d s, want %d", i, got, want)
			}
		}
		for _, a := range answers[6:] { // their turn would come after 36 s
			r := (<-a).want(t, http.StatusGatewayTimeout, "QUEUE_TIMEOUT")
			if r.Error.RetryAfter == 0 || r.header.Get("Retry-After") == "" {
				t.Errorf("no retryAfter: %s", r.text)
			}
		}
		s := p.Stats()
		if p.Count() != 6 || s.MaxRunning != 2 || s.MaxConcurrent != 8 || s.SlotWaits != 6 || s.QueueTimeouts != 2 {
			t.Errorf("%d contacts, %+v", p.Count(), s)
		}
	})
}

// TestRequestOutlivesItsSender ends the client's side of a create that waits in
// the portal's queue.
func TestRequestOutlivesItsSender(t *testing.T) {
	o := crmtest.Options{Slots: 1, QueueLimit: 30 * time.Second, ServiceTime: 10 * time.Second}
	bubble(t, o, func(p *portal) {
		t := p.t
		first := started(func() reply { return p.do("POST /v1/contacts", `{"name":"first"}`) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.server.URL+"/v1/contacts", strings.NewReader(`{"name":"second"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-Api-Key", p.key)
		if r := p.send(req); r.err == nil {
			t.Fatalf("answered %d, want a timeout", r.status)
		}
		(<-first).want(t, http.StatusCreated, "")
		if got := p.Count(); got != 1 {
			t.Fatalf("%d contacts at 10 s, want 1", got)
		}
		advance(10*time.Second + time.Millisecond)
		if got := p.Count(); got != 2 {
			t.Errorf("%d contacts at 20 s, want 2: the portal works on for a client that has gone", got)
		}
	})
}

func TestErrorLoop(t *testing.T) {
	bubble(t, crmtest.Options{ErrorLoop: 3}, func(p *portal) {
		t := p.t
		bad, good := `{"name":1}`, `{"name":"A"}`
		for range 2 {
			p.do("POST /v1/contacts", bad).want(t, http.StatusBadRequest, "INVALID_REQUEST")
		}
		p.do("POST /v1/contacts", `{"name":2}`).want(t, http.StatusBadRequest, "INVALID_REQUEST") // another one
		for range 3 {
			p.do("POST /v1/contacts", bad).want(t, http.StatusBadRequest, "INVALID_REQUEST")
		}
		for range 4 {
			r := p.do("POST /v1/contacts", good).want(t, http.StatusTooManyRequests, "ERROR_LOOP_DETECTED")
			if r.Error.RetryAfter != 60 || r.header.Get("Retry-After") != "60" {
				t.Errorf("retryAfter %d, Retry-After %q, want 60", r.Error.RetryAfter, r.header.Get("Retry-After"))
			}
		}
		p.do("POST /v1/contacts", bad).want(t, http.StatusBadRequest, "INVALID_REQUEST") // a probe
		for range 4 {
			p.do("POST /v1/contacts", good).want(t, http.StatusTooManyRequests, "ERROR_LOOP_DETECTED")
		}
		p.create(good) // a probe that works ends it
		p.create(good)
		for range 3 {
			p.do("POST /v1/contacts", bad).want(t, http.StatusBadRequest, "INVALID_REQUEST")
		}
		p.key = "another key"
		p.create(good)
		p.key = "vibe_api_1"
		p.do("POST /v1/contacts", good).want(t, http.StatusTooManyRequests, "ERROR_LOOP_DETECTED")
		advance(time.Minute)
		p.create(good)
	})
}

func TestServiceTime(t *testing.T) {
	o := crmtest.Defaults()
	bubble(t, o, func(p *portal) {
		t := p.t
		if got := waited(func() { p.create(`{}`) }); got != 150*time.Millisecond {
			t.Errorf("a create takes %v, want 150ms", got)
		}
		if got := waited(func() { p.do("POST /v1/batch", creates(50)) }); got != 400*time.Millisecond {
			t.Errorf("a batch of 50 takes %v, want 400ms", got)
		}
		if got := waited(func() { p.do("GET /v1/me", "") }); got != 0 {
			t.Errorf("me takes %v, want nothing", got)
		}
	})
}

func TestSkewedClock(t *testing.T) {
	o := crmtest.Options{Skew: -time.Hour, Zone: time.UTC}
	bubble(t, o, func(p *portal) {
		t := p.t
		r := p.do("POST /v1/contacts", `{}`)
		if got := r.object(t)["createdTime"]; got != "1999-12-31T23:00:00Z" {
			t.Errorf("created at %v", got)
		}
		if got := r.header.Get("Date"); got != "Fri, 31 Dec 1999 23:00:00 GMT" {
			t.Errorf("Date is %q", got)
		}
	})
}

// By option any calls that fail in a row block the key, whatever they are.
func TestErrorLoopOfAnyCalls(t *testing.T) {
	bubble(t, crmtest.Options{ErrorLoop: 3, ErrorLoopAny: true}, func(p *portal) {
		t := p.t
		for n := range 2 {
			p.do("POST /v1/contacts", fmt.Sprintf(`{"name":%d}`, n)).want(t, http.StatusBadRequest, "INVALID_REQUEST")
		}
		p.create(`{"name":"A"}`) // ends the row
		for n := range 3 {
			p.do("POST /v1/contacts", fmt.Sprintf(`{"name":%d}`, n)).want(t, http.StatusBadRequest, "INVALID_REQUEST")
		}
		p.do("POST /v1/contacts", `{"name":"A"}`).want(t, http.StatusTooManyRequests, "ERROR_LOOP_DETECTED")
	})
}
