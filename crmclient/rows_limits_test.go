package crmclient_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// What is believed of batches after two seconds of 404 is tried again within a minute: singles do
// not go on for the life of the process.
func TestBatchesComeBackAfterA404(t *testing.T) {
	inBubble(t, productionPortal(), production, func(w *world) {
		w.prepare()
		w.sim.Update(func(o *crmtest.Options) { o.NoBatch = true })
		w.calls.Go(func() {
			time.Sleep(2 * time.Second)
			w.sim.Update(func(o *crmtest.Options) { o.NoBatch = false })
		})
		all, _ := w.stream(1000, 0, func(n int) (crmclient.Request, bool) { return lead(n), true })
		w.wantWithin(all, 75*time.Second, 75*time.Second)
		w.wantContacts(1000)
	})
}

// No sliding second sees more requests than the portal takes.
func TestNoSlidingSecondIsOverrun(t *testing.T) {
	for name, bursts := range map[string]bool{"backlog": false, "bursts": true} {
		t.Run(name, func(t *testing.T) {
			o := productionPortal()
			o.PerMinute, o.ServiceTime = 0, 0
			inBubble(t, o, func(c *crmclient.Config) { production(c); c.RequestsPerMinute, c.BatchSize = 0, 1 }, func(w *world) {
				w.prepare()
				var at []time.Time
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					at = append(at, c.At)
					return crmtest.Action{}
				})
				var all []<-chan ended
				for n := range 400 {
					all = append(all, w.start(w.t.Context(), lead(n)))
					if bursts && n%12 == 11 {
						later(time.Duration(800+100*(n%7)) * time.Millisecond)
					}
				}
				w.waits(all)
				for i := 10; i < len(at); i++ {
					if d := at[i].Sub(at[i-10]); d <= time.Second {
						t.Fatalf("eleven requests within %v", d)
					}
				}
				if n := w.sim.Stats().OverPerSecond; n != 0 {
					t.Errorf("%d requests over the limit", n)
				}
				if d := at[len(at)-1].Sub(at[0]); !bursts && d > 45*time.Second {
					t.Errorf("400 requests took %v", d)
				}
			})
		})
	}
}

// Another program with the same key takes what it can get of the window: ours gets its fair part.
func TestAnotherProgramUsesTheKey(t *testing.T) {
	inBubble(t, productionPortal(), production, func(w *world) {
		w.prepare()
		client := &http.Client{Transport: &http.Transport{DialContext: w.server.Dial, DisableKeepAlives: true}}
		stop := make(chan struct{})
		w.calls.Go(func() {
			for range time.Tick(time.Second / 6) { // more than the window takes alone
				select {
				case <-stop:
					return
				default:
				}
				req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.server.URL+"/v1/me", http.NoBody)
				if err != nil {
					w.t.Error(err)
					return
				}
				req.Header.Set("X-Api-Key", goodKey)
				if res, err := client.Do(req); err == nil {
					_ = res.Body.Close()
				}
			}
		})
		later(time.Minute)
		good, _ := w.stream(48, 5*time.Second, func(n int) (crmclient.Request, bool) { return lead(n), true })
		within := countEnded(good)
		close(stop)
		t.Logf("%d of 48 within the time", within)
		if within < 40 {
			t.Errorf("%d of 48 leads delivered while the other program ran", within)
		}
		w.waits(good)
	})
}

// Ten processes share a portal, and one has all the work: it uses what the others leave.
func TestOneOfTenHasTheWork(t *testing.T) {
	inBubble(t, productionPortal(), production, func(w *world) {
		others := w.others(9)
		w.creator.SetShare(.1)
		for _, c := range others {
			defer c.Close()
			if err := c.Prepare(w.t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		good, _ := w.stream(150, time.Second, func(n int) (crmclient.Request, bool) { return lead(n), true })
		w.wantWithin(good, 3*time.Second, 5*time.Second)
		w.wantContacts(150)
	})
}

// Ten processes that are all busy have fair parts, and together keep to the limits.
func TestTenBusyShareFairly(t *testing.T) {
	inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); c.BatchSize = 1 }, func(w *world) {
		w.creator.SetShare(.1)
		all := append(w.others(9), w.creator)
		begun := time.Now()
		var made [10]atomic.Int64 // within 90 s
		for i, c := range all {
			for n := range 60 {
				w.calls.Go(func() {
					r, err := c.Create(w.t.Context(), lead(1000*i+n))
					if err != nil || r.ContactID == 0 {
						w.t.Errorf("Create = %+v, %v", r, err)
					}
					if time.Since(begun) < 90*time.Second {
						made[i].Add(1)
					}
				})
			}
		}
		later(90 * time.Second)
		for i := range made {
			if n := made[i].Load(); n < 25 || n > 60 {
				t.Errorf("process %d made %d contacts in 90 s", i, n)
			}
		}
		w.calls.Wait()
		for _, c := range all {
			c.Close()
		}
		if s := w.sim.Stats(); s.Throttled > 5 {
			t.Errorf("throttled %d times", s.Throttled)
		}
		w.wantContacts(600)
	})
}

// others are Creators of other processes at the same portal, each with a tenth of the limits.
func (w *world) others(n int) []*crmclient.Creator {
	var all []*crmclient.Creator
	for range n {
		c := w.newCreator(func(c *crmclient.Config) { production(c); c.Metrics = nil })
		c.SetShare(.1)
		all = append(all, c)
	}
	return all
}

