package crmclient_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Stop ends every wait at once; only what was sent without an answer is unsettled.
func TestStopEndsWaits(t *testing.T) {
	always := func(methodPath string, a crmtest.Action) func(*world) {
		return func(w *world) {
			w.script(methodPath, func(int, crmtest.Call) crmtest.Action { return a })
		}
	}
	for name, test := range map[string]struct {
		setUp     func(*world)
		request   crmclient.Request
		unsettled bool
	}{
		"preparing":        {always("GET /v1/me", crmtest.Action{End: crmtest.Hang}), lead(1), false},
		"settling":         {always(createCall, crmtest.Action{Status: 502}), lead(1), true},
		"between look-ups": {func(*world) {}, suspect(1), false},
		"throttled":        {always(createCall, crmtest.Action{Status: 429, RetryAfter: 60}), lead(1), false},
		"bad key":          {always("GET /v1/me", crmtest.Action{Status: 401}), lead(1), false},
		"key went bad":     {always(createCall, crmtest.Action{Status: 401, Code: "KEY_EXPIRED"}), lead(1), false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				test.setUp(w)
				stop := make(chan struct{})
				test.request.Stop = stop
				done := w.start(w.t.Context(), test.request)
				later(3 * time.Second)
				close(stop)
				ended := time.Now()
				e := <-done
				if !errors.Is(e.err, crmclient.ErrStopped) || e.result.Unsettled != test.unsettled || !time.Now().Equal(ended) {
					t.Errorf("Create = %+v, %v after the stop", e, time.Since(ended))
				}
				later(0)
				if s := w.creator.Status(); s.InFlight != 0 || s.Waiting != 0 {
					t.Errorf("left behind: %+v", s)
				}
			})
		})
	}
}

// A request in the air is waited for and its answer counts.
func TestStopWaitsForTheRequestInTheAir(t *testing.T) {
	for name, test := range map[string]struct {
		action crmtest.Action
		want   func(ended) bool
	}{
		"created":  {crmtest.Action{Delay: 5 * time.Second}, func(e ended) bool { return e.err == nil && e.result.ContactID > 0 }},
		"refused":  {crmtest.Action{Delay: 5 * time.Second, Status: 400, Code: "INVALID_PARAMS"}, func(e ended) bool { return rejection(e.err) != nil }},
		"in doubt": {crmtest.Action{Delay: 5 * time.Second, Status: 502}, func(e ended) bool { return errors.Is(e.err, crmclient.ErrStopped) && e.result.Unsettled }},
		"throttled": {crmtest.Action{Delay: 5 * time.Second, Status: 429, Code: "RATE_LIMITED"},
			func(e ended) bool { return errors.Is(e.err, crmclient.ErrStopped) && !e.result.Unsettled }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.firstOnly(test.action)
				stop := make(chan struct{})
				r := lead(1)
				r.Stop = stop
				done := w.start(w.t.Context(), r)
				later(time.Second)
				close(stop)
				if e := <-done; !test.want(e) || e.took < 5*time.Second || e.took > 6*time.Second {
					t.Errorf("Create = %+v", e)
				}
			})
		})
	}
}

func TestStopWaitsForTheLookUpInTheAir(t *testing.T) {
	for name, test := range map[string]struct {
		action crmtest.Action
		found  bool
	}{
		"found":  {crmtest.Action{Delay: 5 * time.Second}, true},
		"failed": {crmtest.Action{Delay: 5 * time.Second, Status: 502}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.mustCreate(lead(1))
				w.script(searchCall, func(int, crmtest.Call) crmtest.Action { return test.action })
				stop := make(chan struct{})
				r := suspect(1)
				r.Stop = stop
				done := w.start(w.t.Context(), r)
				later(time.Second)
				close(stop)
				e := <-done
				if e.result.Found != test.found || errors.Is(e.err, crmclient.ErrStopped) == test.found || e.took > 6*time.Second {
					t.Errorf("Create = %+v", e)
				}
			})
		})
	}
}

func TestStoppedBeforeItBegan(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		stop := make(chan struct{})
		close(stop)
		r := lead(1)
		r.Stop = stop
		if e := w.create(r); !errors.Is(e.err, crmclient.ErrStopped) || e.result.Unsettled {
			t.Errorf("Create = %+v", e)
		}
		if n := w.sim.Stats().Calls; n != 0 {
			t.Errorf("%d calls", n)
		}
	})
}

// A create that ctx breaks off is unsettled when it was sent, and only then.
func TestUnsettledAfterContextEnd(t *testing.T) {
	inBubble(t, portalWithField(), func(c *crmclient.Config) { c.Slots = 1 }, func(w *world) {
		w.script(createCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{End: crmtest.Hang} })
		ctx, cancel := context.WithCancel(w.t.Context())
		other, cancelOther := context.WithCancel(w.t.Context())
		sent := w.start(ctx, lead(1))
		later(time.Second)
		waiting := w.start(other, lead(2))
		later(time.Second)
		cancelOther()
		later(0)
		cancel()
		if e := <-sent; !errors.Is(e.err, context.Canceled) || !e.result.Unsettled {
			t.Errorf("sent: %+v", e)
		}
		if e := <-waiting; !errors.Is(e.err, context.Canceled) || e.result.Unsettled {
			t.Errorf("waiting: %+v", e)
		}
	})
}

// After the answer no request is begun: whose fault the failure is stays open.
func TestStopAsksNoNeutralCall(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"in doubt":     {Delay: 5 * time.Second, Status: 500, Code: "INTERNAL_ERROR"},
		"its own 403s": {Delay: 5 * time.Second, Status: 403, Code: "BITRIX_ACCESS_DENIED"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.mustCreate(lead(0))
				w.script(createCall, func(int, crmtest.Call) crmtest.Action { return a })
				stop := make(chan struct{})
				r := lead(1)
				r.Stop = stop
				done := w.start(w.t.Context(), r)
				later(time.Second)
				close(stop)
				e := <-done
				if !errors.Is(e.err, crmclient.ErrStopped) || e.result.Unsettled != (a.Status == 500) {
					w.t.Errorf("Create = %+v", e)
				}
				if n := w.sim.Stats().Requests[fieldsCall+" 200"]; n != 1 {
					w.t.Errorf("%d neutral calls after the stop", n-1)
				}
				w.wantHolds("")
			})
		})
	}
}
