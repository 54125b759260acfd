package find

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testTopic   = "leads"
	testLetters = "leads.dlt"
	testResults = "leads.results"
)

// rig is an embedded broker in a bubble of virtual time, whose topics have one partition.
type rig struct {
	t       *testing.T
	network *kfake.VirtualNetwork
	client  *kafka.Client
	by      *transform.Transformer
	crm     *asked
	began   time.Time
}

func bubble(t *testing.T, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, network: new(kfake.VirtualNetwork), crm: &asked{}, began: time.Now()}
		fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(r.network.Listen), kfake.SeedTopics(1, testTopic, testLetters, testResults))
		if err != nil {
			t.Fatal(err)
		}
		if r.by, err = transform.New(transform.Options{SourceID: "WEB"}); err != nil {
			t.Fatal(err)
		}
		client, transport := r.brokers().Client(testTopic, testLetters, testResults)
		r.client = client
		defer func() {
			transport.CloseIdleConnections()
			fake.Close()
		}()
		test(t, r)
	})
}

func (r *rig) brokers() cluster.Brokers {
	return cluster.Brokers{Addresses: []string{"localhost:9092"}, Dial: r.network.DialContext}
}

// find returns the events of a search.
func (r *rig) find(text string) []Event {
	r.t.Helper()
	f := New(Config{
		Brokers: r.brokers(), Topic: testTopic, DeadLetterTopic: testLetters, ResultTopic: testResults, GroupID: "leadbridge", Transformer: r.by, CRM: r.crm,
	})
	defer f.Close()
	report, err := f.Find(r.t.Context(), text)
	if err != nil {
		r.t.Fatal(err)
	}
	return report.Events
}

// one returns the only event of a search.
func (r *rig) one(text string) Event {
	r.t.Helper()
	events := r.find(text)
	if len(events) != 1 {
		r.t.Fatalf("%s: %d events, want one: %+v", text, len(events), events)
	}
	return events[0]
}

func (r *rig) produce(topic, value string, headers map[string]string) {
	r.t.Helper()
	time.Sleep(time.Second) // virtual, so that each record has a time of its own
	record := kafka.Record{Time: time.Now(), Value: kafka.NewBytes([]byte(value))}
	for key, text := range headers {
		record.Headers = append(record.Headers, kafka.Header{Key: key, Value: []byte(text)})
	}
	res, err := r.client.Produce(r.t.Context(), &kafka.ProduceRequest{Topic: topic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(record)})
	if err != nil {
		r.t.Fatal(err)
	}
	if res.Error != nil {
		r.t.Fatal(res.Error)
	}
}

