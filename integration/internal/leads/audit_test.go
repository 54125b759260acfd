package leads

import (
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/audit"
	"github.com/leadbridge/leadbridge/transform"
)

// world is a small evidence in which all is as it must be: a contact whose event was sent twice, an
// event of each identity, letters of one event, one of them twice, a tombstone, a deal with its
// contact, a lead, a deal that was refused when its contact existed, and a letter that was replayed
// and is a contact now, with and without an edit.
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
	first := Lead{Number: 1, Fate: AsTarget}
	cloudEvent("")(&first)
	second := Lead{Number: 2, Fate: AsTarget}
	anonymous(&second)
	bad := Lead{Number: 3, Fate: malformed}
	text("?")(&bad)
	worse := Lead{Number: 4, Fate: refused}
	cloudEvent(MarkRefuse)(&worse)
	w.write(first, first, second, bad, worse, Lead{Number: 5, Fate: AsNothing})
	w.write(w.lead(6, AsTarget, targeted(crmclient.TargetDeal, "")), w.lead(7, AsTarget, targeted(crmclient.TargetLead, "")))
	w.write(w.lead(8, refused, targeted(crmclient.TargetDeal, MarkRefuse)), w.lead(9, AsTarget, cloudEvent("")))
	w.replay(9, 1)
	w.write(w.lead(10, refused, cloudEvent(MarkRefuse)))
	w.replay(11, 1)
	w.Records[12].Value = w.lead(10, refused, cloudEvent("")).Value
	w.create(0, 1)
	w.create(2, 2)
	w.bury(3, "MALFORMED_EVENT")
	w.bury(3, "MALFORMED_EVENT")
	w.bury(4, "CRM_REFUSED")
	w.create(6, 6)
	w.createIn(crmtest.Deals, 6, fmt.Sprintf(`"contactId":%d`, w.contactOf(6)))
	w.createIn(crmtest.Leads, 7, fmt.Sprintf(`"phone":[{"value":%q,"typeId":"WORK"}]`, phoneOf(7)))
	w.create(8, 8)
	w.bury(8, "CRM_REFUSED", header("dlt-done", fmt.Sprintf("contact=%d", w.contactOf(8))))
	w.bury(9, "CRM_REFUSED")
	w.create(9, 9)
	w.bury(11, "CRM_REFUSED")
	w.create(11, 10)
	return w
}

func (w *world) lead(number int, fate Fate, build func(*Lead)) Lead {
	l := Lead{Number: number, Fate: fate}
	build(&l)
	return l
}

func header(key, value string) transform.Header {
	return transform.Header{Key: key, Value: []byte(value)}
}

// write puts leads into the topic, one behind the other.
func (w *world) write(leads ...Lead) {
	for _, l := range leads {
		w.Records = append(w.Records, transform.Record{Topic: "leads", Offset: int64(len(w.Records)), Key: []byte("k"), Value: l.Value, Headers: []transform.Header{
			header(HeaderLead, strconv.Itoa(l.Number)), header(HeaderFate, string(l.Fate)), header(HeaderTarget, string(l.Target)),
		}})
		w.Acked[l.Number]++
	}
}

