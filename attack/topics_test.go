//go:build attack

package attack

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// TestLongHeaders: ids and headers of any length, with results wanted, stop nothing, and are whole in
// no log, letter or result.
func TestLongHeaders(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	p := r.startService(map[string]string{"KAFKA_RESULT_TOPIC": "results"})
	long := strings.Repeat("y", 300_000)
	for n, headers := range [][]string{
		{"dlt-event-id", long}, {"webhook-id", long}, {"ce_id", long, "ce_source", long, "ce_type", "t"}, {"traceparent", long, "tracestate", long}, {"idempotency-key", long},
		{"dlt-event-id", "x", "dlt-original-topic", long}, {"dlt-event-id", "x", "dlt-first-failure", long}, {"dlt-event-id", "x", "dlt-origin-field", "UF_CRM_" + long}, {"foreign", long},
	} {
		r.produce("leads", fmt.Sprintf(`{"email":"good.%d@example.com"}`, n), headers...)
		r.produce("leads", fmt.Sprintf(`{"name":"bad %d"}`, n), headers...)
	}
	r.produce("leads", `{"email":"last@example.com"}`)
	r.delivered(p)
	if p.stop(); strings.Contains(p.logged(), strings.Repeat("y", 1025)) {
		t.Error("a long header is whole in the log")
	}
	letters := r.records("leads.dlt")
	if len(letters) == 0 || len(r.records("results")) == 0 {
		t.Fatalf("%d letters, %d results", len(letters), len(r.records("results")))
	}
	for _, rec := range append(letters, r.records("results")...) {
		if size := len(fmt.Sprint(rec.headers)) + len(rec.value); size > 64<<10 {
			t.Errorf("a record of %d bytes", size)
		}
	}
	for _, l := range letters {
		if l.value == "" || l.headers["dlt-value"] != "" {
			t.Error("a letter lost its value for somebody's headers")
		}
	}
}

// TestForgedReplays: a count of replays out of nowhere makes no letter that cannot be replayed.
func TestForgedReplays(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	p := r.startService(nil)
	r.produce("leads", `{"name":"first"}`, "dlt-replays", "99")
	r.produce("leads", `{"name":"second"}`, "dlt-replays", "99", "dlt-event-id", "ce:/shop order-1")
	r.produce("leads", `{"name":"third"}`, "dlt-event-id", "x", "dlt-original-partition", "-1", "dlt-original-offset", "9223372036854775807", "dlt-replays", "1")
	r.delivered(p)
	stdout, stderr, code := r.run(nil, "dlt", "replay", "--output", "json")
	var report struct{ Replayed int }
	if err := json.Unmarshal([]byte(stdout), &report); err != nil || code != 0 || report.Replayed != 3 {
		t.Errorf("replay: %d %v %s %s", code, err, stdout, stderr)
	}
	p.stop()
	if log := p.logged(); strings.Count(log, "do not go together") != 3 {
		t.Errorf("it is not said:\n%s", p.tail())
	}
}

// TestFieldOfAHeader names a field that takes no filter in a header: nobody is held.
func TestFieldOfAHeader(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{ExistingUserField: true, ExistingFields: []string{"UF_CRM_FILE"}})
	r.crm.Script(func(c crmtest.Call) crmtest.Action {
		if c.Is("POST /v1/contacts/search") && strings.Contains(string(c.Body), "UF_CRM_FILE") {
			return crmtest.Action{Status: 400, Code: "INVALID_FILTER", Message: "no filter by this field"}
		}
		return crmtest.Action{}
	})
	p := r.startService(nil)
	for n, field := range []string{"UF_CRM_FILE", "UF_CRM_NOBODY", "companyId", "id", "none", "originId"} {
		r.produce("leads", fmt.Sprintf(`{"email":"told.%d@example.com"}`, n), "dlt-event-id", fmt.Sprint("x", n), "dlt-replays", "1", "dlt-origin-field", field)
		r.produce("leads", fmt.Sprintf(`{"email":"other.%d@example.com"}`, n))
	}
	r.delivered(p)
	if stats := r.crm.Stats(); stats.Contacts != 12 || stats.Duplicates != 0 {
		t.Errorf("%d contacts, %d duplicates", stats.Contacts, stats.Duplicates)
	}
	p.stop()
	if strings.Contains(p.logged(), `"cause":"origin_field"`) {
		t.Error("delivery was held")
	}
}

