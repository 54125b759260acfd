package consumer

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
)

// Result is the value of a record in the result topic: which event became
// which contact. A crash may write one twice: fold by EventID.
type Result struct {
	EventID    string `json:"eventId"`
	ContactID  int64  `json:"contactId"`
	ContactURL string `json:"contactUrl"` // "" while the portal's name is unknown
	// CreatedAt is when the CRM's answer came; of a contact that was looked up, when it was found.
	CreatedAt time.Time `json:"createdAt"`
	Attempts  int       `json:"attempts"` // creates that were sent, by this process
	HowKnown  string    `json:"howKnown"` // "created" or "lookedUp"
	// Where the event was first written; a replay keeps it.
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
}

// tell writes the result of a record whose contact exists; false says that it
// was cut short, so that the next owner looks the contact up and tells it.
func (p *partition) tell(f *flight) bool {
	if p.results == nil {
		return true
	}
	rec, err := p.resultRecord(f)
	if err == nil {
		err = p.results.write(p.work, f.Partition, rec)
	}
	if err != nil {
		if errors.Is(err, errLeaseLapsed) {
			p.fail(err)
		}
		p.leftUnsettled() // the next owner must find what was created: it takes its time
		return false
	}
	p.metrics.results.Inc()
	return true
}

func (p *partition) resultRecord(f *flight) (resultRecord, error) {
	r := Result{
		EventID:    f.event.ID,
		ContactID:  f.made.ContactID,
		ContactURL: p.creator.ContactURL(f.made.ContactID),
		CreatedAt:  time.Now().UTC().Truncate(time.Millisecond),
		Attempts:   f.made.Attempts,
		HowKnown:   "created",
		Topic:      f.Topic,
		Partition:  f.Partition,
		Offset:     f.Offset,
	}
	if f.made.Found {
		r.HowKnown = "lookedUp"
	}
	if topic := header.Text(f.Headers, header.Topic); topic != "" {
		r.Topic = topic
		r.Partition = int(max(number(header.Text(f.Headers, header.Partition)), 0))
		r.Offset = max(number(header.Text(f.Headers, header.Offset)), 0)
	}
	value, err := json.Marshal(r)
	return resultRecord{eventID: r.EventID, key: f.Key, value: value, headers: traceHeaders(f.Record)}, err
}

// resultRecord is a result before it is written.
type resultRecord struct {
	eventID string
	key     []byte
	value   []byte
	headers []kafka.Header
}

func (r resultRecord) record() kafka.Record {
	rec := kafka.Record{Time: time.Now(), Value: kafka.NewBytes(r.value), Headers: r.headers}
	if r.key != nil {
		rec.Key = kafka.NewBytes(r.key)
	}
	return rec
}

func (r resultRecord) size() int {
	n := len(r.key) + len(r.value) + 64
	for _, h := range r.headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}
