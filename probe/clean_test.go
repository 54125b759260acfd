package probe_test

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/probe"
)

// variants are portals that are hard to clean.
func variants() map[string]struct {
	portal func(*crmtest.Options)
	faults crmtest.Faults
} {
	return map[string]struct {
		portal func(*crmtest.Options)
		faults crmtest.Faults
	}{
		"documented":                {portal: plain},
		"look-ups lag":              {portal: plain, faults: crmtest.Faults{LookupLag: crmtest.Duration(3 * time.Second)}},
		"filters are ignored":       {portal: plain, faults: crmtest.Faults{IgnoreFilters: true}},
		"names are ignored":         {portal: func(o *crmtest.Options) { o.IgnoredFilters = []string{"name", "title"} }},
		"no look-up by name":        {portal: plain, faults: crmtest.Faults{Blind: []string{"name", "title"}}},
		"no batch":                  {portal: func(o *crmtest.Options) { o.NoBatch = true }},
		"no batch, filters ignored": {portal: func(o *crmtest.Options) { o.NoBatch = true }, faults: crmtest.Faults{IgnoreFilters: true}},
	}
}

// everyCall is how far apart the calls are at which a run is hit: closer on the portal that most people have.
func everyCall(variant string) int {
	if variant == "documented" {
		return 7
	}
	return 41
}

// TestInterruptedRunLeavesNothing ends the context at many places of a run.
func TestInterruptedRunLeavesNothing(t *testing.T) {
	t.Parallel()
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := false
			for n := 1; !done; n += everyCall(name) {
				bubble(t, v.portal, v.faults, func(t *testing.T, p *portal) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					p.on(n, func() crmtest.Action { cancel(); return crmtest.Action{} })
					begun := time.Now()
					got, err := probe.Run(ctx, p.config())
					done = err == nil
					if err != nil && (!errors.Is(err, context.Canceled) || got.Complete) {
						t.Errorf("call %d: complete %t, %v", n, got.Complete, err)
					}
					if took := time.Since(begun); took > 2*time.Minute {
						t.Errorf("call %d: it took %s", n, took)
					}
					p.clean(t)
				})
			}
		})
	}
}

// kill lets nothing leave and nothing come any more, as if the process had been killed at its nth call. The call itself takes
// effect.
func (p *portal) kill(n int) {
	p.on(n, func() crmtest.Action {
		p.server.Refuse(syscall.ECONNREFUSED)
		return crmtest.Action{Apply: crmtest.Now, End: crmtest.Reset}
	})
}

// TestCleanAfterAKilledRun kills a run at many places; Clean finds what it left, right afterwards.
func TestCleanAfterAKilledRun(t *testing.T) {
	t.Parallel()
	for name, v := range variants() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for done, n := false, 3; !done; n += everyCall(name) {
				bubble(t, v.portal, v.faults, func(t *testing.T, p *portal) {
					p.kill(n)
					_, err := probe.Run(t.Context(), p.config())
					done = err == nil
					p.server.Drop()
					p.server.Refuse(nil)
					p.Script(nil)
					got, err := probe.Clean(t.Context(), p.config())
					if err != nil || len(got.Left) > 0 {
						t.Errorf("call %d: left %v, %v", n, got.Left, err)
					}
					p.clean(t)
				})
			}
		})
	}
}

// TestCleanTouchesNothingElse puts beside a probe's records those that look like it, and more than a page of a probe's.
func TestCleanTouchesNothingElse(t *testing.T) {
	t.Parallel()
	bubble(t, plain, crmtest.Faults{}, func(t *testing.T, p *portal) {
		for i := range 120 {
			if _, err := p.Create(fmt.Sprintf(`{"name":%q,"lastName":"%d"}`, probe.Marker, i)); err != nil {
				t.Fatal(err)
			}
		}
		others := []string{`{"title":"leadbridge probe"}`, `{"title":"` + probe.Marker + ` not"}`, `{"name":"Somebody"}`}
		for _, body := range others {
			if _, err := p.CreateIn(crmtest.Leads, body); err != nil {
				t.Fatal(err)
			}
		}
		got, err := probe.Clean(t.Context(), p.config())
		if err != nil || got.Deleted != 120 || len(got.Left)+len(got.Unsure) > 0 {
			t.Errorf("%+v, %v; want 120 deleted and nothing left", got, err)
		}
		if n := p.CountIn(crmtest.Leads); n != len(others) || p.Count() != 3 {
			t.Errorf("%d leads and %d contacts, want %d and 3", n, p.Count(), len(others))
		}
	})
}

func TestCleanSaysWhereItCannotBeSure(t *testing.T) {
	t.Parallel()
	bubble(t, plain, crmtest.Faults{Blind: []string{"name", "title"}}, func(t *testing.T, p *portal) {
		got, err := probe.Clean(t.Context(), p.config())
		if err != nil || len(got.Unsure) != 3 {
			t.Errorf("%+v, %v; want three kinds of which it is not sure", got, err)
		}
		p.clean(t)
	})
}
