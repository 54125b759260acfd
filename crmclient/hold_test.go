package crmclient_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

func secretFile(t *testing.T, value string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "key")
	writeFile(t, name, value)
	return name
}

func writeFile(t *testing.T, name, value string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A bad key at start holds, is told, and the good one in its file goes on by itself.
func TestBadKeyThenGoodKey(t *testing.T) {
	o := portalWithField()
	o.Keys = []string{goodKey}
	file := secretFile(t, "vibe_api_bad\n")
	inBubble(t, o, func(c *crmclient.Config) { c.APIKey = crmclient.Secret{File: file} }, func(w *world) {
		w.wantHolds("preparing")
		prepared := make(chan error, 1)
		w.calls.Go(func() { prepared <- w.creator.Prepare(w.t.Context()) })
		done := w.start(w.t.Context(), lead(1))
		later(10 * time.Minute)
		w.wantHolds("credentials")
		if h := w.creator.Status().Holds[0]; h.Status != 401 || h.Code != "INVALID_API_KEY" || h.Until.Before(time.Now()) {
			t.Errorf("hold %+v", h)
		}
		writeFile(t, file, " "+goodKey+"\n")
		if e := <-done; e.err != nil {
			t.Errorf("Create = %+v", e)
		}
		if err := <-prepared; err != nil {
			t.Error(err)
		}
		w.wantHolds("")
		w.wantContacts(1)
		if n := w.logs.count("CRM held"); n != 1 || w.logs.count(`"error"`, "CRM held", `"credentials"`) != 1 {
			w.t.Errorf("hold logged %d times: %s", n, w.logs)
		}
	})
}

// A session that ends while we run is taken from its file again, and nobody is charged.
func TestSessionIsReadAgain(t *testing.T) {
	o := portalWithField()
	o.Sessions = []string{"first"}
	file := secretFile(t, "first")
	inBubble(t, o, func(c *crmclient.Config) {
		c.APIKey.Value, c.SessionToken = "vibe_app_1", crmclient.Secret{File: file}
	}, func(w *world) {
		w.mustCreate(lead(1))
		w.sim.Update(func(o *crmtest.Options) { o.Sessions = []string{"second"} })
		done := w.start(w.t.Context(), lead(2))
		later(time.Hour)
		w.wantHolds("credentials")
		writeFile(t, file, "second")
		if e := <-done; e.err != nil {
			t.Errorf("Create = %+v", e)
		}
		w.wantHolds("")
		w.wantContacts(2)
	})
}

// The key may no longer write, while reads still work: everything waits, nobody is charged.
func TestReadOnlyKeyHoldsEvenALonelyEvent(t *testing.T) {
	for _, code := range []string{"WRITE_BLOCKED_READONLY_KEY", "SCOPE_DENIED", "IP_NOT_ALLOWED"} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.script(createCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Status: 403, Code: code} })
				done := w.start(w.t.Context(), lead(1))
				later(24 * time.Hour)
				w.wantHolds("credentials")
				w.sim.Script(nil)
				if e := <-done; e.err != nil {
					t.Errorf("Create = %+v", e)
				}
			})
		})
	}
}

// One event's 403 or 404 is its own when others pass, and holds nobody for long.
func TestOneEventsOwnRight(t *testing.T) {
	for _, status := range []int{403, 404} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.script(createCall, func(_ int, c crmtest.Call) crmtest.Action {
					if concerns(c, 1) {
						return crmtest.Action{Status: status, Code: "BITRIX_ACCESS_DENIED", Message: "company"}
					}
					return crmtest.Action{}
				})
				bad := w.start(w.t.Context(), lead(1))
				for n := range 200 {
					w.mustCreate(lead(n + 2))
					later(time.Second)
				}
				e := <-bad
				if r := rejection(e.err); r == nil || r.Reason != crmclient.ReasonRetriesExhausted || r.Status != status || r.Attempts < 6 {
					t.Errorf("Create = %+v", e)
				}
				w.wantContacts(200)
				w.wantHolds("")
			})
		})
	}
}