// lead is an event with an id that its sender gives.
func lead(id, fields string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"/shop","type":"lead","data":{%s}}`, id, fields)
}

// letter writes the dead letter of a record of the topic; more are further headers.
func (r *rig) letter(offset int64, eventID, value string, more map[string]string) {
	r.t.Helper()
	headers := map[string]string{
		header.EventID: eventID, header.Reason: "CRM_REFUSED", header.Status: "400", header.Attempts: "1",
		header.Topic: testTopic, header.Partition: "0", header.Offset: strconv.FormatInt(offset, 10), header.Replays: "0",
		header.Timestamp: r.timeOf(offset).UTC().Format(time.RFC3339Nano), header.FailedAt: time.Now().UTC().Format(time.RFC3339Nano),
		header.FirstFailure: time.Now().UTC().Format(time.RFC3339Nano), header.OriginField: "originId", header.Version: "test",
	}
	maps.Copy(headers, more)
	r.produce(testLetters, value, headers)
}

// timeOf returns the time of a record of the topic.
func (r *rig) timeOf(offset int64) (at time.Time) {
	r.t.Helper()
	log := consumer.NewLog(r.brokers(), testTopic)
	defer log.Close()
	if err := dlt.EachRecord(r.t.Context(), log, 0, offset, offset+1, func(rec transform.Record) { at = rec.Time }); err != nil {
		r.t.Fatal(err)
	}
	return at
}

func (r *rig) result(eventID string, offset, contact int64) {
	r.t.Helper()
	text, err := json.Marshal(consumer.Result{EventID: eventID, ContactID: contact, Topic: testTopic, Offset: offset})
	if err != nil {
		r.t.Fatal(err)
	}
	r.produce(testResults, string(text), nil)
}

// letters opens the dead letters.
func (r *rig) letters() *dlt.Topic {
	return dlt.Open(dlt.Config{Brokers: r.brokers(), DeadLetterTopic: testLetters, Topic: testTopic})
}

// replay puts all open letters back, edited by a jq program.
func (r *rig) replay(program string) {
	r.t.Helper()
	time.Sleep(time.Second) // virtual
	editor, err := transform.NewEditor(program)
	if err != nil {
		r.t.Fatal(err)
	}
	letters := r.letters()
	defer letters.Close()
	if report, err := letters.Replay(r.t.Context(), dlt.ReplayOptions{MaxReplays: 3, Edit: editor}); err != nil || report.Replayed != 1 {
		r.t.Fatalf("%+v, %v", report, err)
	}
}

// asked is a CRM that holds nothing and keeps what it was asked.
type asked struct {
	requests []crmclient.Request
	origin   string // the origin id that it returns for every contact
}

func (a *asked) FindMade(_ context.Context, r crmclient.Request) (crmclient.Made, error) {
	contact := *r.Contact
	r.Contact = &contact
	a.requests = append(a.requests, r)
	return crmclient.Made{}, nil
}
func (a *asked) OriginsOf(context.Context, int64) (map[crmclient.Target]string, error) {
	return map[crmclient.Target]string{crmclient.TargetContact: a.origin}, nil
}
func (a *asked) Status() crmclient.Status { return crmclient.Status{} }

// places returns the places of an event's records.
func places(e Event) string {
	var all []string
	for _, r := range e.Records {
		all = append(all, r.Position.String())
	}
	return strings.Join(all, " ")
}

const (
	anna  = `"name":"Anna","phone":"+79161111111"`
	boris = `"name":"Boris","phone":"+79162222222"`
	vera  = `"name":"Anna","phone":"+79163333333"` // Anna with the number by which a letter was edited
)

// A sender gives the leads of two persons one id: neither is shown as the other's.
func TestPersonsWithOneEventID(t *testing.T) {
	const id = "ce:/shop 1"
	a, b := lead("1", anna), lead("1", boris)
	bOwn := consumer.OwnID(id, &crmclient.Contact{Phones: []crmclient.Multifield{{Value: "+79162222222"}}})
	for name, tt := range map[string]struct {
		write func(r *rig)
		annas string // the places of her records
		state State
	}{
		"a letter, then the other":    {func(r *rig) { r.produce(testTopic, a, nil); r.letter(0, id, a, nil); r.produce(testTopic, b, nil) }, "0:0", Letter},
		"the other before the letter": {func(r *rig) { r.produce(testTopic, a, nil); r.produce(testTopic, b, nil); r.letter(0, id, a, nil) }, "0:0", Letter},
		"a letter whose event came twice": {func(r *rig) {
			r.produce(testTopic, a, nil)
			r.letter(0, id, a, nil)
			r.produce(testTopic, b, nil)
			r.produce(testTopic, a, nil)
		}, "0:0 0:2", Letter},
		"a letter without its value": {func(r *rig) {
			r.produce(testTopic, a, nil)
			r.letter(0, id, "", map[string]string{header.Value: header.Omitted})
			r.produce(testTopic, b, nil)
		}, "0:0", Letter},
		"a letter that was replayed": {func(r *rig) {
			r.produce(testTopic, a, nil)
			r.letter(0, id, a, nil)
			r.produce(testTopic, b, nil)
			r.replay(".")
		}, "0:0 0:2", Waiting},
		"a letter after an edited replay": {func(r *rig) {
			r.produce(testTopic, a, nil)
			r.produce(testTopic, b, nil)
			r.letter(0, id, lead("1", vera), map[string]string{header.Replays: "1"})
		}, "0:0", Letter},
		"a letter that was edited and left": {func(r *rig) {
			r.produce(testTopic, a, nil)
			r.letter(0, id, a, nil)
			r.produce(testTopic, b, nil)
			r.replay(`.data.phone = "+79163333333"`)
		}, "0:0 0:2", Waiting},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, r *rig) {
				tt.write(r)
				r.result(bOwn, 1, 7)
				for _, e := range r.find("Anna") {
					if got := places(e); e.ID != id || e.Letter == nil || got != tt.annas || strings.Contains(string(e.Value), "Boris") || e.Contact.Name != "Anna" || e.Made != (crmclient.Made{}) {
						t.Errorf("Anna: %s, records %s, want %s: %+v", e.ID, got, tt.annas, e)
					}
				}
				for _, e := range r.find("+79162222222") {
					if e.Letter != nil || !strings.Contains(string(e.Value), "Boris") || len(e.Records) != 1 || e.Made.ContactID != 7 {
						t.Errorf("Boris: %+v", e)
					}
				}
				if n, m := len(r.find("Anna")), len(r.find("+79162222222")); n != 1 || m != 1 {
					t.Errorf("%d events of Anna, %d of Boris", n, m)
				}
			})
		})
	}
}

// An event that got an id of its own is found by that: by the id as results have it, as the gate and logs do, by the origin
// id, and by the contact that carries this.
func TestFoundByItsOwnID(t *testing.T) {
	own := consumer.OwnID("ce:/shop 1", &crmclient.Contact{Phones: []crmclient.Multifield{{Value: "+79162222222"}}})
	bubble(t, func(t *testing.T, r *rig) {
		r.produce(testTopic, lead("1", anna), nil)
		r.produce(testTopic, lead("1", boris), nil)
		r.crm.origin = transform.OriginID(own)
		_, short, _ := strings.Cut(own, " ")
		for text, by := range map[string]By{own: ByEvent, short: ByEvent, transform.OriginID(own): ByEvent, transform.PublicID(own): ByEvent, "77": ByContact} {
			if e := r.one(text); e.Contact.Name != "Boris" || e.By != by || places(e) != "0:1" {
				t.Errorf("%s: by %q, records %s, %+v", text, e.By, places(e), e.Contact)
			}
		}
	})
}

// The result of another person with the same id is not this one's.
func TestResultsOfPersonsWithOneEventID(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.produce(testTopic, lead("1", anna), nil)
		r.produce(testTopic, lead("1", boris), nil)
		r.result("ce:/shop 1", 0, 5)
		if e := r.one("+79162222222"); e.Made.ContactID != 0 {
			t.Errorf("Boris: %+v", e)
		}
		if e := r.one("+79161111111"); e.Made.ContactID != 5 {
			t.Errorf("Anna: %+v", e)
		}
	})
}

// An edited replay is the newest that is known of its event; the CRM is asked by it, from the time of the original record on.
func TestEditedReplayIsTheNewest(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		value := lead("1", anna)
		r.produce(testTopic, value, nil)
		r.letter(0, "ce:/shop 1", value, nil)
		r.replay(`.data.phone = "+79163333333"`)
		e := r.one("Anna")
		if got := e.Contact.Phones[0].Value; got != "+79163333333" || !strings.Contains(string(e.Value), "+79163333333") {
			t.Errorf("%s, %s", got, e.Value)
		}
		r.commit(2)
		if e := r.one("Anna"); e.State != Ended || len(r.crm.requests) == 0 {
			t.Fatalf("%s, %d requests", e.State, len(r.crm.requests))
		}
		for _, request := range r.crm.requests {
			if got := request.Contact.Phones[0].Value; got != "+79163333333" || !request.RecordedAt.Equal(r.timeOf(0)) {
				t.Errorf("asked for %s since %v, want the new number since %v", got, request.RecordedAt, r.timeOf(0))
			}
		}
	})
}

// commit commits an offset for the service's group.
func (r *rig) commit(offset int64) {
	r.t.Helper()
	res, err := r.client.OffsetCommit(r.t.Context(), &kafka.OffsetCommitRequest{
		GroupID: "leadbridge", GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{testTopic: {{Partition: 0, Offset: offset}}},
	})
	if err != nil || res.Topics[testTopic][0].Error != nil {
		r.t.Fatal(res, err)
	}
}

// A closed letter is what became of its event.
func TestClosedLetter(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		value := lead("1", anna)
		r.produce(testTopic, value, nil)
		r.letter(0, "ce:/shop 1", value, nil)
		r.commit(1)
		letters := r.letters()
		defer letters.Close()
		if _, err := letters.CloseLetters(r.t.Context(), dlt.CloseOptions{Filter: dlt.Filter{Places: []dlt.Position{{}}}, Word: "our own test"}); err != nil {
			t.Fatal(err)
		}
		if e := r.one("Anna"); e.State != Letter || e.Letter == nil || e.Letter.State != dlt.StateClosed || e.Letter.Word != "our own test" {
			t.Errorf("%s: %+v", e.State, e.Letter)
		}
	})
}

// Whose letter it is shows its own id, even beside a letter that may be anybody's.
func TestLetterWithAnOwnID(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		const id = "ce:/shop 1"
		own := ownID(id, &crmclient.Contact{Phones: []crmclient.Multifield{{Value: "+79162222222"}}})
		r.produce(testTopic, lead("1", `"name":"Anna"`), nil)
		r.produce(testTopic, lead("1", anna), nil)
		r.produce(testTopic, lead("1", boris), nil)
		r.letter(0, id, lead("1", `"name":"Anna"`), nil)
		r.letter(2, own, lead("1", boris), nil)
		if e := r.one("0:2"); e.Letter == nil || e.Letter.EventID != own {
			t.Errorf("%+v", e.Letter)
		}
	})
}

// Of a letter that was written without its value the record is shown, and those that its sender wrote again are its own.
func TestLetterWithoutItsValue(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		r.produce(testTopic, lead("1", anna), nil)
		r.letter(0, "ce:/shop 1", "", map[string]string{header.Value: header.Omitted})
		r.produce(testTopic, lead("1", boris), nil)
		r.produce(testTopic, lead("1", anna), nil)
		for _, e := range r.find("ce:/shop 1") {
			if e.ID == "ce:/shop 1" && (places(e) != "0:0 0:2" || e.Contact.Name != "Anna" || !strings.Contains(string(e.Value), "Anna")) {
				t.Errorf("records %s, %s: %s", places(e), e.Contact.Name, e.Value)
			}
		}
	})
}

// The CRM is asked from the time on at which the event was written first, not when its sender wrote it again.
func TestAskedFromTheFirstRecordOn(t *testing.T) {
	bubble(t, func(t *testing.T, r *rig) {
		value := lead("1", anna)
		r.produce(testTopic, value, nil)
		r.produce(testTopic, value, nil)
		r.letter(1, "ce:/shop 1", value, nil)
		r.replay(".")
		r.commit(3)
		r.one("Anna")
		if len(r.crm.requests) == 0 || !r.crm.requests[0].RecordedAt.Equal(r.timeOf(0)) {
			t.Errorf("asked %+v, want since %v", r.crm.requests, r.timeOf(0))
		}
	})
}

func TestSameAs(t *testing.T) {
	t.Parallel()
	first, second := []dlt.Position{{Partition: 0, Offset: 1}}, []dlt.Position{{Partition: 0, Offset: 2}}
	for name, tt := range map[string]struct {
		a, b identity
		want bool
	}{
		"the same points":              {identity{own: "X~a", written: first}, identity{own: "X~a", written: second}, true},
		"other points":                 {identity{own: "X~a", written: first}, identity{own: "X~b", written: second}, false},
		"no points":                    {identity{own: "X~a", written: first}, identity{written: second}, true},
		"other points, the same place": {identity{own: "X~a", written: first, named: true}, identity{own: "X~b", written: first}, true},
		"both named by the service":    {identity{own: "X~a", named: true}, identity{own: "X~b", written: second, named: true}, true},
		"one named by the service":     {identity{own: "X~a", named: true}, identity{own: "X~b", written: second}, false},
	} {
		if got := tt.a.sameAs(tt.b); got != tt.want || tt.b.sameAs(tt.a) != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

// A result tells the addresses of the contact's card and of the one that shows the event best, from which those of all
// cards follow.
func TestCardsOfResults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		result consumer.Result
		want   crmclient.CardURLs
	}{
		"contact":             {consumer.Result{ContactID: 1, ContactURL: "c", CardURL: "c"}, crmclient.CardURLs{Contact: "c"}},
		"contact, card alone": {consumer.Result{ContactID: 1, CardURL: "c"}, crmclient.CardURLs{Contact: "c"}},
		"lead":                {consumer.Result{LeadID: 2, CardURL: "l"}, crmclient.CardURLs{Lead: "l"}},
		"lead with contact":   {consumer.Result{ContactID: 1, ContactURL: "c", LeadID: 2, CardURL: "l"}, crmclient.CardURLs{Contact: "c", Lead: "l"}},
		"deal":                {consumer.Result{ContactID: 1, ContactURL: "c", DealID: 3, CardURL: "d"}, crmclient.CardURLs{Contact: "c", Deal: "d"}},
		"address not known":   {consumer.Result{ContactID: 1, DealID: 3}, crmclient.CardURLs{}},
	} {
		if got := cardsOf(test.result); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
