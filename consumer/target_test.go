package consumer

import (
	"context"
	"testing"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// planning is a transformer whose events become deals.
type planning struct{ Transformer }

func (p planning) Plan(e transform.Event) (transform.Plan, error) {
	contact, err := p.Contact(e)
	return transform.Plan{Contact: contact, Target: crmclient.TargetDeal, Card: crmclient.Card{Title: "T"}}, err
}

// startPlanning starts a consumer with the transformer planning.
func (r *rig) startPlanning(adjust func(*Config)) *process {
	r.t.Helper()
	cfg := r.config()
	adjust(&cfg)
	c, err := New(cfg, planning{fakeTransformer{}}, r.crm)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(r.t.Context())
	p := &process{Consumer: c, stop: stop, done: make(chan error, 1)}
	go func() { p.done <- c.Run(ctx) }()
	return p
}

// The target and the card of a plan reach the CRM client, and the ids of the objects reach the result. A repeat of the
// event gets the same result without a request.
func TestResultOfADeal(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.resultTopic(1, nil)
		r.crm.setAnswer(func(_ context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if q.Target != crmclient.TargetDeal || q.Card.Title != "T" {
				t.Errorf("asked for %q, %+v", q.Target, q.Card)
			}
			return crmclient.Result{ContactID: 5, DealID: 7, Attempts: 2}, nil, true
		})
		r.produce(event("a"), event("a"))
		p := r.startPlanning(withResults)
		r.await("the commit", func() bool { return r.commits()[0].offset == 2 })
		all := r.results()
		if len(all) != 2 || len(r.crm.requests) != 1 {
			t.Fatalf("%d requests, %+v", len(r.crm.requests), all)
		}
		for _, one := range all {
			if one.ContactID != 5 || one.DealID != 7 || one.LeadID != 0 {
				t.Errorf("%+v", one)
			}
		}
		p.shutdown(t)
	})
}

// The result says whether the comment was written.
func TestResultOfAComment(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.resultTopic(1, nil)
		r.crm.setAnswer(func(context.Context, crmclient.Request) (crmclient.Result, error, bool) {
			return crmclient.Result{ContactID: 5, DealID: 7, Comment: crmclient.CommentNotWritten, CommentReason: "TOO_LARGE: status 413"}, nil, true
		})
		r.produce(event("a"))
		p := r.startPlanning(withResults)
		r.await("the commit", func() bool { return r.commits()[0].offset == 1 })
		if all := r.results(); len(all) != 1 || all[0].Comment != crmclient.CommentNotWritten || all[0].CommentReason != "TOO_LARGE: status 413" {
			t.Errorf("%+v", all)
		}
		p.shutdown(t)
	})
}

// The result says whether the card was filled.
func TestResultOfAFill(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.resultTopic(1, nil)
		r.crm.setAnswer(func(context.Context, crmclient.Request) (crmclient.Result, error, bool) {
			return crmclient.Result{ContactID: 5, Matched: true, Fill: crmclient.FillFailed, FillReason: "NOT_KEPT"}, nil, true
		})
		r.produce(event("a"))
		p := r.startPlanning(withResults)
		r.await("the commit", func() bool { return r.commits()[0].offset == 1 })
		if all := r.results(); len(all) != 1 || all[0].Fill != crmclient.FillFailed || all[0].FillReason != "NOT_KEPT" {
			t.Errorf("%+v", all)
		}
		p.shutdown(t)
	})
}

// A letter says which objects of its event exist in the CRM.
func TestLetterSaysWhatIsDone(t *testing.T) {
	refused := refusedByCRM(&crmclient.Rejection{Reason: crmclient.ReasonRefused, Done: crmclient.Made{ContactID: 2457}})
	if got := headersOf(letterOf(t, "1", original(), *refused))[header.Done]; got != "contact=2457" {
		t.Errorf("dlt-done %q", got)
	}
	refused = refusedByCRM(&crmclient.Rejection{Reason: crmclient.ReasonRefused})
	if got, ok := headersOf(letterOf(t, "1", original(), *refused))[header.Done]; ok {
		t.Errorf("dlt-done %q, where nothing exists", got)
	}
}

// The result says when an event was given to the person's earlier contact, and which contacts may be the person's if none of
// several was chosen.
func TestResultOfAMatch(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.resultTopic(1, nil)
		r.crm.setAnswer(func(context.Context, crmclient.Request) (crmclient.Result, error, bool) {
			if len(r.crm.requests) == 1 {
				return crmclient.Result{ContactID: 5, Matched: true}, nil, true
			}
			return crmclient.Result{ContactID: 8, Candidates: []int64{5, 6}}, nil, true
		})
		r.produce(event("a"))
		p := r.start(withResults)
		r.await("the first commit", func() bool { return r.commits()[0].offset == 1 })
		r.produce(event("b"))
		r.await("the commit", func() bool { return r.commits()[0].offset == 2 })
		all := r.results()
		if len(all) != 2 || all[0].HowKnown != "matched" || all[0].Candidates != nil || all[1].HowKnown != "created" || len(all[1].Candidates) != 2 {
			t.Errorf("%+v", all)
		}
		if n := counterValue(t, p.deps.metrics.matched); n != 1 {
			t.Errorf("%v are counted as matched", n)
		}
		p.shutdown(t)
	})
}
