package crmclient_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// firstOnly scripts the first create; the others pass.
func (w *world) firstOnly(a crmtest.Action) {
	w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
		if n == 1 {
			return a
		}
		return crmtest.Action{}
	})
}

func TestCreateSendsAtOnce(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		e := w.mustCreate(lead(1))
		if e.result.ContactID == 0 || e.result.Found || e.result.Attempts != 1 || e.took > time.Second {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(1)
		w.wantHolds("")
	})
}

// Every way for a create to fail without telling: what worked is found, what did not is
// created again, and nothing is there twice.
func TestInDoubt(t *testing.T) {
	for name, a := range map[string]crmtest.Action{
		"500":         {Status: 500, Code: "INTERNAL_ERROR"},
		"502":         {Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"504":         {Status: 504, Code: "QUEUE_TIMEOUT", RetryAfter: 7},
		"html":        {Status: 502, Body: "<html>"},
		"unknown":     {Status: 418, Code: "NEVER_SEEN"},
		"no id":       {Status: 201, Body: `{"success":true,"data":{}}`},
		"not json":    {Status: 200, Body: "<html>"},
		"truncated":   {End: crmtest.Truncate},
		"reset":       {End: crmtest.Reset},
		"closed":      {End: crmtest.Close},
		"hang":        {End: crmtest.Hang},
		"unknown 400": {Status: 400, Code: "NEVER_SEEN"},
	} {
		for effect, apply := range map[string]crmtest.Apply{"applied": crmtest.Now, "not applied": crmtest.Never} {
			t.Run(name+" "+effect, func(t *testing.T) {
				a := a
				a.Apply = apply
				inBubble(t, portalWithField(), nil, func(w *world) {
					w.firstOnly(a)
					e := w.mustCreate(lead(1))
					if applied := apply == crmtest.Now; e.result.Found != applied {
						t.Errorf("found = %v, want %v", e.result.Found, applied)
					}
					w.wantContacts(1)
				})
			})
		}
	}
}

// After an answer the look-up waits for the settle time.
func TestInDoubtAfterAnswerWaitsSettle(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.firstOnly(crmtest.Action{Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"})
		if e := w.mustCreate(lead(1)); !e.result.Found || e.took < settle || e.took > settle+time.Second {
			t.Errorf("Create = %+v", e)
		}
	})
}

// An unanswered create may take effect until queue limit and run time have
// passed since it was written.
func TestUnansweredCreateMayTakeEffectLate(t *testing.T) {
	for name, end := range map[string]crmtest.End{"reset": crmtest.Reset, "hang": crmtest.Hang} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				// Late enough that look-ups right after the failure find nothing.
				w.firstOnly(crmtest.Action{Apply: crmtest.Late, After: lifetime - 2*time.Second, End: end})
				e := w.mustCreate(lead(1))
				if !e.result.Found || e.took < lifetime-2*time.Second {
					t.Errorf("Create = %+v", e)
				}
				w.wantContacts(1)
			})
		})
	}
}

// Absence is proven by two look-ups a settle time apart, neither before the request's end.
func TestAbsenceNeedsTwoLookUps(t *testing.T) {
	for name, test := range map[string]struct {
		action crmtest.Action
		least  time.Duration
	}{
		"after an answer": {crmtest.Action{Apply: crmtest.Never, Status: 502, Code: "BITRIX_UNAVAILABLE"}, 2 * settle},
		"without":         {crmtest.Action{Apply: crmtest.Never, End: crmtest.Reset}, lifetime + settle},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.mustCreate(lead(99)) // look-ups can be tried with it
				var looks []time.Time
				n := 0
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					if c.Is(searchCall) {
						looks = append(looks, c.At)
					}
					if c.Is(createCall) {
						if n++; n == 1 {
							return test.action
						}
					}
					return crmtest.Action{}
				})
				begun := time.Now()
				e := w.mustCreate(lead(1))
				if e.took < test.least || e.took > test.least+time.Second || e.result.Attempts != 2 {
					t.Errorf("Create = %+v, want %v", e, test.least)
				}
				last := looks[len(looks)-2:]
				if last[1].Sub(last[0]) < settle || last[0].Sub(begun) < test.least-settle {
					t.Errorf("look-ups at %v, begun at %v", looks, begun)
				}
				w.wantContacts(2)
			})
		})
	}
}

// A write that shows up between the two look-ups is found by the second.
func TestWriteBetweenTheLookUpsIsFound(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.firstOnly(crmtest.Action{Apply: crmtest.Late, After: settle + 2*time.Second, Status: 502, Code: "BITRIX_UNAVAILABLE"})
		if e := w.mustCreate(lead(1)); !e.result.Found {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(1)
	})
}

