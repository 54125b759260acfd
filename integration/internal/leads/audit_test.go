package leads

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// world is a small evidence in which all is as it must be: a contact whose event was
// sent twice, an event of each identity, letters of one event, one of them twice, and a tombstone.
type world struct {
	Evidence
	t   *testing.T
	tr  *transform.Transformer
	sim *crmtest.Simulator
}

func newWorld(t *testing.T) *world {
	t.Helper()
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB"})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, tr: tr, sim: crmtest.New(crmtest.Options{NativeOriginID: true}), Evidence: Evidence{Acked: map[int]int{}}}
	t.Cleanup(w.sim.Close)
	first := Lead{Number: 1, Fate: AsContact}
	cloudEvent("")(&first)
	second := Lead{Number: 2, Fate: AsContact}
	anonymous(&second)
	bad := Lead{Number: 3, Fate: malformed}
	text("?")(&bad)
	worse := Lead{Number: 4, Fate: refused}
	cloudEvent(MarkRefuse)(&worse)
	w.write(first, first, second, bad, worse, Lead{Number: 5, Fate: AsNothing})
	w.create(0, 1)
	w.create(2, 2)
	w.bury(3, "MALFORMED_EVENT")
	w.bury(3, "MALFORMED_EVENT")
	w.bury(4, "CRM_REFUSED")
	return w
}

// write puts leads into the topic, one behind the other.
func (w *world) write(leads ...Lead) {
	for _, l := range leads {
		w.Records = append(w.Records, transform.Record{Topic: "leads", Offset: int64(len(w.Records)), Value: l.Value, Headers: []transform.Header{
			{Key: HeaderLead, Value: []byte(strconv.Itoa(l.Number))}, {Key: HeaderFate, Value: []byte(l.Fate)},
		}})
		w.Acked[l.Number]++
	}
}

func (w *world) event(record int) transform.Event {
	e, _ := w.tr.Decode(w.Records[record])
	return e
}

// create makes the contact of a record, with the phone of a lead.
func (w *world) create(record, person int) {
	w.t.Helper()
	if _, err := w.sim.Create(fmt.Sprintf(`{"phone":[{"value":%q,"typeId":"WORK"}],"originId":%q}`, phoneOf(person), w.event(record).OriginID)); err != nil {
		w.t.Fatal(err)
	}
}

// bury writes the letter of a record.
func (w *world) bury(record int, reason string) {
	w.buryAs(record, w.event(record).ID, reason)
}

func (w *world) buryAs(record int, id, reason string) {
	r := w.Records[record]
	w.Letters = append(w.Letters, transform.Record{Topic: "leads.dlt", Offset: int64(len(w.Letters)), Value: r.Value, Headers: []transform.Header{
		{Key: "dlt-event-id", Value: []byte(id)}, {Key: "dlt-reason", Value: []byte(reason)},
		{Key: "dlt-original-partition", Value: []byte(strconv.Itoa(r.Partition))}, {Key: "dlt-original-offset", Value: []byte(strconv.FormatInt(r.Offset, 10))},
	}})
}

// forget deletes the contact of a record.
func (w *world) forget(record int) {
	for _, c := range w.sim.ByOrigin(w.event(record).OriginID) {
		w.sim.Delete(c.ID)
	}
}

func (w *world) account() Audit {
	w.Contacts = w.sim.Contacts()
	return Account(w.Evidence, w.tr)
}

func kindsOf(a Audit) []string {
	var kinds []string
	for _, f := range a.Faults {
		kinds = append(kinds, f.Kind)
	}
	return kinds
}

func TestAuditFindsEveryBreach(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(w *world)
		want  []string
	}{
		"all is well":                    {func(*world) {}, nil},
		"a contact is lost":              {func(w *world) { w.forget(0) }, []string{"lost"}},
		"a contact without an id's lost": {func(w *world) { w.forget(2) }, []string{"lost"}},
		"all letters of an event lost":   {func(w *world) { w.Letters = w.Letters[2:] }, []string{"lost"}},
		"doubled":                        {func(w *world) { w.create(0, 1) }, []string{"doubled"}},
		"contact and letter":             {func(w *world) { w.bury(0, "CRM_REFUSED") }, []string{"both"}},
		"letter and contact":             {func(w *world) { w.create(4, 4) }, []string{"both"}},
		"letters of two ids":             {func(w *world) { w.buryAs(4, w.event(3).ID, "CRM_REFUSED") }, []string{"letter-ids"}},
		"a letter of an id of nobody":    {func(w *world) { w.buryAs(4, "ce:/else 7", "CRM_REFUSED") }, []string{"stranger"}},
		"a letter from nowhere":          {func(w *world) { w.bury(4, "CRM_REFUSED"); w.Letters[3].Headers[3].Value = []byte("99") }, []string{"stranger"}},
		"a letter with another value":    {func(w *world) { w.Letters[2].Value = []byte("{}") }, []string{"content"}},
		"a bad one created":              {func(w *world) { w.Letters = w.Letters[2:]; w.create(3, 3) }, []string{"fate"}},
		"a good one refused":             {func(w *world) { w.forget(0); w.bury(0, "CRM_REFUSED") }, []string{"fate"}},
		"a good one given up":            {func(w *world) { w.forget(0); w.bury(0, "RETRIES_EXHAUSTED") }, []string{Excepted}},
		"a letter for a wrong reason":    {func(w *world) { w.Letters = w.Letters[2:]; w.bury(3, "CRM_REFUSED") }, []string{"fate"}},
		"another person's phone":         {func(w *world) { w.forget(0); w.create(0, 2) }, []string{"content"}},
		"a contact of no event": {func(w *world) {
			if _, err := w.sim.Create(`{"name":"A","originId":"lb-0123456789abcdef"}`); err != nil {
				w.t.Fatal(err)
			}
		}, []string{"stranger"}},
		"a record of nobody":        {func(w *world) { w.Records[5].Headers = nil }, []string{"stranger", "broker"}},
		"lost by the broker itself": {func(w *world) { w.Acked[5]++ }, []string{"broker"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.spoil(w)
			a := w.account()
			if got := kindsOf(a); !slices.Equal(got, c.want) {
				t.Errorf("faults %v, want %v:\n%v", got, c.want, a.Faults)
			}
			good := len(c.want) == 0 || c.want[0] == Excepted
			if a.Good() != good {
				t.Errorf("good %v, want %v", a.Good(), good)
			}
		})
	}
}

func TestAuditCounts(t *testing.T) {
	t.Parallel()
	got := newWorld(t).account().Counts
	want := Counts{Records: 6, Events: 4, Contacts: 2, Letters: 3, Repeats: 1, Tombstones: 1}
	if got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}
