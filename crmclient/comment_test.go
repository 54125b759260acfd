package crmclient_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const (
	commentCall  = "POST /v1/timelines"
	commentsCall = "GET /v1/timelines"
)

// commenting has events commented on.
func commenting(c *crmclient.Config) { c.Comment, c.CommentsSeen = crmclient.CommentOn, seenComments() }

// seenComments says that the portal has been measured to list comments.
func seenComments() []string { return []string{"contact", "lead", "deal"} }

// said is a request whose person wrote something.
func said(target crmclient.Target, n int) crmclient.Request {
	r := as(target, lead(n))
	r.Contact.Comments = fmt.Sprintf("Message %d", n)
	return r
}

var mark = regexp.MustCompile(`\n?\[leadbridge [0-9a-f]{16}\]$`)

// wantComments checks that there are so many comments, none twice, each on a card that exists.
func (w *world) wantComments(n int) {
	w.t.Helper()
	comments, marks := w.sim.Records(crmtest.Timelines), map[string]bool{}
	for _, c := range comments {
		found := mark.FindString(c.Text("comment"))
		if found == "" || marks[found] {
			w.t.Errorf("comment %q has no mark, or one that another has", c.Text("comment"))
		}
		marks[found] = true
		id, _ := c.Get("entityId").(float64)
		if !slices.ContainsFunc(w.sim.Records(c.Text("entityType")+"s"), func(r crmtest.Record) bool { return float64(r.ID) == id }) {
			w.t.Errorf("comment on %s %v, which is not there", c.Text("entityType"), id)
		}
	}
	if s := w.sim.Stats(); len(comments) != n || s.Duplicates != 0 {
		w.t.Errorf("portal holds %d comments and %d duplicates, want %d", len(comments), s.Duplicates, n)
	}
}

// The comment stands on the card that shows the event best, and instead of the field comments or besides it.
func TestComment(t *testing.T) {
	for _, mode := range crmclient.CommentModes() {
		for _, target := range crmclient.Targets() {
			t.Run(fmt.Sprintf("%s %s", mode, target), func(t *testing.T) {
				inBubble(t, portalWithField(), func(c *crmclient.Config) { c.Comment, c.CommentsSeen = mode, seenComments() }, func(w *world) {
					w.mustCreate(said(crmclient.TargetDeal, 7)) // ids of the kinds are to differ
					w.mustCreate(said(crmclient.TargetContact, 8))
					r := said(target, 1)
					r.Contact.UTMSource = "ads"
					e := w.mustCreate(r)
					card := w.sim.ByOriginIn(string(target)+"s", originID(1))[0]
					const words = "Message 1\nWhere the visit came from:\nutm_source: ads"
					field := ""
					if mode != crmclient.CommentOn {
						field = words
					}
					if card.Text("comments") != field {
						t.Errorf("comments are %q, want %q", card.Text("comments"), field)
					}
					if mode == crmclient.CommentOff {
						if w.wantComments(0); e.result.Comment != "" {
							t.Errorf("%+v", e.result)
						}
						return
					}
					w.wantComments(3)
					c := w.sim.Records(crmtest.Timelines)[2]
					if got := mark.ReplaceAllString(c.Text("comment"), ""); got != words || c.Text("entityType") != string(target) || c.Get("entityId") != float64(card.ID) {
						t.Errorf("comment %q on %s %v", got, c.Text("entityType"), c.Get("entityId"))
					}
					if e.result.Comment != crmclient.CommentWritten || e.result.CommentReason != "" {
						t.Errorf("%+v", e.result)
					}
					r.Suspect = true
					again := w.mustCreate(r)
					if w.wantComments(3); again.result.Comment != crmclient.CommentWritten || again.result.Attempts != 0 {
						t.Errorf("looked up: %+v", again)
					}
				})
			})
		}
	}
}