// 401, 402, 403, 404, 405 for everyone: held, said once, gone on by itself, nobody refused.
func TestCredentialsOfEverybodyHold(t *testing.T) {
	for _, status := range []int{401, 402, 403, 404, 405} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.mustCreate(lead(0))
				w.sim.Script(func(crmtest.Call) crmtest.Action { return crmtest.Action{Status: status, Code: "BITRIX_ACCESS_DENIED"} })
				var all []<-chan ended
				for n := range 20 {
					all = append(all, w.start(w.t.Context(), lead(n+1)))
				}
				later(time.Hour)
				w.wantHolds("credentials")
				before := w.sim.Stats().Calls
				later(10 * time.Minute)
				if n := w.sim.Stats().Calls - before; n < 9 || n > 45 {
					t.Errorf("%d requests in ten minutes of a hold", n)
				}
				w.sim.Script(nil)
				for _, done := range all {
					if e := <-done; e.err != nil {
						t.Errorf("Create = %+v", e)
					}
				}
				w.wantContacts(21)
				w.wantHolds("")
				if n := w.logs.count("CRM held"); n != 1 {
					t.Errorf("hold logged %d times", n)
				}
			})
		})
	}
}

// The portal is away: not applied, or in doubt, but nobody's fault.
func TestOutageThenRecovery(t *testing.T) {
	for name, set := range map[string]struct{ begin, end func(*world) }{
		"refused": {
			func(w *world) { w.server.Refuse(syscall.ECONNREFUSED); w.server.Drop() },
			func(w *world) { w.server.Refuse(nil) }},
		"502": {
			func(w *world) {
				w.sim.Script(func(crmtest.Call) crmtest.Action { return crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"} })
			},
			func(w *world) { w.sim.Script(nil) }},
		"503": {
			func(w *world) { w.setFaults(crmtest.Faults{Down: "503"}) },
			func(w *world) { w.setFaults(crmtest.Faults{}) }},
		"closed": {
			func(w *world) { w.setFaults(crmtest.Faults{Down: "close"}) },
			func(w *world) { w.setFaults(crmtest.Faults{}) }},
		"creates only": {
			func(w *world) {
				w.script(createCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"} })
			},
			func(w *world) { w.sim.Script(nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.mustCreate(lead(0))
				set.begin(w)
				var all []<-chan ended
				for n := range 30 {
					all = append(all, w.start(w.t.Context(), lead(n+1)))
				}
				later(3 * time.Hour)
				w.wantHolds("outage")
				set.end(w)
				for n, done := range all {
					if e := <-done; e.err != nil {
						t.Errorf("event %d: %+v", n+1, e)
					}
				}
				w.wantContacts(31)
				w.wantHolds("")
			})
		})
	}
}

// While held the youngest event and the one that has waited longest probe in turn: no event is all of
// the probes, and none is left out.
func TestProbesAreOtherEvents(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(0))
		var mu sync.Mutex
		var probes []string
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if c.Is(createCall) {
				mu.Lock()
				defer mu.Unlock()
				probes = append(probes, string(c.Body))
				return crmtest.Action{Status: 403, Code: "SCOPE_DENIED"}
			}
			return crmtest.Action{}
		})
		ctx, cancel := context.WithCancel(w.t.Context())
		for n := range 5 {
			w.start(ctx, lead(n+1))
		}
		later(time.Hour)
		cancel()
		later(0)
		mu.Lock()
		defer mu.Unlock()
		for _, among := range []struct{ probes, events int }{{5, 3}, {10, 5}} {
			for i := 5; i+among.probes <= len(probes); i++ {
				some := slices.Compact(slices.Sorted(slices.Values(probes[i : i+among.probes])))
				if len(some) < among.events {
					w.t.Fatalf("probes %d to %d of %d are of %d events", i, i+among.probes-1, len(probes), len(some))
				}
			}
		}
		if len(probes) < 20 {
			t.Errorf("%d probes", len(probes))
		}
	})
}

// Probes come after growing waits up to BackoffMax, and not before Retry-After.
func TestProbesBackOff(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		var at []time.Time
		w.script("GET /v1/me", func(int, crmtest.Call) crmtest.Action {
			at = append(at, time.Now())
			return crmtest.Action{Status: 401, Code: "KEY_EXPIRED"}
		})
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Hour)
		defer cancel()
		if err := w.creator.Prepare(ctx); err == nil {
			t.Fatal("prepared with a bad key")
		}
		if n := len(at); n < 60 || n > 130 {
			t.Errorf("%d probes in an hour", n)
		}
		for i := 1; i < len(at); i++ {
			if wait := at[i].Sub(at[i-1]); wait > 61*time.Second || wait < 100*time.Millisecond {
				t.Errorf("probe %d after %v", i, wait)
			}
		}
	})
}

