package crmclient

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Target is what an event becomes in the CRM. See docs/targets.md.
type Target string

// The targets. An empty one means that of the Config; in the Config it means [TargetContact].
const (
	TargetContact Target = "contact"
	TargetLead    Target = "lead"
	TargetDeal    Target = "deal" // a contact, and a deal with it
)

// Targets returns all targets.
func Targets() []Target { return []Target{TargetContact, TargetLead, TargetDeal} }

// entities returns the kinds of objects that an event of the target becomes, in the order in which they
// are made.
func (t Target) entities() []vibe.Entity {
	switch t {
	case TargetLead:
		return []vibe.Entity{vibe.Leads}
	case TargetDeal:
		return []vibe.Entity{vibe.Contacts, vibe.Deals}
	}
	return []vibe.Entity{vibe.Contacts}
}

// Made holds the CRM's ids of the objects that an event has become; 0: it has become no such object, as far as is known.
type Made struct{ ContactID, LeadID, DealID int64 }

// String returns the form of the dead-letter header dlt-done, such as "contact=2457 deal=12"; "" for
// nothing.
func (m Made) String() string {
	var words []string
	for _, one := range []struct {
		name string
		id   int64
	}{{"contact", m.ContactID}, {"lead", m.LeadID}, {"deal", m.DealID}} {
		if one.id > 0 {
			words = append(words, fmt.Sprintf("%s=%d", one.name, one.id))
		}
	}
	return strings.Join(words, " ")
}

// made returns what an event has become so far.
func (d *delivery) made() (m Made) {
	for _, s := range d.steps {
		switch s.entity {
		case vibe.Contacts:
			m.ContactID = s.id
		case vibe.Leads:
			m.LeadID = s.id
			if s.id > 0 {
				m.ContactID = d.match.id
			}
		case vibe.Deals:
			m.DealID = s.id
		}
	}
	return m
}

// card returns the card that shows most of an event: the deal's, the lead's or the contact's.
func (m Made) card() vibe.CardID {
	switch {
	case m.DealID > 0:
		return vibe.CardID{Kind: "deal", ID: m.DealID}
	case m.LeadID > 0:
		return vibe.CardID{Kind: "lead", ID: m.LeadID}
	}
	return vibe.CardID{Kind: "contact", ID: m.ContactID}
}

// cardOf returns a request's card, completed by the settings. The stage of the settings is used only in the pipeline of the
// settings.
func (cfg Config) cardOf(given Card) Card {
	given.StatusID = cmp.Or(given.StatusID, cfg.Card.StatusID)
	if given.CategoryID == nil || cfg.Card.CategoryID != nil && *given.CategoryID == *cfg.Card.CategoryID {
		given.CategoryID = cfg.Card.CategoryID
		given.StageID = cmp.Or(given.StageID, cfg.Card.StageID)
	}
	return given
}