// An event that says nothing has no comment, and costs no request for one.
func TestNothingToComment(t *testing.T) {
	inBubble(t, portalWithField(), commenting, func(w *world) {
		e := w.mustCreate(lead(1))
		r := suspect(1)
		again := w.mustCreate(r)
		if w.wantComments(0); e.result.Comment != "" || again.result.Comment != "" || w.sim.Stats().Requests[commentsCall+" 200"] != 0 {
			t.Errorf("%+v, %+v, %v", e, again, w.sim.Stats().Requests)
		}
	})
}

// Whatever becomes of the answer to a comment, it is there once.
func TestCommentInDoubt(t *testing.T) {
	for name, act := range map[string]crmtest.Action{
		"applied, then 502": {Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"502, not applied":  {Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"applied late":      {Apply: crmtest.Late, After: 4 * time.Second, Status: 502, Code: "BITRIX_UNAVAILABLE"},
		"reset, applied":    {End: crmtest.Reset, Apply: crmtest.Now},
		"hangs":             {End: crmtest.Hang},
		"truncated":         {End: crmtest.Truncate},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), commenting, func(w *world) {
				w.script(commentCall, func(n int, _ crmtest.Call) crmtest.Action {
					if n == 1 {
						return act
					}
					return crmtest.Action{}
				})
				if e := w.mustCreate(said(crmclient.TargetDeal, 1)); e.result.Comment != crmclient.CommentWritten {
					t.Errorf("%+v", e.result)
				}
				w.wantComments(1)
				w.wantDeals(1)
			})
		})
	}
}

// The process ends at any moment, and another one takes the event up as a suspect: the comment is there once.
func TestCommentCrashedAnywhere(t *testing.T) {
	withSeeds(t, 200, portalOfTargets(), commenting, func(w *world, r *rand.Rand) {
		target := crmclient.Targets()[r.IntN(3)]
		ctx, crash := context.WithCancel(w.t.Context())
		done := w.start(ctx, said(target, 1))
		later(someTime(r, 0, 800*time.Millisecond))
		crash()
		<-done
		sent := time.Now()
		next := said(target, 1)
		next.Suspect, next.SentBefore = true, func() time.Time { return sent }
		if e := w.mustCreate(next); e.result.Comment != crmclient.CommentWritten {
			t.Errorf("%+v", e.result)
		}
		later(2 * lifetime)
		w.wantComments(1)
	})
}

// Whatever fails at random, and whoever crashes meanwhile: no comment is there twice, and each that is told as
// written is there.
func TestCommentsUnderRandomTrouble(t *testing.T) {
	for _, ways := range []string{"field", "tag"} {
		t.Run(ways, func(t *testing.T) {
			o := portalOfTargets()
			o.ExistingUserField = ways == "field"
			withSeeds(t, 20, o, func(c *crmclient.Config) {
				c.BatchSize, c.Comment, c.CommentsSeen = 50, crmclient.CommentBoth, seenComments()
			}, func(w *world, r *rand.Rand) {
				part := func(most float64) float64 { return r.Float64() * most }
				w.setFaults(crmtest.Faults{
					FailBefore: part(.1), ApplyThenFail: part(.1), ApplyLate: part(.1), BatchTrickle: part(.1), Reset: part(.1), Truncate: part(.1),
					ItemError: part(.1), ItemMissing: part(.1), LookupLag: crmtest.Duration(someTime(r, 0, 2*time.Second)),
				})
				const events = 24
				var all []<-chan ended
				for n := range events {
					all = append(all, w.startCrashing(r, said(crmclient.Targets()[n%3], n)))
					later(someTime(r, 0, time.Second))
				}
				written := 0
				for n, done := range all {
					e := <-done
					if e.err != nil {
						w.t.Errorf("event %d: %v", n, e.err)
					}
					if e.result.Comment == crmclient.CommentWritten {
						written++
					}
				}
				later(2 * batchLifetime)
				w.wantDeals(events / 3)
				if got := w.sim.CountIn(crmtest.Timelines); got < written {
					w.t.Errorf("%d comments, %d told as written", got, written)
				}
				if written < events-2 {
					w.t.Errorf("only %d of %d comments were written", written, events)
				}
			})
		})
	}
}

