//go:build k8s

package k8s

import (
	"context"
	"slices"
	"testing"

	"github.com/leadbridge/leadbridge/integration/internal/leads"
	"github.com/leadbridge/leadbridge/integration/internal/topics"
	"github.com/leadbridge/leadbridge/internal/audit"
	"github.com/leadbridge/leadbridge/transform"
)

// scenario is one thing that operators do or suffer. They follow each other on one
// release, while events flow.
type scenario struct {
	name string
	play func(*show)
}

// show is a running release under traffic.
type show struct {
	*stage
	*traffic
}

// TestDeployed installs the chart, plays all scenarios, and accounts for every event.
func TestDeployed(t *testing.T) {
	s := newStage(t)
	s.secret("crm-key", "api-key", firstKey)
	s.secret("site", "token", hookToken)
	s.secret("page", "token", pageToken)
	s.release("install")
	s.shared(replicas)
	w := startTraffic(t, s, "http://"+s.node+":"+s.nodePort(ours, "leadbridge-gate", "hooks"))
	eventually(t, "webhooks are taken", func() bool { return w.hooks() > 0 })
	s.caughtUp()
	for _, one := range scenarios() {
		if !t.Run(one.name, func(t *testing.T) {
			part := *s
			part.t = t
			one.play(&show{&part, w})
			part.caughtUp()
		}) {
			break // the others would tell of the same
		}
	}
	account(t, s, w)
}

// account ends the traffic, waits until everything is delivered, and accounts for it.
func account(t *testing.T, s *stage, w *traffic) {
	t.Helper()
	ctx := context.Background()
	// The webhooks, which are all good, go on: an event that fails again and again becomes a letter only when others of
	// its process pass between its tries.
	w.stopLeads()
	s.caughtUp()
	acked, err := w.finish(ctx)
	must(t, err)
	eventually(t, "everything is committed", func() bool {
		lag, err := s.kafka.Lag(ctx, group, topic)
		return err == nil && topics.Sum(lag) == 0
	})
	ev := leads.Evidence{Acked: acked}
	ev.Records, err = s.kafka.Read(ctx, topic)
	must(t, err)
	ev.Letters, err = s.kafka.Read(ctx, letters)
	must(t, err)
	ev.Contacts, err = s.crm.contacts()
	must(t, err)
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB"})
	must(t, err)
	a := leads.Account(ev, tr)
	t.Logf("%+v; %d webhooks taken, %d answers 503", a.Counts, len(w.taken), w.again)
	for _, f := range a.Faults {
		if f.Kind == audit.Excepted {
			t.Log(f.Kind, f.Text)
			continue
		}
		t.Error(f.Kind, f.Text)
	}
	for _, text := range w.refused {
		t.Error("a webhook was refused: ", text)
	}
	if a.Counts.Contacts == 0 || a.Counts.Letters == 0 || !slices.ContainsFunc(ev.Records, fromGate) {
		t.Error("a run without contacts, letters or webhooks shows nothing")
	}
	for component, deployment := range map[string]string{"consumer": consumers, "gate": gates} {
		for _, p := range s.pods(component) {
			if p.restarts > 0 {
				t.Errorf("%s: %s was restarted %d times", deployment, p.name, p.restarts)
			}
		}
	}
}

// fromGate tells records that a gate wrote from those of the test.
func fromGate(r transform.Record) bool {
	return !slices.ContainsFunc(r.Headers, func(h transform.Header) bool { return h.Key == leads.HeaderLead })
}
