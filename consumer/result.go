package consumer

import (
	"encoding/json"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
)

// Result is the value of a record in the result topic: which event became which contact, lead or deal. After a crash a
// result may be written twice; readers keep one for each EventID.
type Result struct {
	EventID    string `json:"eventId"`
	ContactID  int64  `json:"contactId"`         // 0 when the event became a lead
	ContactURL string `json:"contactUrl"`        // "" for a lead, and while the portal's name is not known
	LeadID     int64  `json:"leadId,omitempty"`  // 0 unless the event became a lead
	DealID     int64  `json:"dealId,omitempty"`  // 0 unless the event became a deal
	CardURL    string `json:"cardUrl,omitempty"` // of the deal, else the lead, else the contact; "" while the portal's name is not known
	// Comment is "written" or "not written", and CommentReason says why not; "" when the event has no comment.
	Comment       crmclient.CommentState `json:"comment,omitempty"`
	CommentReason string                 `json:"commentReason,omitempty"`
	// Fill says whether the card of the person's earlier contact was filled: "done", "nothing" when the card lacked nothing,
	// or "failed", and FillReason says why; "" when there was no card to fill.
	Fill       crmclient.FillState `json:"fill,omitempty"`
	FillReason string              `json:"fillReason,omitempty"`
	// CreatedAt is when the event was done; UTC, in milliseconds.
	CreatedAt time.Time `json:"createdAt"`
	Attempts  int       `json:"attempts"` // creates that this process sent for the event
	HowKnown  string    `json:"howKnown"` // "created", "lookedUp", or "matched" when the person had a contact already
	// Candidates are the contacts that may be the person's, when there are several and none was chosen.
	Candidates []int64 `json:"candidates,omitempty"`
	// Topic, Partition and Offset say where the event was first written. They stay the same when it is replayed.
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
}

// encodeResult returns the result of a record whose contact, lead or deal exists.
func encodeResult(d *delivery, crm Creator) (encodedResult, error) {
	r := Result{
		EventID:       d.event.ID,
		ContactID:     d.made.ContactID,
		ContactURL:    contactURL(crm, d.made.ContactID),
		LeadID:        d.made.LeadID,
		DealID:        d.made.DealID,
		CardURL:       cardURL(crm, d.made.Made()),
		Comment:       d.made.Comment,
		CommentReason: d.made.CommentReason,
		Fill:          d.made.Fill,
		FillReason:    d.made.FillReason,
		CreatedAt:     time.Now().UTC().Truncate(time.Millisecond),
		Attempts:      d.made.Attempts,
		HowKnown:      "created",
		Candidates:    d.made.Candidates,
		Topic:         d.Topic,
		Partition:     d.Partition,
		Offset:        d.Offset,
	}
	switch {
	case d.made.Found:
		r.HowKnown = "lookedUp"
	case d.made.Matched:
		r.HowKnown = "matched"
	}
	if topic := header.Text(d.Headers, header.Topic); topic != "" && d.event.Replays > 0 {
		r.Topic = topic
		r.Partition = int(max(number(header.Text(d.Headers, header.Partition)), 0))
		r.Offset = max(number(header.Text(d.Headers, header.Offset)), 0)
	}
	value, err := json.Marshal(r)
	return encodedResult{eventID: r.EventID, key: d.Key, value: value, headers: traceHeaders(d.Record)}, err
}

// contactURL returns the address of a contact's card; "" when there is no contact.
func contactURL(crm Creator, id int64) string {
	if id == 0 {
		return ""
	}
	return crm.ContactURL(id)
}

// cardURL returns the address of the card of the deal, else of the lead, else of the contact.
func cardURL(crm Creator, made crmclient.Made) string {
	if made.LeadID == 0 && made.DealID == 0 {
		return contactURL(crm, made.ContactID)
	}
	return crmclient.CardURL(crm.Status().Portal, made)
}

// An encodedResult is a result as it is written.
type encodedResult struct {
	eventID string
	key     []byte
	value   []byte
	headers []kafka.Header
}

func (r *encodedResult) size() int {
	n := len(r.key) + len(r.value) + 64
	for _, h := range r.headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// reduce changes a result that the broker refuses permanently by one step, after which the broker may accept it. It reports
// false when there is no step left.
func (r *encodedResult) reduce() bool {
	switch {
	case len(r.headers) > 0:
		r.headers = nil
	case string(r.key) != r.eventID: // the key is too large, or it is missing and the topic is compacted
		r.key = []byte(r.eventID)
	default:
		return false
	}
	return true
}