// A comment that is refused is told, and makes no letter of its event.
func TestCommentRefused(t *testing.T) {
	for name, test := range map[string]struct {
		act  crmtest.Action
		want string
	}{
		"400": {crmtest.Action{Status: 400, Code: "VALIDATION_ERROR", Message: "Message 1"}, "CRM_REFUSED: status 400: VALIDATION_ERROR"},
		"413": {crmtest.Action{Status: 413}, "TOO_LARGE: status 413"},
		"422": {crmtest.Action{Status: 422, Code: "BITRIX_ERROR"}, "RETRIES_EXHAUSTED: status 422: BITRIX_ERROR"},
		"403": {crmtest.Action{Status: 403, Code: "SCOPE_NOT_ALLOWED"}, "RETRIES_EXHAUSTED: status 403: SCOPE_NOT_ALLOWED"},
		"404": {crmtest.Action{Status: 404, Code: "NOT_FOUND"}, "RETRIES_EXHAUSTED: status 404: NOT_FOUND"},
		"500": {crmtest.Action{Status: 500, Code: "INTERNAL_ERROR"}, "RETRIES_EXHAUSTED: status 500: INTERNAL_ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), commenting, func(w *world) {
				w.script(commentCall, func(int, crmtest.Call) crmtest.Action { return test.act })
				e := w.mustCreate(said(crmclient.TargetDeal, 1))
				if e.result.Comment != crmclient.CommentNotWritten || !slices.Contains([]string{test.want, strings.Replace(test.want, "RETRIES_EXHAUSTED: status 500", "IN_DOUBT: status 500", 1)}, e.result.CommentReason) || e.took > 6*time.Minute {
					t.Errorf("after %v: %+v", e.took, e.result)
				}
				if e.result.DealID == 0 || e.result.ContactID == 0 {
					t.Errorf("%+v", e.result)
				}
				w.wantDeals(1)
				if got := w.metric(`leadbridge_crm_comments_total`, "outcome=not_written"); got != 1 {
					t.Errorf("counted %v", got)
				}
			})
		})
	}
}

// Comments fail for an hour, in different ways: no lead waits for them, and events are done without them.
func TestCommentsDownForAnHour(t *testing.T) {
	for name, act := range map[string]crmtest.Action{
		"500": {Status: 500, Code: "INTERNAL_ERROR"}, "hang": {End: crmtest.Hang}, "403": {Status: 403, Code: "SCOPE_NOT_ALLOWED"},
		"reset": {End: crmtest.Reset}, "404": {Status: 404, Code: "NOT_FOUND"},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); commenting(c) }, func(w *world) {
				var mended atomic.Bool
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					if !mended.Load() && (strings.HasPrefix(c.Path, "/v1/timelines") || c.Is(batchPath) && strings.Contains(string(c.Body), `"timelines"`)) {
						return act
					}
					return crmtest.Action{}
				})
				w.prepare()
				var all []<-chan ended
				for n := range 720 {
					w.wantCommentsToHoldNobody(all)
					all = append(all, w.start(w.t.Context(), said(crmclient.TargetContact, n)))
					begun := time.Now()
					if e := w.mustCreate(lead(10_000 + n)); e.took > 5*time.Second {
						t.Errorf("lead %d waited for %v", n, time.Since(begun))
					}
					later(5 * time.Second)
				}
				if w.holds() != "" {
					t.Errorf("holds %s", w.holds())
				}
				mended.Store(true)
				later(10 * time.Minute)
				for n := range 3 {
					all = append(all, w.start(w.t.Context(), said(crmclient.TargetContact, 5000+n)))
					later(time.Minute)
				}
				written := 0
				for _, done := range all {
					e := <-done
					if e.err != nil || e.took > 7*time.Minute {
						t.Errorf("%+v", e)
					}
					if e.result.Comment == crmclient.CommentWritten {
						written++
					}
				}
				if written < 3 || written > 200 {
					t.Errorf("%d comments written", written)
				}
				w.wantContacts(2*720 + 3)
				if got := w.sim.CountIn(crmtest.Timelines); got < written || got > written+2 {
					t.Errorf("%d comments, %d told", got, written)
				}
			})
		})
	}
}

