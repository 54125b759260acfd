package audit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

// Kind is a kind of objects in the CRM.
type Kind string

// The kinds.
const (
	Contact Kind = "contact"
	Lead    Kind = "lead"
	Deal    Kind = "deal"
)

// KindsOf returns the kinds of objects that an event of a target becomes, in their order: the last one shows that it is
// done. The empty target stands for contacts.
func KindsOf(t crmclient.Target) []Kind {
	switch t {
	case crmclient.TargetLead:
		return []Kind{Lead}
	case crmclient.TargetDeal:
		return []Kind{Contact, Deal}
	}
	return []Kind{Contact}
}

// Place is where a record lies in its topic.
type Place struct {
	Partition int
	Offset    int64
}

func (p Place) String() string { return fmt.Sprintf("partition %d offset %d", p.Partition, p.Offset) }

// Record is one record of the topic.
type Record struct {
	Place   Place
	EventID string
	Origin  string // the id that the objects of its event carry
	Line    string // events of one line are made in their order; "": of none
	Value   []byte // nil: a tombstone
	Replays int    // how often its event was replayed before
	Due     Due
}

// Due is what must become of an event.
type Due struct {
	Name     string   // of the event in texts, such as "lead 7"; "": its place alone
	Kinds    []Kind   // of the objects, see [KindsOf]
	Reasons  []string // of the letters, one of which is due instead of the objects; empty: none is
	Excepted []string // reasons of letters that docs/exceptions.md excepts although objects are due
	Open     bool     // it need not be delivered yet
	Points   []string // phones and e-mails of its person, as the CRM holds them; nil: the audit does not compare persons for this event
}

// Object is a contact, a lead or a deal.
type Object struct {
	Kind    Kind
	ID      int64
	Origin  string // id of its event
	Created time.Time
	With    int64    // the contact of a lead or deal; 0: none
	Points  []string // phones and e-mails
}

// Comment is a comment on a card.
type Comment struct {
	ID   int64
	On   Kind
	OnID int64
	Mark string // its last line
}

// Letter is a dead letter.
type Letter struct {
	Place       Place
	EventID     string
	From        Place // where its record lies
	FromUnknown bool  // From is not known
	Reason      string
	Done        string // what exists of the event all the same, such as contact=2457; "": nothing
	Value       []byte // nil: not looked at
	Replays     int    // how often its event was replayed before
}

// Decoder decodes events as leadbridge does. With an error, the event still has its ids.
type Decoder interface {
	Decode(r transform.Record) (transform.Event, error)
}

// RecordOf returns a record of the topic, with the ids that the decoder finds.
func RecordOf(r transform.Record, d Decoder, due Due) Record {
	e, _ := d.Decode(r) // on an error it still has its ids
	return Record{Place: PlaceOf(r), EventID: e.ID, Origin: e.OriginID, Value: r.Value, Replays: Replays(r), Due: due}
}

// ObjectsOf returns the objects of a kind that the simulated CRM holds.
func ObjectsOf(k Kind, records []crmtest.Record) []Object {
	objects := make([]Object, len(records))
	for i, r := range records {
		with, _ := r.Get("contactId").(float64)
		objects[i] = Object{Kind: k, ID: r.ID, Origin: r.OriginID(), Created: r.Created, With: int64(with)}
		for _, v := range slices.Concat(r.Phones(), r.Emails()) {
			objects[i].Points = append(objects[i].Points, v.Value)
		}
	}
	return objects
}

// CommentsOf returns the comments that the simulated CRM holds.
func CommentsOf(records []crmtest.Record) []Comment {
	comments := make([]Comment, len(records))
	for i, r := range records {
		on, _ := r.Get("entityId").(float64)
		text := r.Text("comment")
		comments[i] = Comment{ID: r.ID, On: Kind(r.Text("entityType")), OnID: int64(on), Mark: text[strings.LastIndexByte(text, '\n')+1:]}
	}
	return comments
}

// LettersOf returns the letters among the records of the dead-letter topic: all but the markers.
func LettersOf(records []transform.Record) []Letter {
	var letters []Letter
	for _, r := range records {
		if Header(r, "dlt-marker") != "" {
			continue
		}
		letters = append(letters, Letter{
			Place: PlaceOf(r), EventID: Header(r, "dlt-event-id"), From: original(r), Reason: Header(r, "dlt-reason"), Done: Header(r, "dlt-done"),
			Value: r.Value, Replays: Replays(r),
		})
	}
	return letters
}

// PlaceOf returns where a record lies.
func PlaceOf(r transform.Record) Place { return Place{r.Partition, r.Offset} }

// original returns where a letter says that its record lies; offset -1 when it does not say it.
func original(l transform.Record) Place {
	partition, err := strconv.Atoi(Header(l, "dlt-original-partition"))
	if err != nil {
		return Place{Offset: -1}
	}
	offset, err := strconv.ParseInt(Header(l, "dlt-original-offset"), 10, 64)
	if err != nil {
		return Place{Offset: -1}
	}
	return Place{partition, offset}
}

// Replays returns how often the event of a record or letter was replayed before.
func Replays(r transform.Record) int {
	n, err := strconv.Atoi(Header(r, "dlt-replays"))
	if err != nil {
		return 0
	}
	return n
}

// Header returns the last value of a header, which is the one that counts when it is repeated; "" when there is none.
func Header(r transform.Record, key string) string {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
