package crmclient

import (
	"slices"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Patch says what an update does to the phones, or to the e-mails, that a card holds. The vendor does not document it:
// leadbridge probe finds it out.
type Patch string

// What an update may do. The empty Patch means that this is not known.
const (
	PatchAdds     Patch = "adds"     // it adds its values to those of the card
	PatchReplaces Patch = "replaces" // it replaces the card's values by its own
)

// Patches says what the portal's updates do to phones and to e-mails.
type Patches struct{ Phones, Emails Patch }

// known reports whether both are known.
func (p Patches) known() bool { return p.Phones != "" && p.Emails != "" }

// of returns what updates do to a field, "phone" or "email".
func (p Patches) of(field string) Patch {
	if field == "email" {
		return p.Emails
	}
	return p.Phones
}

// FillState says what became of filling the card of an event's person (Match.Fill).
type FillState string

// The states of a fill; the empty one says that there was no card to fill.
const (
	FillDone    FillState = "done"    // something was added
	FillNothing FillState = "nothing" // the card lacked nothing
	FillFailed  FillState = "failed"
)

// Reasons for which a card is not filled, besides those of a [Rejection] and of comments.
const (
	reasonNotKept      = "NOT_KEPT"         // the CRM accepted the update, but the card does not show it
	reasonPatch        = "PROFILE_DIFFERS"  // updates do something else to phones and e-mails than the profile says
	reasonBusy         = "CARD_BUSY"        // too many events wait for this card
	reasonNoCard       = "CONTACT_UNKNOWN"  // the CRM does not tell whose card it is
	reasonUnlisted     = "CONTACTS_UNKNOWN" // the CRM does not describe contacts to this key
	reasonTooManyWait  = "TOO_MANY_WAIT"    // too many comments and fills wait for their turn
	codeContactMissing = "CARD_MISSING"     // the card is gone
)

const (
	maxCardWaiters = 20 // how many events may wait for one card; further ones do not fill it
	mostOnCard     = 20 // no phones, or e-mails, are added to a card that has this many
)

// newFill returns the step that fills the card of a contact that was there before.
func newFill(card int64, suspect bool) *step {
	s := newStep(vibe.Fills, suspect, false)
	s.extra = &extra{contact: card}
	return s
}

// fillGiven adds a fill to the steps of an event that was given to a contact that was there before, once the step s that
// shows which contact this is is done. An event that made its contact itself needs no fill: the contact holds everything.
func (c *Creator) fillGiven(d *delivery, s *step) {
	hasFill := slices.ContainsFunc(d.steps, func(s *step) bool { return s.entity == vibe.Fills })
	if !c.cfg.Match.Fill || hasFill || s.state != stateDone {
		return
	}
	var with owner
	switch {
	case s.entity == vibe.Contacts && s.given:
		with = owner{s.id, s.with.told}
	case s.entity == vibe.Leads && s.found && c.matches(d, s): // an earlier owner made the lead, and knew the contact
		with = s.with
	case s.entity == vibe.Leads && d.matched():
		with.contact = d.match.id
	default:
		return
	}
	hasNoContact := with.told && with.contact == 0 // such as a lead that was made when no contact matched
	if hasNoContact {
		return
	}
	fill := newFill(with.contact, d.req.Suspect)
	d.steps = append(d.steps, fill)
	if with.contact == 0 {
		c.giveUp(fill, reasonNoCard)
	}
}

// fillState returns what became of a step's fill, and why it failed.
func (s *step) fillState() (FillState, string) {
	switch {
	case s.entity != vibe.Fills:
	case s.state == stateDone && (s.given || s.found && !s.everInDoubt):
		return FillNothing, ""
	case s.state == stateDone:
		return FillDone, ""
	case s.state == stateNotWritten:
		return FillFailed, s.extra.reason
	}
	return "", ""
}

// cannotFill reports whether no card can be filled, and why.
func (c *Creator) cannotFill(p *portal) (reason string, yes bool) {
	if c.patchDiffers.Load() {
		return reasonPatch, true
	}
	_, lacking := p.lacking[vibe.Contacts]
	return reasonUnlisted, lacking
}
