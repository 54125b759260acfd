package consumer

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// letterOf returns the letter of a record that failed.
func letterOf(t *testing.T, version string, rec transform.Record, failure rejection) letter {
	t.Helper()
	tr, err := transform.New(transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := &delivery{record: record{Record: rec}, carried: carried{failure: &failure}}
	d.event, err = tr.Decode(rec)
	if err == nil {
		d.contact, _ = tr.Contact(d.event)
	}
	return letterFor(d, version, newFakeCRM().Status().OriginField)
}

func headersOf(l letter) map[string]string {
	m := map[string]string{}
	for _, h := range l.headers {
		m[h.Key] = string(h.Value)
	}
	return m
}

func original() transform.Record {
	return transform.Record{
		Topic: "leads", Partition: 2, Offset: 77, Time: time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC),
		Key: []byte("k"), Value: []byte(`{"name":"Ivan Petrov","phone":"+79161234567","email":"ivan@company.ru"}`),
		Headers: []transform.Header{
			{Key: "ce_source", Value: []byte("/site")}, {Key: "ce_id", Value: []byte("order-1")}, {Key: "ce_type", Value: []byte("lead")},
			{Key: "trace", Value: []byte("1")}, {Key: "trace", Value: []byte("2")}, {Key: "empty", Value: []byte{}}, {Key: "null"}, {Key: "", Value: []byte("no name")},
		},
	}
}

func TestDeadLetterHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UTC().Format(time.RFC3339Nano)
		l := letterOf(t, "1.2.3", original(), rejection{reason: "CRM_REFUSED", status: 400, code: "VALIDATION_ERROR", message: "wrong field", attempts: 3})
		want := map[string]string{
			"dlt-reason": "CRM_REFUSED", "dlt-status": "400", "dlt-code": "VALIDATION_ERROR", "dlt-message": "wrong field",
			"dlt-attempts": "3", "dlt-failed-at": now, "dlt-version": "1.2.3", "dlt-origin-field": "originId",
			"dlt-original-topic": "leads", "dlt-original-partition": "2", "dlt-original-offset": "77",
			"dlt-original-timestamp": "2026-03-04T05:06:07.008Z", "dlt-event-id": "ce:/site order-1",
			"dlt-first-failure": now, "dlt-replays": "0",
		}
		got := headersOf(l)
		for _, foreign := range original().Headers {
			delete(got, foreign.Key)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if string(l.key) != "k" || string(l.value) != string(original().Value) || l.partition != 2 {
			t.Errorf("the letter has key %q, value %q, partition %d", l.key, l.value, l.partition)
		}
	})
}

func TestDeadLetterKeepsForeignHeadersAsTheyAre(t *testing.T) {
	l := letterOf(t, "1", original(), rejection{reason: "MALFORMED_EVENT"})
	var got []kafka.Header
	for _, h := range l.headers {
		if isForeign(h) {
			got = append(got, h)
		}
	}
	var want []kafka.Header
	for _, h := range original().Headers {
		want = append(want, kafka.Header{Key: h.Key, Value: h.Value})
	}
	if diff := cmp.Diff(want, got); diff != "" { // tells nil from empty
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The headers that a producer wrote do not make the letter too large; those that fit are kept.
func TestLettersBoundForeignHeaders(t *testing.T) {
	t.Parallel()
	rec := original()
	rec.Headers = []transform.Header{{Key: "trace", Value: []byte("1")}, {Key: "long", Value: make([]byte, maxForeignHeader)}}
	for i := range 40 {
		rec.Headers = append(rec.Headers, transform.Header{Key: fmt.Sprint("many-", i), Value: make([]byte, 3<<10)})
	}
	size, names := 0, map[string]bool{}
	for _, h := range letterOf(t, "1", rec, rejection{reason: "CRM_REFUSED"}).headers {
		names[h.Key] = true
		if isForeign(h) {
			size += len(h.Key) + len(h.Value)
		}
	}
	if size > maxForeignHeaders || !names["trace"] || names["long"] || !names["many-0"] || names["many-39"] || !names[header.Headers] {
		t.Errorf("%d bytes of foreign headers: %v", size, names)
	}
}

// A record whose headers of a letter contradict each other is not taken for a replay, and its own letter keeps none of them.
func TestForgedHeadersAreNotKept(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		forged := []kafka.Header{{Key: header.Replays, Value: []byte("99")}, {Key: header.FirstFailure, Value: []byte("never")}}
		r.produce(message{value: "no JSON", headers: forged}, message{value: `{"id":"a"}`, headers: append(forged, kafka.Header{Key: header.EventID, Value: []byte("b")})})
		p := r.start()
		r.await("the commit", func() bool { return r.commits()[0].offset == 2 })
		l := r.deadLetters()
		if len(l) != 1 || header.Text(l[0].Headers, header.Replays) != "0" || header.Text(l[0].Headers, header.FirstFailure) == "never" {
			t.Errorf("letters %v", l)
		}
		if asked := r.crm.asked("a"); len(asked) != 1 || asked[0].Replayed {
			t.Errorf("asked %+v", asked)
		}
		if text := r.logs.String(); !strings.Contains(text, "do not go together") {
			t.Errorf("log %s", text)
		}
		p.shutdown(t)
	})
}

