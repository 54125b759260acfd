package demo

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/audit"
	"github.com/leadbridge/leadbridge/transform"
)

// world is a small evidence in which everything is as it must be: an event
// that was sent twice and is a contact, one that is a dead letter, a tombstone, and an event of the same person, which is a
// comment on the contact.
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
	back := transform.Record{Topic: topic, Offset: 4, Value: []byte(`{"email":"a@example.com"}`), Headers: header("webhook-id", "two")}
	w.records = append(w.records, back)
	w.fates = map[audit.Place]due{{Offset: 0}: ours(asContact), {Offset: 1}: ours(asContact), {Offset: 2}: {fate: fate{"MALFORMED_EVENT"}}, {Offset: 3}: {fate: fate{asNothing}}, {Offset: 4}: ours(asContact)}
	w.match = crmclient.Match{Email: true}
	w.create(t, w.id(good).OriginID)
	w.comment(t, 4, w.sim.Contacts()[0].ID)
	w.letters = []transform.Record{w.letter(2, "MALFORMED_EVENT")}
	return w
}

// ours is due of an event of the person who comes back.
func ours(what ...string) due { return due{fate: what, points: []string{"a@example.com"}} }

func (w *world) id(r transform.Record) transform.Event {
	e, _ := w.transformer.Decode(r)
	return e
}

func (w *world) create(t *testing.T, origin string) {
	t.Helper()
	if _, err := w.sim.Create(fmt.Sprintf(`{"name":"A","email":[{"value":"a@example.com","typeId":"WORK"}],"originId":%q}`, origin)); err != nil {
		t.Fatal(err)
	}
}

// comment writes the comment of a record on a contact's card.
func (w *world) comment(t *testing.T, record int, contact int64) {
	t.Helper()
	text := "Hello\n" + crmclient.CommentMark(originator, w.id(w.records[record]).OriginID)
	if _, err := w.sim.CreateIn(crmtest.Timelines, fmt.Sprintf(`{"entityType":"contact","entityId":%d,"comment":%q}`, contact, text)); err != nil {
		t.Fatal(err)
	}
}

// letter is the letter of a record.
func (w *world) letter(record int, reason string) transform.Record {
	r := w.records[record]
	return transform.Record{Topic: deadLetterTopic, Value: r.Value, Headers: slices.Concat(
		header("dlt-event-id", w.id(r).ID), header("dlt-reason", reason), header("dlt-original-partition", strconv.Itoa(r.Partition)),
		header("dlt-original-offset", strconv.FormatInt(r.Offset, 10)))}
}

func TestAudit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, w *world)
		want  string // part of the only problem; none when empty
	}{
		"all is well":    {func(*testing.T, *world) {}, ""},
		"a letter twice": {func(_ *testing.T, w *world) { w.letters = append(w.letters, w.letters[0]) }, ""},
		"a letter is missing": {func(_ *testing.T, w *world) { w.letters = nil },
			"partition 0 offset 2: no contact and no letter"},
		"a contact twice": {func(t *testing.T, w *world) { w.create(t, w.id(w.records[0]).OriginID) },
			"partition 0 offset 0: contact 1"},
		"contact and letter": {func(_ *testing.T, w *world) { w.letters = append(w.letters, w.letter(1, "CRM_REFUSED")) },
			"and letters [CRM_REFUSED]"},
		"a letter of another reason": {func(_ *testing.T, w *world) { w.letters = []transform.Record{w.letter(2, "TOO_LARGE")} },
			"a letter TOO_LARGE, should be MALFORMED_EVENT"},
		"letters of two reasons": {func(_ *testing.T, w *world) { w.letters = append(w.letters, w.letter(2, "TOO_LARGE")) },
			"a letter TOO_LARGE, should be MALFORMED_EVENT"},
		"a bad one created": {func(t *testing.T, w *world) {
			w.letters = nil
			w.create(t, w.id(w.records[2]).OriginID)
			w.match = crmclient.Match{}
			w.records = w.records[:4]
			w.sim.DeleteIn(crmtest.Timelines, 1)
		}, "should be a letter MALFORMED_EVENT"},
		"the comment that an event became is missing": {func(_ *testing.T, w *world) { w.sim.DeleteIn(crmtest.Timelines, 1) },
			"partition 0 offset 4: no contact and no letter"},
		"a second contact of the person": {func(t *testing.T, w *world) {
			w.sim.DeleteIn(crmtest.Timelines, 1)
			w.create(t, w.id(w.records[4]).OriginID)
		}, "of the same person"},
		"a comment":            {func(t *testing.T, w *world) { w.comment(t, 0, w.sim.Contacts()[0].ID) }, ""},
		"a comment twice":      {func(t *testing.T, w *world) { w.comment(t, 4, w.sim.Contacts()[0].ID) }, "says again what comment 1 says"},
		"a comment on no card": {func(t *testing.T, w *world) { w.comment(t, 0, 77) }, "belongs to no event"},
		"a strange contact": {func(t *testing.T, w *world) { w.create(t, "lb-0123456789abcdef0123") },
			"belongs to no event"},
		"a strange letter": {func(_ *testing.T, w *world) {
			l := w.letter(2, "CRM_REFUSED")
			l.Headers[0].Value = []byte("who")
			w.letters = append(w.letters, l)
		}, "belongs to no event"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.spoil(t, w)
			v := w.audit()
			if c.want == "" && len(v.problems) > 0 || c.want != "" && (len(v.problems) != 1 || !strings.Contains(v.problems[0], c.want)) {
				t.Errorf("problems %q, want %q", v.problems, c.want)
			}
		})
	}
}

func (w *world) audit() verdict {
	w.objects, w.comments = objectsOf(w.sim), audit.CommentsOf(w.sim.Records(crmtest.Timelines))
	return auditOf(w.evidence, w.transformer)
}

func TestAuditCounts(t *testing.T) {
	t.Parallel()
	got := newWorld(t).audit()
	want := verdict{
		records: 5, tombstones: 1, events: 3, created: 1, matched: 1, comments: 1, letters: map[string]int{"MALFORMED_EVENT": 1}, thing: "contact",
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(verdict{})); diff != "" {
		t.Errorf("verdict (-want +got):\n%s", diff)
	}
}
