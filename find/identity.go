package find

import (
	"slices"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// identity distinguishes events of several persons to which a sender gave the same id. The first of these events keeps the
// id. To each of the others the service gives another id, [consumer.OwnID].
type identity struct {
	// own is the event's OwnID. It is "" while the event's contact points are not known: then the event counts as the one
	// that keeps the id.
	own string
	// named says that the event id was seen in a letter, a result or a replayed record, so that it is the id that the
	// service uses for the event. The id in any other record is only what the sender gave.
	named bool
	// written are the places in the topic where the sender wrote the event, once or several times.
	written []dlt.Position
}

// sameAs reports whether a record, letter or result with the same event id belongs to the same event.
func (i identity) sameAs(other identity) bool {
	bothNamed := i.named && other.named
	unknownPoints := i.own == "" || other.own == ""
	return bothNamed || unknownPoints || i.own == other.own || i.sharesPlace(other)
}

// sharesPlace reports whether the sender wrote both at the same place.
func (i identity) sharesPlace(other identity) bool {
	return slices.ContainsFunc(other.written, func(at dlt.Position) bool { return slices.Contains(i.written, at) })
}

// add adds what another record or letter of the event shows. If their OwnIDs differ, the event has that of the record that
// the sender wrote, as people may have edited the contact points of letters and replayed records.
func (i *identity) add(other identity) {
	isOriginal := !other.named && i.sharesPlace(other)
	if other.own != "" && (i.own == "" || isOriginal) {
		i.own = other.own
	}
	i.named = i.named || other.named
	i.written = append(i.written, other.written...)
}

// identityOf returns the identity of a record's event.
func (s *search) identityOf(r transform.Record, event transform.Event, contact *crmclient.Contact) identity {
	found := identity{own: ownID(event.ID, contact), named: event.Replays > 0}
	if !found.named {
		found.written = []dlt.Position{{Partition: r.Partition, Offset: r.Offset}}
		return found
	}
	text := func(key string) string { return header.Text(r.Headers, key) }
	if at, err := dlt.ParsePosition(text(header.Partition) + ":" + text(header.Offset)); err == nil && text(header.Topic) == s.Topic {
		found.written = []dlt.Position{at}
	}
	return found
}

// identityOfLetter returns the identity of a letter's event.
func (s *search) identityOfLetter(l dlt.Letter, contact *crmclient.Contact) identity {
	found := identity{own: ownID(l.EventID, contact), named: true}
	if l.ValueOmitted() {
		found.own = withoutPoints(l.EventID)
	}
	if l.Original.Topic == s.Topic {
		found.written = []dlt.Position{{Partition: l.Original.Partition, Offset: l.Original.Offset}}
	}
	return found
}

// identityOfResult returns the identity of a result's event.
func (s *search) identityOfResult(r consumer.Result) identity {
	found := identity{own: withoutPoints(r.EventID), named: true}
	if r.Topic == s.Topic {
		found.written = []dlt.Position{{Partition: r.Partition, Offset: r.Offset}}
	}
	return found
}

// withoutPoints returns an OwnID for an event whose contact points were known when the service delivered it, but are not known
// here. It differs from the OwnIDs of all records, so that sameAs decides by the place where the event was written.
func withoutPoints(eventID string) string { return consumer.OwnID(eventID, &crmclient.Contact{}) }

// ownID returns the [consumer.OwnID] of an event; "" if its contact has neither phone numbers nor e-mail addresses.
func ownID(eventID string, contact *crmclient.Contact) string {
	if len(contact.Phones)+len(contact.Emails) == 0 {
		return ""
	}
	return consumer.OwnID(eventID, contact)
}

// keyOf returns the key of a record's event in s.events, and whether the event is there already.
func (s *search) keyOf(eventID string, of identity) (id string, known bool) {
	if of.own != "" && s.events[of.own] != nil {
		return of.own, true
	}
	e := s.events[eventID]
	if e != nil && !e.sameAs(of) {
		return of.own, false
	}
	return eventID, e != nil
}

// byAnyID returns the events that were found, each both by its id and by its OwnID.
func (s *search) byAnyID() map[string]*Event {
	all := map[string]*Event{}
	for _, e := range s.events {
		all[e.ID] = e
		if e.own != "" {
			all[e.own] = e
		}
	}
	return all
}
