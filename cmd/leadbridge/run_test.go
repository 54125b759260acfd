package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const lead = `{"firstName":"Secretname","phone":"+79161234567","email":"secret@example.com"}`

// TestRunWithNothingThere starts without broker and CRM: HTTP answers, the
// service is healthy but not ready, and a signal ends it with 0.
func TestRunWithNothingThere(t *testing.T) {
	t.Parallel()
	s := startService(t, map[string]string{
		"KAFKA_BROKERS": "127.0.0.1:1", "CRM_BASE_URL": "http://127.0.0.1:1", "CRM_API_KEY": "vibe_api_x", "HTTP_ADDR": "127.0.0.1:0",
	})
	eventually(t, "the hold for brokers", func() bool {
		code, body := s.get("/readyz")
		return code == http.StatusServiceUnavailable && strings.Contains(body, `"cause": "brokers"`)
	})
	if code, body := s.get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz: %d %s", code, body)
	}
	if code, body := s.get("/metrics"); code != http.StatusOK || !strings.Contains(body, "leadbridge_build_info{") {
		t.Errorf("/metrics: %d", code)
	}
	if status := s.status(t); status.State != monitor.Held {
		t.Errorf("state %q, want held", status.State)
	}
	s.signal(t, syscall.SIGTERM)
	if code := s.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0:\n%s", code, s.stderr())
	}
}

// TestRunDelivers makes one contact and one dead letter, and looks for personal
// data and the key in everything that the service tells.
func TestRunDelivers(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true, Portal: "acme.bitrix24.ru"}, "leads", "leads.dlt")
	s := startService(t, r.env(map[string]string{"CRM_BASE_URL": r.crmURL + "/v1/"}))
	r.produce(t, lead)
	r.produce(t, `{"firstName":"Secretname","phone":"secretword"}`)
	eventually(t, "both are done", func() bool { return r.committed() == 2 })
	if n := r.crm.Count(); n != 1 {
		t.Errorf("%d contacts, want 1", n)
	}
	s.answers(t, "/readyz", http.StatusOK)
	status := s.status(t)
	if status.State != monitor.Delivering || status.CRM.Portal != "acme.bitrix24.ru" || len(status.Partitions) != 2 || !status.Ready || !status.Healthy {
		t.Errorf("status %+v", status)
	}
	_, metrics := s.get("/metrics")
	for _, want := range []string{
		"leadbridge_records_consumed_total 2", `leadbridge_contacts_total{how="created"} 1`, `leadbridge_dead_letters_total{reason="NO_CONTACT_POINT"} 1`,
	} {
		if !strings.Contains(metrics, want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	_, statusz := s.get("/statusz")
	s.signal(t, syscall.SIGINT)
	if code := s.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0", code)
	}
	for what, text := range map[string]string{"log": s.stderr(), "metrics": metrics, "statusz": statusz, "stdout": s.stdout.String()} {
		for _, secret := range []string{"Secretname", "9161234567", "secret@", "secretword", "vibe_api_good"} {
			if strings.Contains(text, secret) {
				t.Errorf("%s tells %s", what, secret)
			}
		}
	}
	logLines(t, s.program)
}

// logLines checks the form of the log: JSON with time, level and msg, the
// contact's card at debug, the dead letter and what was mended of the settings at
// warn, and totals in the end.
func logLines(t *testing.T, p *program) {
	t.Helper()
	levels := map[string]int{}
	var last map[string]any
	for line := range strings.Lines(p.stderr()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("no JSON: %s", line)
			continue
		}
		for _, field := range []string{"time", "level", "msg"} {
			if fields[field] == nil {
				t.Errorf("no %s: %s", field, line)
			}
		}
		if strings.Contains(line, "https://acme.bitrix24.ru/crm/contact/details/") {
			levels["contact at "+fields["level"].(string)]++
		}
		if strings.Contains(line, "CRM_BASE_URL is written without /v1") {
			levels["setting at "+fields["level"].(string)]++
		}
		if strings.Contains(line, "NO_CONTACT_POINT") {
			levels["letter at "+fields["level"].(string)]++
		}
		last = fields
	}
	want := map[string]int{"contact at debug": 1, "letter at warn": 1, "setting at warn": 1}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Errorf("lines (-want +got):\n%s\n%s", diff, p.stderr())
	}
	if last["msg"] != "stopped" || last["created"] != 1.0 || last["dead_lettered"] != 1.0 || last["consumed"] != 2.0 {
		t.Errorf("last line %v", last)
	}
}

