package find

import (
	"slices"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/transform"
)

// identity tells the events of several persons apart to which a sender gives one id. Of these the service keeps the id for
// the first one, and gives each other one the id of [consumer.OwnID].
type identity struct {
	// own is the id that the event gets if the one in its record is another event's; "" while its contact points are not
	// known, as the service then takes it for the event that has the id.
	own string
	// named says that the service itself uses the event's id for it, as its letter or a replayed record shows.
	named bool
	// written are the places of the topic where it was written first, and again by its sender.
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

// add takes over what a record of the event, or a letter, shows. The contact points of its first record count, whatever was
// edited in it later.
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

// withoutPoints returns the own id of an event whose contact points were not kept. No record has it: the place where the
// event was written shows whose it is.
func withoutPoints(eventID string) string { return consumer.OwnID(eventID, &crmclient.Contact{}) }

// ownID is [consumer.OwnID], and "" for a contact without phone numbers and e-mail addresses.
func ownID(eventID string, contact *crmclient.Contact) string {
	if len(contact.Phones)+len(contact.Emails) == 0 {
		return ""
	}
	return consumer.OwnID(eventID, contact)
}

// known returns the id under which an event is kept, and whether the event was found before.
func (s *search) known(eventID string, of identity) (id string, known bool) {
	if of.own != "" && s.events[of.own] != nil {
		return of.own, true
	}
	e := s.events[eventID]
	if e != nil && !e.sameAs(of) {
		return of.own, false
	}
	return eventID, e != nil
}

// byAnyID returns the events by their ids, and by the ids that the service gave them if theirs are other events'.
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
