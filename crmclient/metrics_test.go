package crmclient_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// metric sums a family's values over the series that have all of the labels (a=b).
func (w *world) metric(name string, labels ...string) float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	sum, seen := 0.0, false
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
	series:
		for _, m := range f.GetMetric() {
			var has strings.Builder
			for _, l := range m.GetLabel() {
				has.WriteString("|" + l.GetName() + "=" + l.GetValue() + "|")
			}
			for _, l := range labels {
				if !strings.Contains(has.String(), "|"+l+"|") {
					continue series
				}
			}
			seen = true
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	if !seen {
		w.t.Errorf("no metric %s %v", name, labels)
	}
	return sum
}

func (w *world) wantMetric(want float64, name string, labels ...string) {
	w.t.Helper()
	if got := w.metric(name, labels...); math.Abs(got-want) > .001 {
		w.t.Errorf("%s %v = %v, want %v", name, labels, got, want)
	}
}

func TestMetrics(t *testing.T) {
	inBubble(t, portalWithField(), nil, func(w *world) {
		w.wantMetric(1, "leadbridge_crm_held", "cause=preparing")
		for _, outcome := range []string{"found", "absent", "failed"} { // rates see no increase in a series that begins at 1
			w.wantMetric(0, "leadbridge_crm_lookups_total", "outcome="+outcome)
		}
		w.firstOnly(crmtest.Action{Status: 502, Code: "BITRIX_UNAVAILABLE"})
		done := w.start(w.t.Context(), lead(1))
		later(time.Second)
		w.wantMetric(0, "leadbridge_crm_held", "cause=preparing")
		w.wantMetric(1, "leadbridge_crm_in_doubt")
		<-done
		w.wantMetric(0, "leadbridge_crm_in_doubt")
		w.wantMetric(1, "leadbridge_crm_in_doubt_total")
		w.wantMetric(1, "leadbridge_crm_retries_total")
		w.wantMetric(2, "leadbridge_crm_lookups_total", "outcome=absent")
		w.mustCreate(suspect(1))
		w.wantMetric(1, "leadbridge_crm_lookups_total", "outcome=found")
		w.wantMetric(1, "leadbridge_crm_suspects_total")
		w.wantMetric(1, "leadbridge_crm_requests_total", "operation=create", "status=502")
		w.wantMetric(1, "leadbridge_crm_requests_total", "operation=create", "status=201")
		w.wantMetric(2, "leadbridge_crm_request_duration_seconds", "operation=create")

		w.script(createCall, func(int, crmtest.Call) crmtest.Action { return crmtest.Action{Status: 401, Code: "KEY_EXPIRED"} })
		done = w.start(w.t.Context(), lead(2))
		later(time.Hour)
		w.wantMetric(1, "leadbridge_crm_held", "cause=credentials")
		if s := w.metric("leadbridge_crm_hold_seconds_total", "cause=credentials"); s < 58*60 || s > 3600 {
			t.Errorf("held for %v seconds", s)
		}
		w.sim.Script(nil)
		if e := <-done; e.took-time.Duration(w.metric("leadbridge_crm_hold_seconds_total", "cause=credentials")*float64(time.Second)) > time.Second {
			t.Errorf("not all of %v is counted", e.took)
		}
		w.wantMetric(0, "leadbridge_crm_held", "cause=credentials")
	})
}
