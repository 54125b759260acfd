package consumer

import (
	"hash/maphash"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
)

// OrderBy says which events are delivered one after another, in the log's order. Events with the same id always are.
type OrderBy string

// The values of OrderBy.
const (
	OrderByPerson OrderBy = "person" // events that share a phone or an e-mail address
	OrderByKey    OrderBy = "key"    // records that have the same key
	OrderByNone   OrderBy = "none"   // only events with the same id
)

// A lineName names a line; its hash is lineKey.line. A line of a person or a key belongs to one partition. A line of an event
// id has no kind and no partition, as it is shared by all partitions of the process.
type lineName struct {
	kind      OrderBy
	partition int
	text      string
}

// A lineKey is a line in which a record stands.
type lineKey struct {
	line       uint64 // the hash of its lineName
	person     uint64 // the hash of the record's contact points, which tells persons apart
	maxPersons int    // of how many persons records may stand in the line; records of others do not enter it; 0 for no bound
}

// maxPersonsPerPoint is how many persons that share a phone or an e-mail address wait for each other. A phone or an address
// that more persons share is nobody's own: it is a call centre's phone, or an address that a form fills in.
const maxPersonsPerPoint = 8

// usualLines is in how many lines most records stand at most: of the event's id, of a phone and of an e-mail address.
const usualLines = 3

// keysFor returns the lines in which a record stands. The first one is that of the event's id.
func (l *lines) keysFor(by OrderBy, partition int, eventID string, key []byte, contact *crmclient.Contact) []lineKey {
	keys := append(make([]lineKey, 0, usualLines), lineKey{line: maphash.Comparable(l.seed, lineName{text: eventID})})
	add := func(text string, person uint64, maxPersons int) {
		keys = append(keys, lineKey{maphash.Comparable(l.seed, lineName{by, partition, text}), person, maxPersons})
	}
	switch {
	case by == OrderByKey && len(key) > 0:
		add(string(key), 0, 0)
	case by == OrderByPerson:
		points := pointsOf(contact)
		person := maphash.String(l.seed, strings.Join(points, " "))
		for _, point := range points {
			add(point, person, maxPersonsPerPoint)
		}
	}
	return keys
}
