//go:build integration

package integration

import (
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/transform"
)

// lead is one event of a test. Every one is another person, whose e-mail tells
// which lead a contact was made of.
type lead struct {
	number    int
	partition int32
	key       string
	fate      string // "" for a contact, else the reason of its dead letter
	padding   int    // bytes by which it is longer
	record    *kgo.Record
	forgiven  bool // it may be delivered or not, but not twice
}

// eventID is the identity that leadbridge gives it.
func (l lead) eventID() string { return fmt.Sprintf("ce:/integration %d", l.number) }

func (l lead) email() string { return fmt.Sprintf("nobody.%d@example.com", l.number) }

// value is the event; one that is to become a letter names no way to reach the person.
func (l lead) value() string {
	email := l.email()
	if l.fate != "" {
		email = ""
	}
	return fmt.Sprintf(`{"specversion":"1.0","id":"%d","source":"/integration","type":"lead","data":{"name":"Nobody","email":%q,"comment":%q}}`,
		l.number, email, strings.Repeat("x", l.padding))
}

func (l lead) kafka(topic string) *kgo.Record {
	r := &kgo.Record{Topic: topic, Partition: l.partition, Value: []byte(l.value())}
	if l.record != nil {
		r.Timestamp, r.Headers = l.record.Timestamp, l.record.Headers
	}
	if l.key != "" {
		r.Key = []byte(l.key)
	}
	return r
}

// originOf is the id that the CRM holds of a lead.
func originOf(t *transform.Transformer, l lead, topic string) (string, error) {
	e, err := t.Decode(transform.Record{Topic: topic, Partition: int(l.partition), Value: []byte(l.value())})
	return e.OriginID, err
}

func recordsOf(topic string, leads []lead) []*kgo.Record {
	records := make([]*kgo.Record, len(leads))
	for i, one := range leads {
		records[i] = one.kafka(topic)
	}
	return records
}