// An event that the mapping leaves out is counted, and becomes neither a contact nor a letter.
func TestSkipped(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(event(skippedID), event("a"), event(skippedID))
		p := r.start()
		r.await("the commit", func() bool { return r.commits()[0].offset == 3 })
		if n := counterValue(t, p.deps.metrics.skipped.WithLabelValues(skippedMapping)); n != 2 || len(r.deadLetters()) != 0 || len(r.crm.asked(skippedID)) != 0 {
			t.Errorf("%v skipped, %d letters, want 2 and none", n, len(r.deadLetters()))
		}
		p.shutdown(t)
	})
}

// replayed returns the record that a replay of the letter writes.
func replayed(l letter, replays string) transform.Record {
	rec := transform.Record{Topic: "leads", Partition: 0, Offset: 5000, Time: time.Now(), Key: l.key, Value: l.value}
	for _, h := range l.headers {
		if h.Key == header.Replays {
			h.Value = []byte(replays)
		}
		rec.Headers = append(rec.Headers, transform.Header{Key: h.Key, Value: h.Value})
	}
	return rec
}

func TestRepeatedDeadLetteringRewritesAndKeeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := letterOf(t, "1", original(), rejection{reason: "CRM_REFUSED", status: 400, code: "A", message: "first", attempts: 1})
		time.Sleep(time.Hour)
		second := letterOf(t, "2", replayed(first, "1"), rejection{reason: "RETRIES_EXHAUSTED", status: 500, code: "B", message: "second", attempts: 6})
		want := headersOf(first)
		maps.Copy(want, map[string]string{
			"dlt-reason": "RETRIES_EXHAUSTED", "dlt-status": "500", "dlt-code": "B", "dlt-message": "second", "dlt-attempts": "6",
			"dlt-failed-at": time.Now().UTC().Format(time.RFC3339Nano), "dlt-version": "2", "dlt-replays": "1",
		})
		if diff := cmp.Diff(want, headersOf(second)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		if len(second.headers) != len(first.headers) {
			t.Errorf("%d headers became %d: something was appended", len(first.headers), len(second.headers))
		}
	})
}

func TestDeadLetterWithoutAnAnswerLeavesStatusAndCodeEmpty(t *testing.T) {
	got := headersOf(letterOf(t, "1", original(), rejection{reason: "NO_CONTACT_POINT", message: "no phone"}))
	if got["dlt-status"] != "" || got["dlt-code"] != "" || got["dlt-attempts"] != "0" {
		t.Errorf("status %q, code %q, attempts %q", got["dlt-status"], got["dlt-code"], got["dlt-attempts"])
	}
}

func TestDeadLetterMessageIsBoundedAndReadable(t *testing.T) {
	for name, message := range map[string]string{
		"long": strings.Repeat("ошибка поля ", 1000), "lines": "a\nb\r\tc\x00d", "not UTF-8": "a\xff\xfeb", "empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			got := headersOf(letterOf(t, "1", original(), rejection{reason: "CRM_REFUSED", message: message}))["dlt-message"]
			if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxMessage || strings.ContainsAny(got, "\n\r\t\x00") {
				t.Errorf("%d bytes: %.80q", len(got), got)
			}
		})
	}
}

func TestDeadLetterHeadersHoldNoPersonalData(t *testing.T) {
	message := `field PHONE "+79161234567" of Ivan Petrov <IVAN@company.ru>: ` + strings.Repeat("x", 990) + " ivan@company.ru"
	l := letterOf(t, "1", original(), rejection{reason: "CRM_REFUSED", message: message})
	for _, h := range l.headers {
		for _, secret := range []string{"79161234567", "Ivan", "Petrov", "ivan@"} {
			if strings.Contains(strings.ToLower(string(h.Value)), strings.ToLower(secret)) {
				t.Errorf("%s holds %q: %.120q", h.Key, secret, h.Value)
			}
		}
	}
}

func TestRejectionsKeepTheirReason(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want rejection
	}{
		{&transform.Rejection{Reason: transform.ReasonTooLarge, Message: "over 1 MiB"}, rejection{reason: "TOO_LARGE", message: "over 1 MiB"}},
		{kafka.InvalidMessage, rejection{reason: "PROCESSING_FAILED", message: "the event could not be transformed"}},
	} {
		if diff := cmp.Diff(&tt.want, rejectedByTransform(tt.err), cmp.AllowUnexported(rejection{})); diff != "" {
			t.Errorf("%v (-want +got):\n%s", tt.err, diff)
		}
	}
	if rejectedByTransform(nil) != nil {
		t.Error("a sound event is rejected")
	}
	got := refusedByCRM(&crmclient.Rejection{Reason: crmclient.ReasonRefused, Status: 409, Code: "CONFLICT", Message: "m", Attempts: 2})
	want := &rejection{reason: "CRM_REFUSED", status: 409, code: "CONFLICT", message: "m", attempts: 2}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(rejection{})); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