// TestPersonsInLogs puts a person wherever somebody else's text goes, at the most talkative level.
func TestPersonsInLogs(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	gate, p := r.startGate(sources, nil), r.startService(map[string]string{"KAFKA_RESULT_TOPIC": "results"})
	for _, id := range []string{"CANARY-79161112233", "canary@example.com", "Canary-Zacharias", "ce:/shop CANARY-79161112233"} {
		r.produce("leads", `{"email":"canary@example.com","ufCrm_CANARY_FIELD":"x"}`, "webhook-id", id)
		r.produce("leads", `{"name":"Canary"}`, "dlt-event-id", id)
		r.produce("leads", `{"email":"canary@example.com"}`, "ce_id", id, "ce_source", "/canary", "ce_type", "t")
		r.produce("leads", `{"name":"Canary"}`, "dlt-event-id", id, "dlt-origin-field", "UF_CRM_CANARY", "dlt-replays", "1")
	}
	send(t, "POST", gate.url+"/hooks/form?name=Canary", `{"email":"canary@example.com"}`, "webhook-id", "CANARY-79161112233", "User-Agent", "canary@example.com")
	r.delivered(p)
	gate.stop()
	p.stop()
	for what, log := range map[string]string{"gate": gate.logged(), "service": p.logged()} {
		lower := strings.ToLower(log)
		for _, secret := range []string{"canary", "9161112233", "zacharias"} {
			if i := strings.Index(lower, secret); i >= 0 {
				t.Errorf("the log of the %s tells %s: …%s…", what, secret, log[max(i-200, 0):min(i+100, len(log))])
			}
		}
	}
}

// TestWordsOfTheCRM answers with a person in every form: none is in the letter's message.
func TestWordsOfTheCRM(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{UserFields: true})
	r.crm.Script(func(c crmtest.Call) crmtest.Action {
		if c.Is("POST /v1/contacts") {
			return crmtest.Action{Status: 400, Code: "VALIDATION_ERROR", Message: `refused: canary%40example.com &#1040;&#x43d;&#1085;&#1072; \u0410\u043d\u043d\u0430 Y2FuYXJ5QGV4YW1wbGUuY29t canary ends 2233`}
		}
		return crmtest.Action{}
	})
	p := r.startService(map[string]string{"CRM_BATCH_SIZE": "1"})
	r.produce("leads", `{"name":"Анна","email":"canary@example.com","phone":"+7 916 111-22-33"}`)
	r.delivered(p)
	letters := r.records("leads.dlt")
	if len(letters) != 1 {
		t.Fatalf("%d letters:\n%s", len(letters), p.tail())
	}
	message := letters[0].headers["dlt-message"]
	for _, secret := range []string{"canary", "%40", "1040", "0410", "Y2Fu", "2233"} {
		if strings.Contains(message, secret) {
			t.Errorf("the message tells %s: %s", secret, message)
		}
	}
	if !strings.Contains(message, "refused") {
		t.Errorf("message %q", message)
	}
	p.stop()
}

// TestSettingsTellNoPassword writes passwords where none belong, and speaks where others can read along.
func TestSettingsTellNoPassword(t *testing.T) {
	t.Parallel()
	r := newRig(t, crmtest.Options{})
	stdout, stderr, code := r.run(map[string]string{
		"KAFKA_BROKERS": "user:hunter2@kafka:9092,kafka://user:hunter2@b", "CRM_BASE_URL": "https://user:hunter2@crm.example", "CRM_API_KEY": "hunter2\nx", "ADMIN_ADDR": "user:hunter2@:80",
	}, "run")
	if code != 2 || strings.Contains(stdout+stderr, "hunter2") || !strings.Contains(stderr, "KAFKA_BROKERS") {
		t.Errorf("%d %s %s", code, stdout, stderr)
	}
	stdout, stderr, _ = r.run(map[string]string{
		"CRM_BASE_URL": "http://crm.invalid", "CRM_API_KEY": "vibe_api_good", "CRM_TIMEOUT": "1s", "CRM_QUEUE_LIMIT": "0s", "KAFKA_BROKERS": "127.0.0.1:1",
		"KAFKA_SASL_MECHANISM": "SCRAM-SHA-512", "KAFKA_SASL_USERNAME": "u", "KAFKA_SASL_PASSWORD": "hunter2hunter2",
	}, "check")
	if strings.Contains(stdout+stderr, "hunter2") || !strings.Contains(stdout, "CRM_BASE_URL is http://") || !strings.Contains(stdout, "SCRAM-SHA-512 without KAFKA_TLS") {
		t.Errorf("%s %s", stdout, stderr)
	}
}
