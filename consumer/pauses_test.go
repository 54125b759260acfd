package consumer

import (
	"slices"
	"strings"
	"testing"
)

// The delivery is paused until the pauses of all sources are taken back.
func TestPausesOfSeveralSources(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		p := r.start()
		r.await("the assignment", func() bool { return p.Status().Ready })
		p.SetPaused(PausedByPage, false, "") // nothing to take back
		p.SetPaused(PausedByFile, true, "ops: CRM moves")
		p.SetPaused(PausedByFile, true, "ops: CRM moves")
		p.SetPaused(PausedByPage, true, "bearer from 127.0.0.1")
		s := p.Status()
		if !hasHold(s, HoldOperator) || !s.Ready || !s.Healthy || !p.Paused(PausedByPage) || p.Paused(PausedBySetting) {
			t.Errorf("paused: %+v", s)
		}
		since := s.Holds[0].Since
		for _, part := range []string{"PAUSED_FILE (ops: CRM moves): write false", "its page (bearer from 127.0.0.1): resume there", "Leads wait in Kafka"} {
			if !strings.Contains(s.Holds[0].Advice.String(), part) {
				t.Errorf("advice %q lacks %q", s.Holds[0].Advice, part)
			}
		}
		p.SetPaused(PausedByPage, false, "session")
		s = p.Status()
		if !hasHold(s, HoldOperator) || !s.Holds[0].Since.Equal(since) || strings.Contains(s.Holds[0].Advice.String(), "page") {
			t.Errorf("one is left: %+v", s.Holds)
		}
		p.SetPaused(PausedByFile, false, "")
		if s = p.Status(); hasHold(s, HoldOperator) {
			t.Errorf("none is left: %+v", s.Holds)
		}
		if want := []bool{true, true, true, false}; !slices.Equal(r.crm.paused, want) {
			t.Errorf("the CRM client was told %v, want %v", r.crm.paused, want)
		}
		if n := strings.Count(r.logs.String(), `"audit":"pause"`); n != 2 {
			t.Errorf("%d pauses are in the log", n)
		}
		p.shutdown(t)
	})
}
