package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"
)

var recordTime = time.Date(2026, 3, 1, 12, 0, 0, 250e6, time.UTC)

func newTransformer(t testing.TB, o Options) *Transformer {
	t.Helper()
	tr, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

// record makes a record; headers are pairs of key and value.
func record(value string, headers ...string) Record {
	r := Record{Topic: "leads", Partition: 3, Offset: 42, Time: recordTime, Value: []byte(value)}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, Header{headers[i], []byte(headers[i+1])})
	}
	return r
}

func num(text string) json.Number { return json.Number(text) }

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:32]
}

func TestIdentity(t *testing.T) {
	const lead = `{"email":"a@example.com"}`
	rec := "rec:leads/3/42@1772366400250/" + hashOf(lead)
	tests := []struct {
		name    string
		value   string
		headers []string
		want    string
	}{
		{"structured CloudEvent", `{"specversion":"1.0","id":"A-1","source":"/forms/main","type":"lead","data":{}}`, nil, "ce:/forms/main A-1"},
		{"structured by content type", `{"id":"A-1","source":"/f","data":{}}`, []string{"Content-Type", "Application/CloudEvents+JSON; charset=utf-8"}, "ce:/f A-1"},
		{"binary CloudEvent", lead, []string{"ce_id", "A-1", "ce_source", "/f"}, "ce:/f A-1"},
		{"header names in any case", lead, []string{"CE_Id", "A-1", "Ce_Source", "/f"}, "ce:/f A-1"},
		{"CloudEvent before webhook id", lead, []string{"webhook-id", "w", "ce_id", "A-1", "ce_source", "/f"}, "ce:/f A-1"},
		{"CloudEvent without source", lead, []string{"ce_id", "A-1"}, rec},
		{"CloudEvent without id but a webhook id", lead, []string{"ce_source", "/f", "webhook-id", "w1"}, "id:leads w1"},
		{"id that is a number", `{"specversion":"1.0","id":17,"source":"/f","data":{}}`, nil, "ce:/f 17"},
		{"webhook id", lead, []string{"Webhook-Id", "msg_2Lh9", "idempotency-key", "k"}, "id:leads msg_2Lh9"},
		{"webhook id wins in any order", lead, []string{"idempotency-key", "k", "webhook-id", "w"}, "id:leads w"},
		{"idempotency key", lead, []string{"Idempotency-Key", "k-1"}, "id:leads k-1"},
		{"empty webhook id", lead, []string{"webhook-id", "", "idempotency-key", "k"}, "id:leads k"},
		{"coordinates", lead, nil, rec},
		{"repeated webhook id: the first", lead, []string{"webhook-id", "w1", "webhook-id", "w2"}, "id:leads w1"},
		{"repeated CloudEvents header: the last", lead, []string{"ce_id", "1", "ce_source", "/f", "ce_id", "2"}, "ce:/f 2"},
		{"repeated dead-letter header: the last", lead, []string{"dlt-event-id", "id:x 1", "dlt-event-id", "id:x 2"}, "id:x 2"},

		{"e-mail in the id", lead, []string{"ce_id", "a@example.com", "ce_source", "/f"}, "ce:/f sha256:" + hashOf("a@example.com")},
		{"phone as the id", lead, []string{"webhook-id", "+79161234567"}, "id:leads sha256:" + hashOf("+79161234567")},
		{"phone without plus", lead, []string{"webhook-id", "8-916-123-45-67"}, "id:leads sha256:" + hashOf("8-916-123-45-67")},
		{"phone inside the id", lead, []string{"webhook-id", "lead:79161234567"}, "id:leads sha256:" + hashOf("lead:79161234567")},
		{"phone in brackets", lead, []string{"webhook-id", "(916)1234567"}, "id:leads sha256:" + hashOf("(916)1234567")},
		{"UUID stays", lead, []string{"webhook-id", "550e8400-e29b-41d4-a716-446655440000"}, "id:leads 550e8400-e29b-41d4-a716-446655440000"},
		{"seven digits", lead, []string{"webhook-id", "1234567"}, "id:leads sha256:" + hashOf("1234567")},
		{"plus before too many digits", lead, []string{"webhook-id", "+12345678901234567"}, "id:leads sha256:" + hashOf("+12345678901234567")},
		{"six digits stay", lead, []string{"webhook-id", "123456"}, "id:leads 123456"},
		{"sixteen digits stay", lead, []string{"webhook-id", "1234567890123456"}, "id:leads 1234567890123456"},
		{"blank in the id", lead, []string{"webhook-id", "a b"}, "id:leads sha256:" + hashOf("a b")},
		{"id of other letters", lead, []string{"webhook-id", "Иванов"}, "id:leads sha256:" + hashOf("Иванов")},
		{"long id", lead, []string{"webhook-id", strings.Repeat("x", 201)}, "id:leads sha256:" + hashOf(strings.Repeat("x", 201))},
		{"id that looks like a hash", lead, []string{"webhook-id", "sha256:" + hashOf("a b")}, "id:leads sha256:" + hashOf("sha256:"+hashOf("a b"))},
		{"ids that are no UTF-8 stay apart", "{\"specversion\":\"1.0\",\"id\":\"\xe8\",\"source\":\"/f\",\"data\":{}}", nil, "ce:/f sha256:" + hashOf("\xe8")},

		{"replay: the letter's id", lead, []string{"dlt-event-id", "ce:/f A-1", "webhook-id", "w"}, "ce:/f A-1"},
		{"replay: a long id", lead, []string{"dlt-event-id", strings.Repeat("x", 1025)}, "sha256:" + hashOf(strings.Repeat("x", 1025))},
		{"replay: an id as long as may be", lead, []string{"dlt-event-id", strings.Repeat("x", 1024)}, strings.Repeat("x", 1024)},
		{"replay: an id of two lines", lead, []string{"dlt-event-id", "a\nb"}, "sha256:" + hashOf("a\nb")},
		{"replay: original coordinates", lead, []string{
			"dlt-original-topic", "web", "dlt-original-partition", "1", "dlt-original-offset", "7", "dlt-original-timestamp", "1700000000000",
		}, "rec:web/1/7@1700000000000/" + hashOf(lead)},
		{"replay: original timestamp as RFC 3339", lead, []string{"DLT-Original-Timestamp", "2023-11-14T22:13:20Z"}, "rec:leads/3/42@1700000000000/" + hashOf(lead)},
		{"replay: original topic of a webhook id", lead, []string{"webhook-id", "w", "dlt-original-topic", "web"}, "id:web w"},
		{"replay: unreadable coordinates", lead, []string{"dlt-original-offset", "x", "dlt-original-partition", "", "dlt-original-timestamp", "soon"}, rec},

		{"malformed", "{", []string{"webhook-id", "w"}, "id:leads w"},
		{"malformed, by coordinates", "{", nil, "rec:leads/3/42@1772366400250/" + hashOf("{")},
		{"malformed binary CloudEvent", "{", []string{"ce_id", "1", "ce_source", "/f"}, "ce:/f 1"},
		{"CloudEvent without data", `{"specversion":"1.0","id":"1","source":"/f"}`, nil, "ce:/f 1"},
	}
	tr := newTransformer(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := tr.Decode(record(tt.value, tt.headers...))
			if e.ID != tt.want {
				t.Errorf("ID = %q, want %q", e.ID, tt.want)
			}
			sum := sha256.Sum256([]byte(tt.want))
			if want := "lb-" + hex.EncodeToString(sum[:])[:40]; e.OriginID != want {
				t.Errorf("OriginID = %q, want %q", e.OriginID, want)
			}
		})
	}
}