// replay puts a record into the topic once more, as dlt replay does.
func (w *world) replay(record, times int) {
	r := w.Records[record]
	r.Offset = int64(len(w.Records))
	r.Headers = append(slices.Clone(r.Headers), header("dlt-event-id", w.event(record).ID), header("dlt-replays", strconv.Itoa(times)),
		header("dlt-original-topic", r.Topic), header("dlt-original-partition", "0"), header("dlt-original-offset", strconv.Itoa(record)))
	w.Records = append(w.Records, r)
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

// createIn makes the lead or the deal of a record.
func (w *world) createIn(entity string, record int, fields string) {
	w.t.Helper()
	if _, err := w.sim.CreateIn(entity, fmt.Sprintf(`{%s,"originId":%q}`, fields, w.event(record).OriginID)); err != nil {
		w.t.Fatal(err)
	}
}

// comment writes the comment of a record on a card.
func (w *world) comment(record int, kind string, id int64) {
	w.t.Helper()
	text := "Call me\n" + crmclient.CommentMark("leadbridge", w.event(record).OriginID)
	if _, err := w.sim.CreateIn(crmtest.Timelines, fmt.Sprintf(`{"entityType":%q,"entityId":%d,"comment":%q}`, kind, id, text)); err != nil {
		w.t.Fatal(err)
	}
}

// contactOf is the id of a record's contact.
func (w *world) contactOf(record int) int64 {
	return w.sim.ByOrigin(w.event(record).OriginID)[0].ID
}

// bury writes the letter of a record.
func (w *world) bury(record int, reason string, more ...transform.Header) {
	w.buryAs(record, w.event(record).ID, reason, more...)
}

func (w *world) buryAs(record int, id, reason string, more ...transform.Header) {
	r := w.Records[record]
	w.Letters = append(w.Letters, transform.Record{Topic: "leads.dlt", Offset: int64(len(w.Letters)), Value: r.Value, Headers: append([]transform.Header{
		header("dlt-event-id", id), header("dlt-reason", reason),
		header("dlt-original-partition", strconv.Itoa(r.Partition)), header("dlt-original-offset", strconv.FormatInt(r.Offset, 10)),
	}, more...)})
}

// forget deletes the contact of a record.
func (w *world) forget(record int) { w.forgetIn(crmtest.Contacts, record) }

func (w *world) forgetIn(entity string, record int) {
	for _, c := range w.sim.ByOriginIn(entity, w.event(record).OriginID) {
		w.sim.DeleteIn(entity, c.ID)
	}
}

func (w *world) account() audit.Audit {
	w.Contacts, w.Leads, w.Deals = w.sim.Contacts(), w.sim.Records(crmtest.Leads), w.sim.Records(crmtest.Deals)
	w.Comments = w.sim.Records(crmtest.Timelines)
	return Account(w.Evidence, w.tr)
}

func faultKinds(a audit.Audit) []string {
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
		"a letter from nowhere":          {func(w *world) { w.bury(4, "CRM_REFUSED"); w.Letters[6].Headers[3].Value = []byte("99") }, []string{"stranger"}},
		"a letter with another value":    {func(w *world) { w.Letters[2].Value = []byte("{}") }, []string{"content"}},
		"a bad one created":              {func(w *world) { w.Letters = w.Letters[2:]; w.create(3, 3) }, []string{"fate"}},
		"a good one refused":             {func(w *world) { w.forget(0); w.bury(0, "CRM_REFUSED") }, []string{"fate"}},
		"a good one given up":            {func(w *world) { w.forget(0); w.bury(0, "RETRIES_EXHAUSTED") }, []string{audit.Excepted}},
		"a letter for a wrong reason":    {func(w *world) { w.Letters = w.Letters[2:]; w.bury(3, "CRM_REFUSED") }, []string{"fate"}},
		"another person's phone":         {func(w *world) { w.forget(0); w.create(0, 2) }, []string{"content"}},
		"a contact of no event": {func(w *world) {
			if _, err := w.sim.Create(`{"name":"A","originId":"lb-0123456789abcdef"}`); err != nil {
				w.t.Fatal(err)
			}
		}, []string{"stranger"}},
		"a deal is lost":              {func(w *world) { w.forgetIn(crmtest.Deals, 6) }, []string{"lost"}},
		"a deal lost its contact":     {func(w *world) { w.forget(6) }, []string{"apart"}},
		"a deal with another contact": {func(w *world) { w.forgetIn(crmtest.Deals, 6); w.createIn(crmtest.Deals, 6, `"contactId":1`) }, []string{"apart"}},
		"a deal without any contact":  {func(w *world) { w.forgetIn(crmtest.Deals, 6); w.createIn(crmtest.Deals, 6, `"title":"A"`) }, []string{"apart"}},
		"two deals":                   {func(w *world) { w.createIn(crmtest.Deals, 6, fmt.Sprintf(`"contactId":%d`, w.contactOf(6))) }, []string{"doubled"}},
		"two contacts of a deal":      {func(w *world) { w.create(6, 6) }, []string{"doubled"}},
		"a deal and a letter":         {func(w *world) { w.bury(6, "CRM_REFUSED") }, []string{"both"}},
		"a deal of a contact's event": {func(w *world) { w.createIn(crmtest.Deals, 0, `"contactId":1`) }, []string{"target"}},
		"a contact of a lead's event": {func(w *world) { w.create(7, 7) }, []string{"target"}},
		"a lead is lost":              {func(w *world) { w.forgetIn(crmtest.Leads, 7) }, []string{"lost"}},
		"two leads":                   {func(w *world) { w.createIn(crmtest.Leads, 7, `"title":"A"`) }, []string{"doubled"}},
		"a lead of another person":    {func(w *world) { w.forgetIn(crmtest.Leads, 7); w.createIn(crmtest.Leads, 7, `"title":"A"`) }, []string{"content"}},
		"a deal of no event": {func(w *world) {
			if _, err := w.sim.CreateIn(crmtest.Deals, `{"title":"A","originId":"lb-0123456789abcdef"}`); err != nil {
				w.t.Fatal(err)
			}
		}, []string{"stranger"}},
		"a letter keeps its contact a secret":         {func(w *world) { w.Letters[3].Headers = w.Letters[3].Headers[:4] }, []string{"done"}},
		"a letter tells a contact that's gone":        {func(w *world) { w.forget(8) }, []string{"done"}},
		"two contacts beside a letter":                {func(w *world) { w.create(8, 8) }, []string{"doubled"}},
		"a replay is lost":                            {func(w *world) { w.forget(9) }, []string{"lost"}},
		"a replay is a letter again":                  {func(w *world) { w.bury(9, "CRM_REFUSED", header("dlt-replays", "1")) }, []string{"both"}},
		"a replay that stands for another":            {func(w *world) { w.Records[10].Headers[3].Value = []byte("ce:/chaos e8") }, []string{"lost", "both"}},
		"an edit is refused all the same":             {func(w *world) { w.forget(11); w.bury(12, "CRM_REFUSED", header("dlt-replays", "1")) }, []string{"fate"}},
		"a letter of an edit with the value that was": {func(w *world) { w.forget(11); w.bury(11, "RETRIES_EXHAUSTED", header("dlt-replays", "1")) }, []string{"content", audit.Excepted}},
		"made in another order":                       {func(w *world) { w.Ordered = true; w.forget(0); w.create(0, 1) }, []string{"order"}},
		"made in another order without a word":        {func(w *world) { w.forget(0); w.create(0, 1) }, nil},
		"a comment on each": {func(w *world) {
			w.comment(0, "contact", w.contactOf(0))
			w.comment(6, "deal", 1)
			w.comment(7, "lead", 1)
		}, nil},
		"two comments":              {func(w *world) { w.comment(6, "deal", 1); w.comment(6, "deal", 1) }, []string{"comment"}},
		"a comment on another card": {func(w *world) { w.comment(6, "contact", w.contactOf(6)) }, []string{"comment"}},
		"a comment on no card":      {func(w *world) { w.comment(6, "company", 1) }, []string{"stranger"}},
		"a record of nobody":        {func(w *world) { w.Records[5].Headers = nil }, []string{"stranger", "broker"}},
		"lost by the broker itself": {func(w *world) { w.Acked[5]++ }, []string{"broker"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			c.spoil(w)
			a := w.account()
			if got := faultKinds(a); !slices.Equal(got, c.want) {
				t.Errorf("faults %v, want %v:\n%v", got, c.want, a.Faults)
			}
			good := len(c.want) == 0 || c.want[0] == audit.Excepted
			if a.Good() != good {
				t.Errorf("good %v, want %v", a.Good(), good)
			}
		})
	}
}

func TestAuditCounts(t *testing.T) {
	t.Parallel()
	got := newWorld(t).account().Counts
	want := audit.Counts{Records: 13, Events: 9, Contacts: 6, Leads: 1, Deals: 1, Letters: 6, Repeats: 1, Replays: 2, Tombstones: 1}
	if got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}