// wantCommentsToHoldNobody checks that what began ten minutes ago is done.
func (w *world) wantCommentsToHoldNobody(all []<-chan ended) {
	w.t.Helper()
	const tenMinutes = 120 // events
	if len(all) > tenMinutes && len(all[len(all)-tenMinutes]) == 0 {
		w.t.Errorf("event %d is not done after ten minutes", len(all)-tenMinutes)
	}
}

// A portal whose batches know no comments gets them one by one.
func TestBatchesWithoutComments(t *testing.T) {
	for name, refuse := range map[string]func(n int) crmtest.Action{
		"items": func(n int) crmtest.Action {
			items := map[string]crmtest.ItemError{}
			for i := range 50 {
				items[fmt.Sprint(i)] = crmtest.ItemError{Code: "INVALID_PARAMS", Skip: true}
			}
			return crmtest.Action{Items: items}
		},
		"whole": func(int) crmtest.Action { return crmtest.Action{Status: 400, Code: "INVALID_REQUEST"} },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); commenting(c) }, func(w *world) {
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					if c.Is(batchPath) && strings.Contains(string(c.Body), `"timelines"`) {
						return refuse(0)
					}
					return crmtest.Action{}
				})
				var all []<-chan ended
				for n := range 30 {
					all = append(all, w.start(w.t.Context(), said(crmclient.TargetDeal, n)))
				}
				for _, done := range all {
					if e := <-done; e.err != nil || e.result.Comment != crmclient.CommentWritten {
						t.Errorf("%+v", e)
					}
				}
				w.wantComments(30)
			})
		})
	}
}

// A card has hundreds of comments: the event's own is found wherever it stands, or certainly absent, as far as the
// portal lets its lists be read on.
func TestCommentAmongHundreds(t *testing.T) {
	o := portalWithField()
	ignoring := o
	ignoring.IgnoredFilters = []string{"$gt", "$lt"}
	for name, o := range map[string]crmtest.Options{"filter by id": o, "filter by id not obeyed": ignoring} {
		for _, at := range []int{0, 49, 50, 137, 299, -1} {
			t.Run(fmt.Sprintf("%s %d", name, at), func(t *testing.T) {
				inBubble(t, o, commenting, func(w *world) {
					w.fillCard(300, at)
					r := said(crmclient.TargetContact, 1)
					r.Suspect = true
					if e := w.mustCreate(r); e.result.Comment != crmclient.CommentWritten {
						t.Errorf("%+v", e.result)
					}
					want := 300
					if at < 0 {
						want++
					}
					if got := w.sim.CountIn(crmtest.Timelines); got != want {
						t.Errorf("%d comments, want %d", got, want)
					}
				})
			})
		}
	}
}

// A card with thousands of comments is not read to its end: the comment may be among them, so it is not written, at once,
// and that is told.
func TestCommentAmongThousands(t *testing.T) {
	inBubble(t, portalWithField(), commenting, func(w *world) {
		w.fillCard(1200, -1)
		r := said(crmclient.TargetContact, 1)
		r.Suspect = true
		before := w.sim.Stats().Requests[commentsCall+" 200"]
		e := w.mustCreate(r)
		if e.result.Comment != crmclient.CommentNotWritten || e.result.CommentReason != "TOO_MANY_COMMENTS" || e.took > time.Second {
			t.Errorf("%+v", e)
		}
		if n := w.sim.Stats().Requests[commentsCall+" 200"] - before; n > 20 {
			t.Errorf("%d requests", n)
		}
		if got := w.sim.CountIn(crmtest.Timelines); got != 1200 {
			t.Errorf("%d comments", got)
		}
	})
}