// The platform blocks a key after twenty failing calls in a row. Good leads behind sixty refused ones
// wait for the end of the first block at most.
func TestGoodLeadsWaitForOneErrorLoopBlockAtMost(t *testing.T) {
	o := productionPortal()
	o.ErrorLoop, o.ErrorLoopAny = 20, true
	for name, every := range map[string]time.Duration{"at once": 0, "one a second": time.Second} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, o, production, func(w *world) {
				w.setFaults(crmtest.Faults{Refuse: "Refused"})
				_, bad := w.stream(60, every, func(n int) (crmclient.Request, bool) { return named(n, "Refused"), false })
				good, _ := w.stream(30, time.Second, func(n int) (crmclient.Request, bool) { return lead(n + 100), true })
				took := w.waits(good)
				t.Logf("good leads: %v to %v", took[0], took[len(took)-1])
				if longest := took[len(took)-1]; longest > 70*time.Second {
					t.Errorf("a good lead waited for %v", longest)
				}
				w.wantLetters(bad, crmclient.ReasonRefused)
				w.wantContacts(30)
			})
		})
	}
}

// Batches that fail as a whole while singles pass, always: as fast as singles go.
func TestCreatesGoSinglyWhileBatchesFail(t *testing.T) {
	for _, a := range []crmtest.Action{
		{Status: 400, Code: "INVALID_REQUEST"}, {Status: 403, Code: "BITRIX_ACCESS_DENIED"}, {Status: 413, Body: "<html>"}, {Status: 500, Code: "INTERNAL_ERROR"},
		{Status: 403, Code: "SCOPE_NOT_ALLOWED"}, {Status: 401, Code: "INVALID_API_KEY"}, {Status: 402, Code: "PLAN_REQUIRED"}, // as if it were the key
	} {
		t.Run(fmt.Sprint(a.Status, " ", a.Code), func(t *testing.T) {
			inBubble(t, productionPortal(), production, func(w *world) {
				w.script(batchPath, func(int, crmtest.Call) crmtest.Action { return a })
				all, _ := w.stream(600, 0, func(n int) (crmclient.Request, bool) { return lead(n), true })
				took := w.waits(all)
				t.Logf("600 leads in %v", took[len(took)-1])
				if longest := took[len(took)-1]; longest > 140*time.Second {
					t.Errorf("600 leads took %v, 120 s at the pace of singles", longest)
				}
				w.wantContacts(600)
			})
		})
	}
}

// If the key is refused for everything for a while, batches are not at fault: they stay as large as before.
func TestBadKeyMakesNoBatchSmaller(t *testing.T) {
	inBubble(t, productionPortal(), production, func(w *world) {
		w.prepare()
		var begun time.Time // with a batch in the air in each slot
		batches := 0
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if c.Is(batchPath) && begun.IsZero() {
				begun = time.Now()
			}
			switch {
			case !begun.IsZero() && time.Since(begun) < 20*time.Second:
				return crmtest.Action{Delay: time.Second, Status: 401, Code: "INVALID_API_KEY"}
			case c.Is(batchPath):
				batches++
			}
			return crmtest.Action{}
		})
		all, _ := w.stream(600, 0, func(n int) (crmclient.Request, bool) { return lead(n), true })
		took := w.waits(all)
		if longest := took[len(took)-1]; longest > 60*time.Second || batches > 16 {
			t.Errorf("600 leads took %v, in %d batches", longest, batches)
		}
	})
}

// Ten seconds of failing items, and batches are as large as before.
func TestBatchesGrowAgain(t *testing.T) {
	for name, a := range map[string]crmtest.ItemError{
		"403": {Code: "BITRIX_ACCESS_DENIED", Skip: true}, "422": {Code: "BITRIX_ERROR", Skip: true}, "400": {Code: "VALIDATION_ERROR", Skip: true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, productionPortal(), production, func(w *world) {
				w.prepare()
				begun := time.Now()
				w.script(batchPath, func(int, crmtest.Call) crmtest.Action {
					if time.Since(begun) > 10*time.Second {
						return crmtest.Action{}
					}
					return crmtest.Action{Items: map[string]crmtest.ItemError{"0": a, "1": a, "3": a}}
				})
				all, _ := w.stream(1536, 0, func(n int) (crmclient.Request, bool) { return lead(n), true })
				refused := 0
				for _, done := range all {
					e := <-done
					switch {
					case rejection(e.err) != nil:
						refused++
					case e.err != nil || e.took > 75*time.Second:
						t.Errorf("Create = %+v", e)
					}
				}
				if name != "400" && refused > 0 {
					t.Errorf("%d good leads became letters", refused)
				}
			})
		})
	}
}

// Where contacts are found by a tag, a person's contacts are asked for by phone, and read page by page:
// a portal that answers $contains with nothing makes no second contact.
func TestTagIsFoundByPaging(t *testing.T) {
	inBubble(t, crmtest.Options{}, production, func(w *world) {
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if strings.Contains(string(c.Body), "$contains") {
				return crmtest.Action{Status: 200, Body: `{"success":true,"data":[],"meta":{"total":0,"hasMore":false}}`}
			}
			return crmtest.Action{}
		})
		const family = 130 // contacts that share a phone: three pages
		shared := func(n int, suspected bool) crmclient.Request {
			r := lead(n)
			r.Contact.Phones[0].Value = "+79160000000"
			r.Suspect = suspected
			return r
		}
		for n := range family {
			w.mustCreate(shared(n, false))
		}
		for n := range family {
			if e := w.mustCreate(shared(n, true)); !e.result.Found {
				t.Errorf("event %d: %+v", n, e)
			}
		}
		if e := w.mustCreate(shared(family, true)); e.result.Found {
			t.Errorf("another member of the family: %+v", e)
		}
		w.wantContacts(family + 1)
	})
}