var originIDForm = regexp.MustCompile(`^lb-[0-9a-f]{40}$`)

func TestIdentitySurvivesAnEdit(t *testing.T) {
	tr := newTransformer(t, Options{})
	first, err := tr.Decode(record(`{"email":"a@example"}`))
	if err != nil {
		t.Fatal(err)
	}
	edited, _ := tr.Decode(record(`{"email":"a@example.com"}`, "dlt-event-id", first.ID))
	if edited.ID != first.ID || edited.OriginID != first.OriginID {
		t.Errorf("got %q, want %q", edited.ID, first.ID)
	}
}

// TestReplays: headers of a letter count when they go together; else the record is a new event.
func TestReplays(t *testing.T) {
	const none = -1
	whole := func(replays string) []string {
		return []string{"dlt-event-id", "x", "dlt-original-topic", "web", "dlt-original-partition", "1", "dlt-original-offset", "7",
			"dlt-original-timestamp", "2023-11-14T22:13:20Z", "dlt-replays", replays}
	}
	tests := []struct {
		name    string
		headers []string
		want    int
	}{
		{"first delivery", nil, 0},
		{"headers of nothing", []string{"dlt-event-id", "", "dlt-original-topic", ""}, 0},
		{"letter's id alone", []string{"dlt-event-id", "x"}, 1},
		{"original coordinates alone", []string{"dlt-original-offset", "5"}, 1},
		{"once", []string{"dlt-event-id", "x", "dlt-replays", "1"}, 1},
		{"counted", whole("3"), 3},
		{"often", whole("99"), 99},
		{"often, out of nowhere", []string{"dlt-event-id", "x", "dlt-replays", "99"}, none},
		{"zero", []string{"dlt-event-id", "x", "dlt-replays", "0"}, 1},
		{"negative", []string{"dlt-event-id", "x", "dlt-replays", "-3"}, none},
		{"no number", []string{"dlt-event-id", "x", "dlt-replays", "many"}, none},
		{"count alone", []string{"dlt-replays", "2"}, none},
		{"count of one alone", []string{"dlt-replays", "1"}, none},
		{"no topic", append(whole("1"), "dlt-original-topic", "a/b"), none},
		{"no partition", append(whole("1"), "dlt-original-partition", "-1"), none},
		{"a partition that is none", append(whole("1"), "dlt-original-partition", "4294967296"), none},
		{"no offset", append(whole("1"), "dlt-original-offset", "1e3"), none},
		{"no time", append(whole("1"), "dlt-original-timestamp", "9223372036854775807"), none},
	}
	tr := newTransformer(t, Options{})
	fresh, _ := tr.Decode(record(`{}`))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := tr.Decode(record(`{}`, tt.headers...))
			if e.Replays != max(tt.want, 0) || e.Distrusted != (tt.want == none) {
				t.Errorf("Replays = %d, distrusted %t, want %d", e.Replays, e.Distrusted, tt.want)
			}
			if tt.want == none && e.ID != fresh.ID {
				t.Errorf("ID = %s: headers that do not go together count", e.ID)
			}
		})
	}
}

func TestTimes(t *testing.T) {
	original := time.UnixMilli(1700000000000).UTC()
	happened := time.Date(2026, 2, 28, 9, 30, 0, 0, time.UTC)
	tests := []struct {
		name             string
		value            string
		headers          []string
		when, recordedAt time.Time
	}{
		{"record", `{}`, nil, recordTime, recordTime},
		{"replay", `{}`, []string{"dlt-original-timestamp", "1700000000000"}, original, original},
		{"binary", `{}`, []string{"ce_time", "2026-02-28T12:30:00+03:00"}, happened, recordTime},
		{"structured", `{"specversion":"1.0","time":"2026-02-28T09:30:00Z","data":{}}`, nil, happened, recordTime},
		{"unreadable", `{}`, []string{"ce_time", "yesterday"}, recordTime, recordTime},
	}
	tr := newTransformer(t, Options{})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, _ := tr.Decode(record(tt.value, tt.headers...))
			if !e.Time.Equal(tt.when) || !e.RecordedAt.Equal(tt.recordedAt) {
				t.Errorf("Time %v, RecordedAt %v; want %v, %v", e.Time, e.RecordedAt, tt.when, tt.recordedAt)
			}
		})
	}
}
