package crmclient_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// Two people with one phone, and one person twice, on the tag's way.
func TestTagsTellEventsOfOnePersonApart(t *testing.T) {
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		phone := []crmclient.Multifield{{Value: "+79161234567", TypeID: "MOBILE"}}
		requests := make([]crmclient.Request, 3)
		for n := range requests {
			requests[n] = lead(n)
			requests[n].Contact.Phones = phone
		}
		requests[1].Contact = requests[0].Contact // the same person again
		first := w.mustCreate(requests[0])
		requests[1].Suspect, requests[2].Suspect = true, true
		for _, r := range requests[1:] {
			if e := w.mustCreate(r); e.result.Found {
				t.Errorf("another's contact was taken for its own: %+v", e)
			}
		}
		requests[0].Suspect = true
		if e := w.mustCreate(requests[0]); !e.result.Found || e.result.ContactID != first.result.ContactID {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(3)
	})
}

// The portal's clock and zone are not ours.
func TestPortalsClockAndZoneDoNotMatter(t *testing.T) {
	for name, test := range map[string]struct {
		skew     time.Duration
		recorded time.Duration // from now
	}{
		"portal ahead":       {5 * time.Hour, -time.Minute},
		"portal behind":      {-5 * time.Hour, -time.Minute},
		"days behind":        {-72 * time.Hour, -time.Minute},
		"record of tomorrow": {0, 26 * time.Hour},
		"old record":         {0, -30 * 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, crmtest.Options{Skew: test.skew, Zone: time.FixedZone("", -7*3600)}, nil, func(w *world) {
				r := lead(1)
				r.RecordedAt = time.Now().Add(test.recorded)
				w.mustCreate(r)
				r.Suspect = true
				if e := w.mustCreate(r); !e.result.Found {
					t.Errorf("Create = %+v", e)
				}
				w.wantContacts(1)
			})
		})
	}
}

// A record's time is its producer's, whose clock may be hours ahead.
func TestProducersClockMayBeAhead(t *testing.T) {
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		r := lead(1)
		r.RecordedAt = time.Now().Add(2 * time.Hour)
		w.mustCreate(r)
		later(3 * time.Hour)
		r.Suspect = true
		if e := w.mustCreate(r); !e.result.Found {
			t.Errorf("Create = %+v", e)
		}
	})
}

// A person with more contacts than a page holds.
func TestTagBeyondAPage(t *testing.T) {
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		last := 130
		for n := range last {
			r := lead(n)
			r.Contact = lead(0).Contact
			w.mustCreate(r)
		}
		for _, n := range []int{0, 60, last - 1} {
			r := suspect(n)
			r.Contact = lead(0).Contact
			if e := w.mustCreate(r); !e.result.Found {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		r := suspect(last)
		r.Contact = lead(0).Contact
		if e := w.mustCreate(r); e.result.Found {
			t.Errorf("Create = %+v", e)
		}
		w.wantContacts(last + 1)
	})
}

// Fifty look-ups by tag make one batch; without a batch they go one by one.
func TestTagLookUpsShareABatch(t *testing.T) {
	for name, test := range map[string]struct {
		noBatch bool
		call    string
		most    int
	}{"batch": {false, "POST /v1/batch 200", 4}, "no batch": {true, searchCall + " 200", 81}} { // one for a control
		t.Run(name, func(t *testing.T) {
			inBubble(t, crmtest.Options{NoBatch: test.noBatch}, nil, func(w *world) {
				for n := range 40 {
					w.mustCreate(lead(n))
				}
				var all []<-chan ended
				for n := range 60 {
					all = append(all, w.start(w.t.Context(), suspect(n)))
				}
				for n, done := range all {
					if e := <-done; e.err != nil || e.result.Found != (n < 40) {
						t.Errorf("event %d: %+v", n, e)
					}
				}
				if n := w.sim.Stats().Requests[test.call]; n == 0 || n > test.most {
					t.Errorf("%d requests %s", n, test.call)
				}
				w.wantContacts(60)
			})
		})
	}
}

