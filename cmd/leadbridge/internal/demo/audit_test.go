package demo

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// world is a small evidence in which everything is as it must be: an event
// that was sent twice and is a contact, one that is a dead letter, and a tombstone.
type world struct {
	evidence
	transformer *transform.Transformer
	sim         *crmtest.Simulator
}

func newWorld(t *testing.T) *world {
	t.Helper()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{transformer: tr, sim: crmtest.New(crmtest.Options{NativeOriginID: true})}
	t.Cleanup(w.sim.Close)
	good := transform.Record{Topic: topic, Value: []byte(`{"email":"a@example.com"}`), Headers: header("webhook-id", "one")}
	twice, bad, gone := good, transform.Record{Topic: topic, Offset: 2, Value: []byte("?")}, transform.Record{Topic: topic, Offset: 3}
	twice.Offset = 1
	w.records = []transform.Record{good, twice, bad, gone}
	w.fates = map[place]fate{{0, 0}: {asContact}, {0, 1}: {asContact}, {0, 2}: {"MALFORMED_EVENT"}, {0, 3}: {asNothing}}
	w.create(t, w.id(good).OriginID)
	w.letters = []transform.Record{letter(w.id(bad).ID, "MALFORMED_EVENT")}
	return w
}

func (w *world) id(r transform.Record) transform.Event {
	e, _ := w.transformer.Decode(r)
	return e
}

func (w *world) create(t *testing.T, origin string) {
	t.Helper()
	if _, err := w.sim.Create(fmt.Sprintf(`{"name":"A","originId":%q}`, origin)); err != nil {
		t.Fatal(err)
	}
}

// comment writes the comment of the good event on a contact's card.
func (w *world) comment(t *testing.T, contact int64) {
	t.Helper()
	text := "Hello\n" + crmclient.CommentMark(originator, w.id(w.records[0]).OriginID)
	if _, err := w.sim.CreateIn(crmtest.Timelines, fmt.Sprintf(`{"entityType":"contact","entityId":%d,"comment":%q}`, contact, text)); err != nil {
		t.Fatal(err)
	}
}

func letter(id, reason string) transform.Record {
	return transform.Record{Topic: deadLetterTopic, Value: []byte("x"), Headers: []transform.Header{
		{Key: "dlt-event-id", Value: []byte(id)}, {Key: "dlt-reason", Value: []byte(reason)},
	}}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, w *world)
		want  string // part of the only problem; none when empty
	}{
		"all is well":    {func(*testing.T, *world) {}, ""},
		"a letter twice": {func(_ *testing.T, w *world) { w.letters = append(w.letters, w.letters[0]) }, ""},
		"a contact is missing": {func(_ *testing.T, w *world) { w.sim.Delete(w.sim.Contacts()[0].ID) },
			"partition 0 offset 0 is missing"},
		"a letter is missing": {func(_ *testing.T, w *world) { w.letters = nil },
			"partition 0 offset 2 is missing"},
		"a contact twice": {func(t *testing.T, w *world) { w.create(t, w.id(w.records[0]).OriginID) },
			"partition 0 offset 0 is 2 contacts"},
		"contact and letter": {func(_ *testing.T, w *world) {
			w.letters = append(w.letters, letter(w.id(w.records[1]).ID, "CRM_REFUSED"))
		},
			"a contact and a dead letter (CRM_REFUSED)"},
		"a letter of another reason": {func(_ *testing.T, w *world) {
			w.letters = []transform.Record{letter(w.id(w.records[2]).ID, "TOO_LARGE")}
		},
			"a dead letter TOO_LARGE, should be [MALFORMED_EVENT]"},
		"letters of two reasons": {func(_ *testing.T, w *world) {
			w.letters = append(w.letters, letter(w.id(w.records[2]).ID, "TOO_LARGE"))
		},
			"several reasons"},
		"a good one refused": {func(_ *testing.T, w *world) {
			w.sim.Delete(w.sim.Contacts()[0].ID)
			w.letters = append(w.letters, letter(w.id(w.records[0]).ID, "CRM_REFUSED"))
		}, "a dead letter CRM_REFUSED, should be [contact]"},
		"a bad one created": {func(t *testing.T, w *world) {
			w.letters = nil
			w.create(t, w.id(w.records[2]).OriginID)
		}, "is a contact, should be a dead letter"},
		"a comment": {func(t *testing.T, w *world) { w.comment(t, w.sim.Contacts()[0].ID) }, ""},
		"a comment twice": {func(t *testing.T, w *world) {
			w.comment(t, w.sim.Contacts()[0].ID)
			w.comment(t, w.sim.Contacts()[0].ID)
		}, "comment 2 says again what comment 1 says"},
		"a comment on another card": {func(t *testing.T, w *world) { w.comment(t, 77) }, "comment 1 is not on the card of its event"},
		"a strange contact": {func(t *testing.T, w *world) { w.create(t, "lb-0123456789abcdef0123") },
			"belongs to no event"},
		"a strange letter": {func(_ *testing.T, w *world) { w.letters = append(w.letters, letter("who", "CRM_REFUSED")) },
			"belongs to no event"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.spoil(t, w)
			w.contacts, w.comments = w.sim.Contacts(), w.sim.Records(crmtest.Timelines)
			v := audit(w.evidence, w.transformer)
			if c.want == "" && len(v.problems) > 0 || c.want != "" && (len(v.problems) != 1 || !strings.Contains(v.problems[0], c.want)) {
				t.Errorf("problems %q, want %q", v.problems, c.want)
			}
		})
	}
}

func TestAuditCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.contacts = w.sim.Contacts()
	got := audit(w.evidence, w.transformer)
	want := verdict{records: 4, tombstones: 1, events: 2, contacts: 1, letters: map[string]int{"MALFORMED_EVENT": 1}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(verdict{})); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}
