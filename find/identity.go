package find

import (
	"slices"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// identity distinguishes events of several persons to which a sender gave one id. The service leaves that id to the first of
// them, and gives each other one the id of [consumer.OwnID].
type identity struct {
	// own is the event's OwnID; "" while its contact points are not known: then the service takes it for the event that has
	// the id.
	own string
	// named says that the event id is known to be the service's for this event: it stands in a letter, a result or a replayed
	// record. The id of any other record is only what the sender gave.
	named bool
	// written are the places in the topic where the sender wrote the event, once or several times.
	written []dlt.Position
}

// sameAs reports whether a record, letter or result with the same event id belongs to the same event.
func (i identity) sameAs(other identity) bool {
	if i.named && other.named || i.own == "" || other.own == "" || i.own == other.own {
		return true
	}
	return i.sharesPlace(other)
}

func (i identity) sharesPlace(other identity) bool {
	return slices.ContainsFunc(other.written, func(at dlt.Position) bool { return slices.Contains(i.written, at) })
}

// add adds what another record or letter of the event shows. The event's OwnID is that of its first record, as a replay may
// have edited the contact points of later ones.
func (i *identity) add(other identity) {
	if other.own != "" && other.own != i.own && (i.own == "" || !other.named && i.sharesPlace(other)) {
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

// withoutPoints returns an OwnID for an event whose contact points are not known but were when the service delivered it. It
// differs from that of every record, so that the place where the event was written decides whose it is.
func withoutPoints(eventID string) string { return consumer.OwnID(eventID, &crmclient.Contact{}) }

// ownID is [consumer.OwnID], and "" for a contact without phone numbers and e-mail addresses.
func ownID(eventID string, contact *crmclient.Contact) string {
	if len(contact.Phones)+len(contact.Emails) == 0 {
		return ""
	}
	return consumer.OwnID(eventID, contact)
}

// keyOf returns the id under which the event of a record is kept in s.events, and whether it is there already.
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

// byAnyID returns the events that were found, each by its id and by its OwnID.
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