// fillCard makes the card of event 1 and gives it so many comments, the event's own at a place; a negative one: none.
func (w *world) fillCard(comments, own int) {
	w.t.Helper()
	w.mustCreate(said(crmclient.TargetContact, 1))
	was := w.sim.Records(crmtest.Timelines)[0]
	w.sim.DeleteIn(crmtest.Timelines, was.ID)
	for i := range comments {
		text := fmt.Sprintf("Somebody's comment %d", i)
		if i == own {
			text = was.Text("comment")
		}
		if _, err := w.sim.CreateIn(crmtest.Timelines, fmt.Sprintf(`{"entityType":"contact","entityId":1,"comment":%q}`, text)); err != nil {
			w.t.Fatal(err)
		}
	}
}

// A list that does not show whether a comment exists proves nothing: the comment is not written a second time.
func TestCommentsThatCannotBeRead(t *testing.T) {
	rows := func(n int, row string) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf(row, i+1)
		}
		return `{"success":true,"data":[` + strings.Join(all, ",") + `]}`
	}
	for name, body := range map[string]string{
		"the same page again":   rows(50, `{"id":%d,"entityType":"contact","entityId":1,"comment":"x"}`),
		"without texts":         rows(1, `{"id":%d,"entityType":"contact","entityId":1}`),
		"of another card":       rows(1, `{"id":%d,"entityType":"contact","entityId":9,"comment":"x"}`),
		"of another kind":       rows(1, `{"id":%d,"entityType":"deal","entityId":1,"comment":"x"}`),
		"no list":               `{"success":true,"data":{}}`,
		"without ids, and full": rows(50, `{"n":%d,"comment":"x"}`),
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, portalWithField(), commenting, func(w *world) {
				w.fillCard(1, 0)
				w.script(commentsCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Status: 200, Body: body} })
				r := said(crmclient.TargetContact, 1)
				r.Suspect = true
				e := w.mustCreate(r)
				if e.result.Comment != crmclient.CommentNotWritten || e.result.CommentReason != "UNREADABLE" || e.took > 6*time.Minute {
					t.Errorf("after %v: %+v", e.took, e.result)
				}
				w.wantComments(1)
			})
		})
	}
}

// What a person wrote cannot pass for the comment of another event: the last mark counts.
func TestForgedMark(t *testing.T) {
	inBubble(t, portalWithField(), commenting, func(w *world) {
		w.mustCreate(said(crmclient.TargetContact, 1))
		own := mark.FindString(w.sim.Records(crmtest.Timelines)[0].Text("comment"))
		w.sim.DeleteIn(crmtest.Timelines, 1)
		text := "I am " + own + "\n[leadbridge 0123456789abcdef]"
		if _, err := w.sim.CreateIn(crmtest.Timelines, fmt.Sprintf(`{"entityType":"contact","entityId":1,"comment":%q}`, text)); err != nil {
			t.Fatal(err)
		}
		r := said(crmclient.TargetContact, 1)
		r.Suspect = true
		w.mustCreate(r)
		if got := w.sim.CountIn(crmtest.Timelines); got != 2 {
			t.Errorf("%d comments, want 2", got)
		}
	})
}

// Under the documented limits each event of a kind with a comment takes one request more than without.
func TestCommentsReachTheirCeilings(t *testing.T) {
	for target, ceiling := range map[crmclient.Target]float64{crmclient.TargetContact: 125, crmclient.TargetDeal: 83} {
		t.Run(string(target), func(t *testing.T) {
			inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); c.Target = target; commenting(c) }, func(w *world) {
				w.wantThroughput(.9*ceiling, func(n int) crmclient.Request { return said("", n) })
			})
		})
	}
}