// Between brokers and portal nothing is there yet: Prepare waits and shows it.
func TestPrepareThroughHolds(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(*world)
		cause string
	}{
		"429":     {func(w *world) { w.setFaults(crmtest.Faults{Throttle: 1}) }, "throttle"},
		"500":     {func(w *world) { w.setFaults(crmtest.Faults{FailBefore: 1}) }, "outage"},
		"401":     {func(w *world) { w.setFaults(crmtest.Faults{BadKey: 1}) }, "credentials"},
		"down":    {func(w *world) { w.setFaults(crmtest.Faults{Down: "close"}) }, "outage"},
		"refused": {func(w *world) { w.server.Refuse(syscall.ECONNREFUSED) }, "outage"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				test.begin(w)
				done := make(chan error, 1)
				w.calls.Go(func() { done <- w.creator.Prepare(w.t.Context()) })
				later(5 * time.Minute)
				w.wantHolds(test.cause)
				w.setFaults(crmtest.Faults{})
				w.server.Refuse(nil)
				if err := <-done; err != nil {
					t.Error(err)
				}
				w.wantHolds("")
				if s := w.creator.Status(); s.OriginField != "ufCrm_LEADBRIDGE_EVENT_ID" || s.Portal != "sim.bitrix24.ru" {
					t.Errorf("status %+v", s)
				}
				if got, want := w.creator.ContactURL(7), "https://sim.bitrix24.ru/crm/contact/details/7/"; got != want {
					t.Errorf("ContactURL = %q", got)
				}
			})
		})
	}
}

// A hold lasts until something passes, also when nobody waits any more: what is known about the CRM
// does not go away with an event.
func TestHoldLastsWithoutItsEvents(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(0))
		w.script(createCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Status: 401, Code: "KEY_EXPIRED"} })
		ctx, cancel := context.WithCancel(w.t.Context())
		done := w.start(ctx, lead(1))
		later(time.Minute)
		w.wantHolds("credentials")
		cancel()
		<-done
		later(time.Hour)
		w.wantHolds("credentials")
		w.sim.Script(nil)
		if e := w.mustCreate(lead(2)); e.took != 0 {
			t.Errorf("a fresh event is tried at once: %+v", e)
		}
		w.wantHolds("")
	})
}

// The first answer that shows a working CRM ends the hold for all.
func TestFirstSuccessReleases(t *testing.T) {
	for name, test := range map[string]struct {
		answer crmtest.Action
		holds  string
	}{
		"created":       {crmtest.Action{}, ""},
		"refused":       {crmtest.Action{Status: 400, Code: "VALIDATION_ERROR"}, ""},
		"business rule": {crmtest.Action{Status: 422, Code: "BITRIX_ERROR"}, "outage"}, // which may be everybody's
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), patient, func(w *world) {
				w.mustCreate(lead(0))
				w.script(createCall, func(int, crmtest.Call) crmtest.Action {
					return crmtest.Action{Status: 403, Code: "SCOPE_DENIED"}
				})
				ctx, cancel := context.WithCancel(w.t.Context())
				for n := range 4 {
					w.start(ctx, lead(n+1))
				}
				later(10 * time.Minute)
				w.wantHolds("credentials")
				w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
					if n == 1 {
						return test.answer
					}
					return crmtest.Action{Delay: 24 * time.Hour} // in the air
				})
				later(5 * time.Minute)
				w.wantHolds(test.holds)
				// The slots of requests that hang are lent: all others are in the air.
				if s := w.creator.Status(); test.holds == "" && s.InFlight != 3 {
					t.Errorf("status %+v, want the three others in the air", s)
				}
				cancel()
			})
		})
	}
}

// patient waits long for answers.
func patient(c *crmclient.Config) { c.Timeout = 48 * time.Hour }

// A look-up is not held with creates, and shows nothing about them, whatever it finds.
func TestLookUpEndsNoHold(t *testing.T) {
	for name, event := range map[string]int{"found": 0, "absent": 9} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), patient, func(w *world) {
				w.mustCreate(lead(0))
				w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
					if n > 1 {
						return crmtest.Action{Delay: 24 * time.Hour}
					}
					return crmtest.Action{Status: 403, Code: "SCOPE_DENIED", RetryAfter: 60}
				})
				ctx, cancel := context.WithCancel(w.t.Context())
				w.start(ctx, lead(1))
				later(time.Second)
				done := w.start(ctx, suspect(event))
				later(time.Second)
				if found := len(done) > 0; found != (name == "found") {
					t.Errorf("ended while creates are held: %v", found)
				}
				later(61 * time.Second)
				w.wantHolds("credentials")
				cancel()
			})
		})
	}
}

