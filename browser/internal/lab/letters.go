package lab

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
)

// Letter is a dead letter as the service writes it.
type Letter struct {
	At       time.Time // zero: now
	Reason   string
	Status   int
	Code     string
	Message  string
	Attempts int
	EventID  string
	Key      string
	Value    string
	Headers  []kafka.Header // of the event itself
}

// Record is the letter in partition n of the dead-letter topic.
func (l Letter) Record(n int) Record {
	if l.At.IsZero() {
		l.At = time.Now()
	}
	status := ""
	if l.Status != 0 {
		status = strconv.Itoa(l.Status)
	}
	at := l.At.UTC().Format(time.RFC3339Nano)
	headers := append([]kafka.Header(nil), l.Headers...)
	for _, pair := range [][2]string{
		{header.Reason, l.Reason}, {header.Status, status}, {header.Code, l.Code}, {header.Message, l.Message}, {header.Attempts, strconv.Itoa(l.Attempts)},
		{header.FailedAt, at}, {header.Version, "v1.0.0"}, {header.OriginField, "UF_CRM_LEADBRIDGE_EVENT_ID"},
		{header.Topic, Leads}, {header.Partition, strconv.Itoa(n)}, {header.Offset, "0"}, {header.Timestamp, at},
		{header.EventID, l.EventID}, {header.FirstFailure, at}, {header.Replays, "0"},
	} {
		headers = append(headers, kafka.Header{Key: pair[0], Value: []byte(pair[1])})
	}
	return Record{Partition: n, At: l.At, Key: l.Key, Value: l.Value, Headers: headers}
}

// Refused are n letters of events whose e-mail address the CRM did not take, over the last
// day, with the numbers from on in their names and addresses.
func Refused(from, n int) []Record {
	records := make([]Record, n)
	for i := range n {
		k := from + i
		records[i] = Letter{
			At: time.Now().Add(-time.Duration(n-i) * 24 * time.Hour / time.Duration(n+1)), Reason: "CRM_REFUSED", Status: 400, Code: "VALIDATION_ERROR",
			Message: "The e-mail address *** is not valid.", Attempts: 1, EventID: fmt.Sprintf("ce:/shop refused-%d", k), Key: fmt.Sprintf("client.%d@example.nett", k),
			Value: fmt.Sprintf(`{"fullName":"Петров Андрей","phone":"8 (916) %03d-%02d-%02d","email":"client.%d@example.nett","budget":12345678901234567890}`, 100+k/10000%900, k/100%100, k%100, k),
		}.Record(i % Partitions)
	}
	return records
}

// Event is a CloudEvent of the shop, whose identity is "ce:/shop ID".
func Event(identity, value string) Record {
	id := strings.TrimPrefix(identity, "ce:/shop ")
	headers := []kafka.Header{{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_source", Value: []byte("/shop")}, {Key: "ce_id", Value: []byte(id)}, {Key: "ce_type", Value: []byte("lead")}}
	return Record{Value: value, Headers: headers}
}

// Many are n good events of different people, from a number on.
func Many(from, n int) []Record {
	records := make([]Record, n)
	for i := range n {
		records[i] = Event(fmt.Sprintf("ce:/shop many-%d", from+i), fmt.Sprintf(`{"name":"Анна Смирнова","email":"many.%d@example.com"}`, from+i))
		records[i].Partition = i % Partitions
	}
	return records
}
