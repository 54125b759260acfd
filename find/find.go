package find

import (
	"context"
	"time"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

// State is how far an event has come.
type State string

// The states of an event.
const (
	Waiting State = "waiting" // nobody has begun to deliver its record
	Taken   State = "taken"   // the delivery of its record has begun; no create has been sent for it
	Sent    State = "sent"    // a create may have been sent for it; it is looked up before another is sent
	Letter  State = "letter"  // it became a dead letter, which is open or closed
	Contact State = "contact" // it became a contact, a lead, or a contact with a deal
	Erased  State = "erased"  // its letters were erased
	Ended   State = "ended"   // its record is done, and neither a letter nor a contact was found
)

// Record is a record of the topic that holds the event.
type Record struct {
	dlt.Position
	At     time.Time
	Stage  consumer.Stage
	Before int64 // how many earlier records of its partition are not done
}

// Event is a lead that was found.
type Event struct {
	ID      string
	By      By
	State   State
	Records []Record // oldest first; empty when retention has deleted them
	Letter  *dlt.Letter
	Made    crmclient.Made // what it became in the CRM
	CardURL string         // of the deal, else the lead, else the contact; "" while the portal's name is not known
	Cards   crmclient.CardURLs
	KnownBy string // the source of Made: "result" or "CRM"; "" if Made is empty
	Contact crmclient.Contact
	Value   []byte // of the newest record or letter, replayed ones included; nil if it was erased

	identity
	newest     time.Time        // when its newest record or letter was written
	recordedAt time.Time        // when its first record was written, not counting replays
	target     crmclient.Target // the target that the event names; "": that of CRM_TARGET
	originIDs  []string         // the origin ids that its object in the CRM may have, the likelier first
}

// Report is the result of a search.
type Report struct {
	Events    []Event   // newest first
	More      bool      // there are more events than Limit
	Since     time.Time // the time of the oldest record that was searched
	Letters   int       // how many letters were searched
	Records   int       // how many records were searched
	CRMFailed error     // why the CRM could not be asked; nil: it was asked, or need not be
}

// CRM looks up contacts in the CRM; see [crmclient.Creator].
type CRM interface {
	FindMade(ctx context.Context, r crmclient.Request) (crmclient.Made, error)
	OriginsOf(ctx context.Context, id int64) (map[crmclient.Target]string, error)
	Status() crmclient.Status
}

// Transformer reads events; see [transform.Transformer].
type Transformer interface {
	Decode(transform.Record) (transform.Event, error)
	Contact(transform.Event) (crmclient.Contact, error)
	Plan(transform.Event) (transform.Plan, error)
}

// Config says where leads are looked for.
type Config struct {
	Brokers         cluster.Brokers
	Topic           string // the topic of the events
	DeadLetterTopic string
	ResultTopic     string // "": there is none
	GroupID         string // the group whose commits say how far events have come
	Transformer     Transformer
	CRM             CRM                   // nil: the CRM is not asked
	NoTextSearch    bool                  // values that cannot be decoded are not searched as text
	Limit           int                   // how many events are returned at most; 0: all
	OnRead          func(read, all int64) // called with how many of all offsets of the topic were read; nil: it is not called
}

// Letters says where the dead letters are.
func (c Config) Letters() dlt.Config {
	return dlt.Config{Brokers: c.Brokers, DeadLetterTopic: c.DeadLetterTopic, Topic: c.Topic}
}

// Finder finds leads.
type Finder struct {
	Config

	topic, results *consumer.Log // results is nil without a result topic
	letters        *dlt.Topic
}

// New returns a Finder. It connects to nothing yet.
func New(cfg Config) *Finder {
	f := &Finder{
		Config:  cfg,
		topic:   consumer.NewLog(cfg.Brokers, cfg.Topic),
		letters: dlt.Open(cfg.Letters()),
	}
	if cfg.ResultTopic != "" {
		f.results = consumer.NewLog(cfg.Brokers, cfg.ResultTopic)
	}
	return f
}

// Close closes all connections.
func (f *Finder) Close() {
	f.topic.Close()
	f.letters.Close()
	if f.results != nil {
		f.results.Close()
	}
}

// Find returns the events of a person, or one event. text is a phone number in any spelling, an e-mail address, a name, an
// event id, an origin id, the id or address of a contact, lead or deal, or the place of a record or of a letter.
func (f *Finder) Find(ctx context.Context, text string) (Report, error) {
	w, err := f.parse(text)
	if err != nil {
		return Report{}, err
	}
	s := &search{Finder: f, wanted: &w, events: map[string]*Event{}, erased: map[string]bool{}}
	if w.cardID > 0 {
		s.addEventsOfCard(ctx)
	}
	for _, step := range []func(context.Context) error{s.readLetters, s.readTopic, s.readTheirLetters, s.readResults} {
		if err := step(ctx); err != nil {
			return Report{}, err
		}
	}
	s.conclude(ctx)
	return s.report, nil
}
