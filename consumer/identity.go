package consumer

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// An identity distinguishes events. Two events can have one id and different contact points.
type identity struct {
	id       uint64 // the hash of the event's id
	suffixed uint64 // the hash of the id that the event gets if its id is another event's, see OwnID
	points   uint64 // the hash of its contact points; 0 if it has none, or if its id must not be changed
	expected bool   // this owner still has to dispatch the event's record
}

// pointsOf returns the phones and e-mail addresses of a contact, sorted, each once.
func pointsOf(contact *crmclient.Contact) []string {
	points := make([]string, 0, len(contact.Phones)+len(contact.Emails))
	for _, fields := range [][]crmclient.Multifield{contact.Phones, contact.Emails} {
		for _, f := range fields {
			points = append(points, f.Value)
		}
	}
	slices.Sort(points)
	return slices.Compact(points)
}

// idSuffix returns the text that is appended to the id of an event if its id is another event's: "~" and 12 hex digits of the
// hash of its contact points.
func idSuffix(points []string) string {
	h := sha256.New()
	for _, point := range points {
		h.Write(append([]byte(point), 0))
	}
	return "~" + hex.EncodeToString(h.Sum(nil)[:6])
}

// OwnID returns the id that an event gets when the id in its record already belongs to an event with other contact points. The
// same contact points always give the same id.
func OwnID(eventID string, contact *crmclient.Contact) string {
	return eventID + idSuffix(pointsOf(contact))
}

// recognise finds out whether the event was seen before, and gives it an id of its own if its id is another event's.
func (in *intake) recognise(d *delivery) {
	found := in.seen.enter(partID{in.id, in.part}, in.identify(d))
	d.idHash, d.repeat, d.reused = found.hash, found.repeat, found.reused
	if d.reused {
		d.takeOwnID()
		in.warnOfReuse(d)
	}
}

// identify returns the identity of the record's event.
func (in *intake) identify(d *delivery) identity {
	if d.failure != nil || d.unread != nil {
		return in.seen.identify(d.event.ID, nil, 0)
	}
	contact := pointsOf(&d.contact)
	d.points = in.seen.pointsHash(contact)
	if d.event.Replays > 0 { // a replayed letter keeps its event's id, whatever was edited in it
		return in.seen.identify(d.event.ID, nil, 0)
	}
	return in.seen.identify(d.event.ID, contact, d.points)
}

// identityOf returns the identity of a record that is not delivered: an earlier owner finished it.
func (in *intake) identityOf(rec record) identity {
	d := &delivery{record: rec}
	in.transformSafely(d)
	return in.identify(d)
}

// takeOwnID gives the event an id of its own, see OwnID, and the origin id that belongs to it.
func (d *delivery) takeOwnID() {
	d.event.ID = OwnID(d.event.ID, &d.contact)
	d.event.OriginID = transform.OriginID(d.event.ID)
}

// warnOfReuse warns of a source that gives several events one id.
func (in *intake) warnOfReuse(d *delivery) {
	in.deps.metrics.reused.Inc()
	source := transform.SourceOf(d.event.ID)
	if source == "" {
		source = d.Topic
	}
	if in.deps.warnings.due(source, time.Now()) {
		in.deps.cfg.Log.Warn().Str("source", source).Int("partition", in.id).Int64("offset", d.Offset).
			Msg("one event id came with other contact points: taken for another event; have the sender give each event an id of its own")
	}
}