// Comments hang while leads come in at a good rate, and the caller has no more places than the client can make use
// of: no contact waits for a place that a comment keeps.
func TestHangingCommentsKeepNoPlace(t *testing.T) {
	hang := crmtest.Action{End: crmtest.Hang}
	for name, test := range map[string]struct {
		act   crmtest.Action
		every time.Duration
	}{
		"hang":       {hang, 100 * time.Millisecond},
		"hang, many": {hang, 12 * time.Millisecond},
		"slow 502":   {crmtest.Action{Delay: 20 * time.Second, Status: 502, Code: "BITRIX_UNAVAILABLE"}, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, productionPortal(), func(c *crmclient.Config) { production(c); commenting(c) }, func(w *world) {
				w.prepare()
				firsts := w.watchContacts(test.act)
				places := make(chan struct{}, w.creator.InFlight())
				came := map[string]time.Time{}
				var all []<-chan ended
				for n := range 2400 {
					r := said(crmclient.TargetContact, n)
					came[r.OriginID] = time.Now()
					all = append(all, w.startIn(places, r))
					later(test.every)
				}
				if n := len(all) - countEnded(all); n > 1100+w.creator.InFlight() {
					t.Errorf("%d events wait", n)
				}
				for _, done := range all {
					if e := <-done; e.err != nil {
						t.Fatalf("%+v", e)
					}
				}
				worst, sum := time.Duration(0), time.Duration(0)
				for id, at := range came {
					waited := firsts.at[id].Sub(at)
					worst, sum = max(worst, waited), sum+waited
				}
				t.Logf("a lead waited for %v, at most %v", sum/time.Duration(len(came)), worst)
				if worst > 3*time.Second || sum/time.Duration(len(came)) > time.Second {
					t.Errorf("a lead waited for %v, at most %v", sum/time.Duration(len(came)), worst)
				}
				w.wantContacts(len(came))
			})
		})
	}
}