// The run time is at least a second, however small CRM_TIMEOUT is.
func TestRunTimeIsAtLeastASecond(t *testing.T) {
	short := func(c *crmclient.Config) { c.Timeout, c.QueueLimit = 2*time.Second, 10*time.Second }
	inBubble(t, portalWithField(), short, func(w *world) {
		w.firstOnly(crmtest.Action{Apply: crmtest.Never, End: crmtest.Hang})
		if e := w.mustCreate(lead(1)); e.took < 11*time.Second+settle || e.took > 12*time.Second+settle {
			t.Errorf("Create = %+v", e)
		}
	})
}

// The retry is refused because the first create worked.
func TestRefusalWaitsForLookUp(t *testing.T) {
	for _, status := range []int{409, 400, 413} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				// Found so late that both look-ups after the doubt miss it.
				w.setFaults(crmtest.Faults{LookupLag: crmtest.Duration(2*settle + 2*time.Second)})
				w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
					if n == 1 {
						return crmtest.Action{Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"}
					}
					return crmtest.Action{Status: status, Code: map[int]string{409: "ALREADY_EXISTS", 400: "VALIDATION_ERROR"}[status]}
				})
				e := w.mustCreate(lead(1))
				if !e.result.Found || e.result.Attempts != 2 {
					t.Errorf("Create = %+v", e)
				}
				w.wantContacts(1)
			})
		})
	}
}

// An event that was in doubt and has no contact is refused in the end.
func TestRefusalAfterDoubtStandsWhenAbsent(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(99)) // look-ups can be tried with it
		w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
			if n == 1 {
				return crmtest.Action{Apply: crmtest.Never, Status: 502, Code: "BITRIX_UNAVAILABLE"}
			}
			return crmtest.Action{Status: 400, Code: "VALIDATION_ERROR", Message: "no"}
		})
		e := w.create(lead(1))
		if r := rejection(e.err); r == nil || r.Reason != crmclient.ReasonRefused || r.Status != 400 || r.Code != "VALIDATION_ERROR" || r.Message != "no" {
			t.Errorf("Create = %+v", e)
		}
		if n := w.sim.Stats().Lookups; n != 4 {
			t.Errorf("%d look-ups, want two after the doubt and two before the refusal", n)
		}
	})
}

func TestRefusedAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		action crmtest.Action
		want   crmclient.Rejection
	}{
		"400": {crmtest.Action{Status: 400, Code: "INVALID_REQUEST", Message: "no"},
			crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 400, Code: "INVALID_REQUEST", Message: "no", Attempts: 1}},
		"409": {crmtest.Action{Status: 409, Code: "CONFLICT", Message: "no"},
			crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 409, Code: "CONFLICT", Message: "no", Attempts: 1}},
		"413": {crmtest.Action{Status: 413, Body: "<html>"},
			crmclient.Rejection{Reason: crmclient.ReasonTooLarge, Status: 413, Attempts: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.firstOnly(test.action)
				e := w.create(lead(1))
				if r := rejection(e.err); r == nil || *r != test.want || e.took > time.Second {
					t.Errorf("Create = %+v, want %+v", e, test.want)
				}
				w.wantContacts(0)
			})
		})
	}
}

// 422 is charged as any failure is: only when others pass. Then it is a refusal. It leaves no doubt.
func TestBusinessRule(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.setFaults(crmtest.Faults{Business: originID(1)})
		done := w.start(w.t.Context(), lead(1))
		later(24 * time.Hour) // alone it is not charged
		if len(done) > 0 {
			t.Fatalf("Create = %+v without another that passed", <-done)
		}
		others := w.untilEnded(done, time.Second)
		e := <-done
		r := rejection(e.err)
		if r == nil {
			t.Fatalf("Create = %+v", e)
		}
		want := crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 422, Code: "BITRIX_ERROR", Message: r.Message, Attempts: r.Attempts}
		if *r != want || r.Message == "" || r.Attempts < 6 {
			t.Errorf("rejection %+v, want %+v", *r, want)
		}
		if n := w.sim.Stats().Lookups; n != 0 {
			t.Errorf("%d look-ups of a create that took no effect", n)
		}
		w.wantContacts(others)
	})
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.firstOnly(crmtest.Action{Status: 422, Code: "BITRIX_ERROR"})
		if e := w.mustCreate(lead(1)); e.result.Found || e.result.Attempts != 2 || w.sim.Stats().Lookups != 0 {
			t.Errorf("Create = %+v", e)
		}
	})
}

// 429 was not applied: no doubt, no charge, and the wait that it asks for.
func TestThrottleIsNeverInDoubtNorCharged(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
			if n <= 20 {
				return crmtest.Action{Status: 429, Code: "RATE_LIMITED", RetryAfter: 90}
			}
			return crmtest.Action{}
		})
		done := w.start(w.t.Context(), lead(1))
		later(time.Second)
		w.wantHolds("throttle")
		e := <-done
		if e.err != nil || e.took < 20*90*time.Second || w.sim.Stats().Lookups != 0 {
			t.Errorf("Create = %+v", e)
		}
		w.wantHolds("")
		if n := w.logs.count("CRM held"); n != 1 {
			t.Errorf("hold logged %d times", n)
		}
	})
}