// TestBadKeyThenGoodKey starts with a key that the CRM refuses: nothing is lost
// or refused, readiness says so, and a new key in the file is enough.
func TestBadKeyThenGoodKey(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true, Keys: []string{"vibe_api_good"}}, "leads", "leads.dlt")
	r.key(t, "vibe_api_bad")
	s := startService(t, r.env(nil))
	// It shows before the first event, which then waits.
	s.answers(t, "/readyz", http.StatusServiceUnavailable, "credentials")
	r.produce(t, lead)
	if code, body := s.get("/healthz"); code != http.StatusOK {
		t.Errorf("a deliberate hold is unhealthy: %d %s", code, body)
	}
	r.key(t, "vibe_api_good")
	s.answers(t, "/readyz", http.StatusOK)
	eventually(t, "the contact is there", func() bool { return r.crm.Count() == 1 && r.committed() == 1 })
	s.signal(t, syscall.SIGTERM)
	if code := s.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0", code)
	}
}

// TestOutageIsReady holds for a CRM that is down: readiness stays, the body tells.
func TestOutageIsReady(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true}, "leads", "leads.dlt")
	s := startService(t, r.env(nil))
	s.answers(t, "/readyz", http.StatusOK)
	if err := r.crm.SetFaults(crmtest.Faults{Down: "503"}); err != nil {
		t.Fatal(err)
	}
	r.produce(t, lead)
	s.answers(t, "/readyz", http.StatusOK, "outage")
	if err := r.crm.SetFaults(crmtest.Faults{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the contact is there", func() bool { return r.crm.Count() == 1 && r.committed() == 1 })
	s.signal(t, syscall.SIGTERM)
	if code := s.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0", code)
	}
}

// TestTopicComesLater starts before its topics are there.
func TestTopicComesLater(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	s := startService(t, r.env(nil))
	s.answers(t, "/readyz", http.StatusServiceUnavailable, "topic")
	for _, topic := range []string{"leads", "leads.dlt"} {
		if err := r.cluster.CreateTopic(topic, 2, nil); err != nil {
			t.Fatal(err)
		}
	}
	r.produce(t, lead)
	eventually(t, "the contact is there", func() bool { return r.crm.Count() == 1 && r.committed() == 1 })
	s.signal(t, syscall.SIGTERM)
	if code := s.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0", code)
	}
}

// TestHangingCRMDoesNotHoldTheExit stops while the CRM never answers.
func TestHangingCRMDoesNotHoldTheExit(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true}, "leads", "leads.dlt")
	s := startService(t, r.env(map[string]string{"DRAIN_TIMEOUT": "200ms", "CRM_TIMEOUT": "10m", "CRM_QUEUE_LIMIT": "9m"}))
	s.answers(t, "/readyz", http.StatusOK)
	if err := r.crm.SetFaults(crmtest.Faults{Hang: 1}); err != nil {
		t.Fatal(err)
	}
	r.produce(t, lead)
	eventually(t, "the request hangs", func() bool { return s.status(t).CRM.InFlight > 0 })
	s.signal(t, syscall.SIGTERM)
	// The limit is the test's own: a process that waits for the answer takes ten minutes.
	if code := s.exit(t); code != exitOK {
		t.Errorf("exit %d, want 0:\n%s", code, s.stderr())
	}
	if at := r.committed(); at > 0 {
		t.Errorf("committed %d, want nothing: the event is not done", at)
	}
}