// watchContacts notes when the creates of contacts arrive; whatever is for comments meets the action.
func (w *world) watchContacts(act crmtest.Action) *firstSends {
	f := &firstSends{at: map[string]time.Time{}}
	w.sim.Script(func(c crmtest.Call) crmtest.Action {
		if strings.HasPrefix(c.Path, "/v1/timelines") || c.Is(batchPath) && strings.Contains(string(c.Body), `"timelines"`) {
			return act
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, id := range originIDs.FindAllString(string(c.Body), -1) {
			if f.at[id].IsZero() {
				f.at[id] = time.Now()
			}
		}
		return crmtest.Action{}
	})
	return f
}

// startIn is start for a caller with so many places: a call of Create keeps one, an event that is deferred none.
func (w *world) startIn(places chan struct{}, r crmclient.Request) <-chan ended {
	done := make(chan ended, 1)
	w.calls.Go(func() {
		begun := time.Now()
		for {
			places <- struct{}{}
			res, err := w.creator.Create(w.t.Context(), r)
			<-places
			wait, deferred := errors.AsType[*crmclient.Deferred](err)
			if !deferred {
				done <- ended{res, err, time.Since(begun)}
				return
			}
			time.Sleep(time.Until(wait.Until))
			r.Resume = wait.Pending
		}
	})
	return done
}

// Lists of comments that show nothing prove nothing: a comment in doubt is not written again, and that is told. What has
// shown one of ours before proves it, be it on the card at hand, on that of an event since, or on one that was there.
func TestListsOfCommentsThatShowNothing(t *testing.T) {
	doubtful := func(c *crmclient.Config) { c.Comment = crmclient.CommentOn }
	const empty = `{"success":true,"data":[],"meta":{"total":0,"hasMore":false}}`
	for _, target := range crmclient.Targets() {
		t.Run(string(target), func(t *testing.T) {
			portal := portalWithField()
			lost := func(w *world, lists string) {
				n := 0
				w.sim.Script(func(c crmtest.Call) crmtest.Action {
					switch {
					case c.Is(commentsCall) && lists != "":
						return crmtest.Action{Status: 200, Body: lists}
					case c.Is(commentCall) && strings.Contains(string(c.Body), "Message 1\\n"):
						if n++; n == 1 {
							return crmtest.Action{Apply: crmtest.Now, Status: 502, Code: "BITRIX_UNAVAILABLE"}
						}
					}
					return crmtest.Action{}
				})
			}
			t.Run("nothing", func(t *testing.T) {
				inBubble(t, portal, doubtful, func(w *world) {
					lost(w, empty)
					waits := w.start(w.t.Context(), said(target, 1))
					for n := range 40 {
						w.mustCreate(said(target, 100+n))
						later(10 * time.Second)
					}
					e := <-waits
					if w.wantComments(41); e.err != nil || e.result.Comment != crmclient.CommentNotWritten || e.result.CommentReason != "COMMENTS_NOT_SHOWN" || e.took > 6*time.Minute {
						t.Errorf("%+v", e)
					}
				})
			})
			t.Run("asked for less and less", func(t *testing.T) {
				inBubble(t, portal, doubtful, func(w *world) {
					lost(w, empty)
					waits := w.start(w.t.Context(), said(target, 1))
					for n := range 100 {
						w.mustCreate(said(target, 100+n))
						later(2 * time.Second)
					}
					if n := w.sim.Stats().Requests[commentsCall+" 200"]; n > 100 {
						t.Errorf("%d lists in 200 s for one event", n)
					}
					later(6 * time.Minute)
					<-waits
				})
			})
			t.Run("another event's since", func(t *testing.T) {
				inBubble(t, portal, doubtful, func(w *world) {
					w.script(commentCall, func(n int, _ crmtest.Call) crmtest.Action {
						if n == 1 {
							return crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"}
						}
						return crmtest.Action{}
					})
					waits := w.start(w.t.Context(), said(target, 1))
					later(20 * time.Second)
					if len(waits) > 0 {
						t.Fatalf("an absence was taken for granted: %+v", <-waits)
					}
					w.mustCreate(said(target, 2))
					if e := <-waits; e.result.Comment != crmclient.CommentWritten || e.took > time.Minute {
						t.Errorf("%+v", e)
					}
					w.wantComments(2)
				})
			})
			t.Run("one that was there", func(t *testing.T) {
				inBubble(t, portal, doubtful, func(w *world) {
					w.mustCreate(said(target, 2))
					next := w.newCreator(func(c *crmclient.Config) { doubtful(c); c.Metrics = nil })
					defer next.Close()
					r := said(target, 1)
					r.Suspect = true
					w.creator.Close()
					w.creator = next
					if e := w.mustCreate(r); e.result.Comment != crmclient.CommentWritten || e.took > time.Minute {
						t.Errorf("%+v", e)
					}
					w.wantComments(2)
				})
			})
		})
	}
}

// Comments that are slower than leads, and do not fail, are bounded as well: when a thousand events wait for theirs,
// further events keep their places, so that their caller takes up fewer, and each comment is written.
func TestCommentsSlowerThanLeads(t *testing.T) {
	const events, bound = 1500, 1000
	inBubble(t, portalWithField(), func(c *crmclient.Config) { commenting(c); c.BatchSize, c.Slots = 1, 4 }, func(w *world) {
		w.sim.Script(func(c crmtest.Call) crmtest.Action {
			if strings.HasPrefix(c.Path, "/v1/timelines") {
				return crmtest.Action{Delay: time.Second}
			}
			return crmtest.Action{}
		})
		window := make(chan struct{}, w.creator.InFlight()) // as the caller has one
		var parked, most, written atomic.Int64
		for n := range events {
			window <- struct{}{}
			w.calls.Go(func() {
				r := said(crmclient.TargetContact, n)
				for {
					res, err := w.creator.Create(w.t.Context(), r)
					wait, deferred := errors.AsType[*crmclient.Deferred](err)
					if !deferred {
						if res.Comment == crmclient.CommentWritten {
							written.Add(1)
						}
						if r.Resume == nil {
							<-window
						}
						return
					}
					if r.Resume == nil {
						<-window
					}
					most.Store(max(most.Load(), parked.Add(1)))
					time.Sleep(time.Until(wait.Until))
					parked.Add(-1)
					r.Resume = wait.Pending
				}
			})
		}
		w.calls.Wait()
		if written.Load() != events || most.Load() > bound+int64(cap(window)) {
			w.t.Errorf("%d comments are written, %d events waited at a time", written.Load(), most.Load())
		}
	})
}