// A probe waits as long as the CRM asks for, whatever its status.
func TestProbesRespectRetryAfter(t *testing.T) {
	for _, status := range []int{401, 429, 503, 504} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				calls := 0
				w.sim.Script(func(crmtest.Call) crmtest.Action {
					calls++
					return crmtest.Action{Status: status, Code: "QUEUE_TIMEOUT", RetryAfter: 300}
				})
				ctx, cancel := context.WithTimeout(w.t.Context(), 899*time.Second)
				defer cancel()
				if err := w.creator.Prepare(ctx); err == nil {
					t.Error("prepared")
				}
				if calls != 3 {
					t.Errorf("%d calls in a quarter of an hour", calls)
				}
			})
		})
	}
}

// An answer that comes after the outage began ends it: nobody waits for the first probe.
func TestAnySuccessEndsAnOutage(t *testing.T) {
	for name, test := range map[string]struct {
		answer crmtest.Action
		holds  string
	}{
		"created":       {crmtest.Action{Delay: 100 * time.Millisecond}, ""},
		"refused":       {crmtest.Action{Delay: 100 * time.Millisecond, Status: 400, Code: "VALIDATION_ERROR"}, ""},
		"business rule": {crmtest.Action{Delay: 100 * time.Millisecond, Status: 422, Code: "BITRIX_ERROR"}, "outage"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), nil, func(w *world) {
				w.mustCreate(lead(0))
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					switch {
					case c.Is(createCall) && (concerns(c, 1) || concerns(c, 3)):
						return crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}
					case c.Is(createCall) && concerns(c, 2):
						return test.answer
					}
					return crmtest.Action{}
				})
				ctx, cancel := context.WithCancel(w.t.Context())
				w.start(ctx, lead(2))
				later(10 * time.Millisecond) // it is in the air
				w.start(ctx, lead(1))
				later(20 * time.Millisecond)
				w.wantHolds("") // one event's failure
				w.start(ctx, lead(3))
				later(20 * time.Millisecond)
				w.wantHolds("outage")        // a second fresh one's
				later(60 * time.Millisecond) // the first probe comes after 500 ms
				w.wantHolds(test.holds)
				cancel()
			})
		})
	}
}

// A hold that ends within a second is counted and shown, but not logged.
func TestShortHoldsAreNotTold(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.mustCreate(lead(0))
		lines := w.logs.count("CRM")
		w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
			if n%2 == 1 {
				return crmtest.Action{Status: 429, Code: "RATE_LIMITED"}
			}
			return crmtest.Action{}
		})
		for n := range 5 {
			done := w.start(w.t.Context(), lead(n+1))
			later(10 * time.Millisecond)
			w.wantHolds("throttle")
			<-done
		}
		later(time.Minute)
		if n := w.logs.count("CRM") - w.logs.count("CRM call failed") - lines; n != 0 {
			w.t.Errorf("%d lines about short holds: %s", n, w.logs)
		}
		w.firstOnly(crmtest.Action{Status: 429, Code: "RATE_LIMITED", RetryAfter: 2})
		w.mustCreate(lead(6))
		if w.logs.count("CRM held", "throttle") != 1 || w.logs.count("CRM delivers again", "throttle") != 1 {
			w.t.Errorf("a long hold is told: %s", w.logs)
		}
	})
}

// The probe of a hold makes its contact, but its answer is lost and nobody else comes: that the look-up
// finds the contact ends the hold.
func TestFoundContactOfAProbeEndsItsHold(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
			if n == 1 {
				return crmtest.Action{Status: 401, Code: "KEY_EXPIRED"}
			}
			return crmtest.Action{Apply: crmtest.Now, End: crmtest.Reset}
		})
		if e := w.mustCreate(lead(1)); !e.result.Found {
			t.Errorf("Create = %+v", e)
		}
		w.wantHolds("")
	})
}

// A contact that was made before the hold began says nothing about it.
func TestFoundContactOfBeforeTheHoldDoesNotEndIt(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.script(createCall, func(n int, _ crmtest.Call) crmtest.Action {
			if n == 1 {
				return crmtest.Action{Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"}
			}
			return crmtest.Action{Status: 401, Code: "KEY_EXPIRED"}
		})
		ctx, cancel := context.WithCancel(w.t.Context())
		defer cancel()
		first := w.start(w.t.Context(), lead(1))
		later(time.Second)
		w.start(ctx, lead(2))
		if e := <-first; !e.result.Found {
			t.Errorf("Create = %+v", e)
		}
		w.wantHolds("credentials")
	})
}