// One item of a batch of look-ups fails: it asks again, the others have their answer.
func TestTagLookUpItemFails(t *testing.T) {
	inBubble(t, crmtest.Options{}, nil, func(w *world) {
		w.mustCreate(lead(1))
		w.mustCreate(lead(2))
		w.script("POST /v1/batch", func(n int, _ crmtest.Call) crmtest.Action {
			if n == 1 {
				return crmtest.Action{Items: map[string]crmtest.ItemError{"0": {Code: "BITRIX_UNAVAILABLE"}}}
			}
			if n == 2 {
				return crmtest.Action{Items: map[string]crmtest.ItemError{"0": {}}} // in neither map
			}
			if n < 9 {
				return crmtest.Action{Status: 200, Body: `{"success":true,"data":{"results":{"0":null,"1":null},"errors":{}}}`}
			}
			return crmtest.Action{}
		})
		one, two := w.start(w.t.Context(), suspect(1)), w.start(w.t.Context(), suspect(2))
		if a, b := <-one, <-two; !a.result.Found || !b.result.Found {
			t.Errorf("Creates = %+v, %+v", a, b)
		}
		w.wantContacts(2)
	})
}

// An item's code never holds all: the look-up of one event fails, the others go on.
func TestTagItemHoldsNobody(t *testing.T) {
	for _, code := range []string{"INVALID_FILTER", "BITRIX_ACCESS_DENIED", "TOKEN_EXPIRED", "RATE_LIMITED", "NEVER_SEEN"} {
		t.Run(code, func(t *testing.T) {
			inBubble(t, crmtest.Options{}, nil, func(w *world) {
				for n := range 4 {
					w.mustCreate(lead(n))
				}
				w.script("POST /v1/batch", func(_ int, c crmtest.Call) crmtest.Action {
					var body struct {
						Calls []struct{ ID string }
					}
					if err := json.Unmarshal(c.Body, &body); err != nil {
						w.t.Error(err)
					}
					fates := map[string]crmtest.ItemError{}
					for i, one := range strings.SplitAfter(string(c.Body), `"limit"`) {
						if strings.Contains(one, "+79160000001") {
							fates[body.Calls[i].ID] = crmtest.ItemError{Code: code}
						}
					}
					return crmtest.Action{Apply: crmtest.Now, Items: fates}
				})
				bad := w.start(w.t.Context(), suspect(1))
				later(time.Minute)
				for n := range 4 {
					if n == 1 {
						continue
					}
					if e := w.mustCreate(suspect(n)); !e.result.Found {
						w.t.Errorf("Create = %+v", e)
					}
				}
				for n := range 50 {
					if e := w.mustCreate(lead(n + 10)); e.took > 100*time.Millisecond {
						w.t.Errorf("event %d took %v", n, e.took)
					}
					later(time.Second)
				}
				if n := w.logs.count("CRM held"); n != 0 {
					w.t.Errorf("held %d times: %s", n, w.logs)
				}
				w.sim.Script(nil)
				if e := <-bad; !e.result.Found {
					w.t.Errorf("Create = %+v", e)
				}
				w.wantContacts(54)
			})
		})
	}
}

// What one phone finds is read once for all events that ask for it at once.
func TestEventsOfOnePhoneShareTheReading(t *testing.T) {
	inBubble(t, crmtest.Options{}, func(c *crmclient.Config) { c.BatchSize = 50 }, func(w *world) {
		phone := []crmclient.Multifield{{Value: "+79161234567", TypeID: "MOBILE"}}
		for range 600 {
			if _, err := w.sim.Create(`{"name":"Switchboard","phone":"+79161234567"}`); err != nil {
				t.Fatal(err)
			}
		}
		made := lead(99)
		made.Contact.Phones = phone
		w.mustCreate(made)
		before := w.sim.Stats().Requests[searchCall+" 200"]
		var all []<-chan ended
		for n := range 40 {
			r := suspect(n)
			r.Contact.Phones, r.RecordedAt = phone, time.Now().Add(-time.Duration(n)*time.Hour)
			all = append(all, w.start(w.t.Context(), r))
		}
		for _, done := range all {
			if e := <-done; e.err != nil || e.result.Found {
				t.Errorf("%+v", e)
			}
		}
		if n := w.sim.Stats().Requests[searchCall+" 200"] - before; n > 100 {
			t.Errorf("%d pages were read", n)
		}
		w.wantContacts(641)
		made.Suspect = true
		if e := w.mustCreate(made); !e.result.Found {
			t.Errorf("%+v", e)
		}
	})
}
