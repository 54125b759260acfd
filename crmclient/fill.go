package crmclient

import (
	"slices"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// Patch says what an update does to the phones, or the e-mails, that a card holds. It is not documented: leadbridge probe
// finds it out.
type Patch string

// What an update may do; the empty Patch is not known.
const (
	PatchAdds     Patch = "adds"     // those of the update stand beside them
	PatchReplaces Patch = "replaces" // those of the update stand in their place
)

// Patches says what the portal's updates do.
type Patches struct{ Phones, Emails Patch }

// known reports whether both are known.
func (p Patches) known() bool { return p.Phones != "" && p.Emails != "" }

// of returns that of a field.
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
	FillNothing FillState = "nothing" // the card had it all
	FillFailed  FillState = "failed"
)

// Reasons for which a card is not filled, besides those of a [Rejection] and of comments.
const (
	reasonNotKept      = "NOT_KEPT"         // the CRM took the change, and the card does not show it
	reasonPatch        = "PROFILE_DIFFERS"  // updates do something else to phones and e-mails than the profile says
	reasonBusy         = "CARD_BUSY"        // too many events wait for this card
	reasonNoCard       = "CONTACT_UNKNOWN"  // the CRM does not tell whose card it is
	reasonUnlisted     = "CONTACTS_UNKNOWN" // the CRM does not describe contacts to this key
	reasonTooManyWait  = "TOO_MANY_WAIT"    // too many comments and fills wait for their turn
	maxCardWaiters     = 20                 // events that wait for one card; the next ones do not fill it
	mostOnCard         = 20                 // phones, and e-mails, up to which a card is filled
	codeContactMissing = "CARD_MISSING"     // the card is gone
)

// newFill returns the step that fills the card of a contact that was there before.
func newFill(card int64, suspect bool) *step {
	s := newStep(vibe.Fills, suspect, false)
	s.extra = &extra{contact: card}
	return s
}

// fillGiven has the card of the contact filled to which an event was given, when the step that found it is done. A card
// that the event made itself holds everything already.
func (c *Creator) fillGiven(d *delivery, s *step) {
	filled := slices.ContainsFunc(d.steps, func(s *step) bool { return s.entity == vibe.Fills })
	if !c.cfg.Match.Fill || filled || s.state != stateDone {
		return
	}
	var with owner
	switch {
	case s.entity == vibe.Contacts && s.given:
		with = owner{s.id, s.with.told}
	case s.entity == vibe.Leads && s.found && c.matches(d, s): // by an earlier owner, who knew the contact
		with = s.with
	case s.entity == vibe.Leads && d.matched():
		with.contact = d.match.id
	default:
		return
	}
	if with == (owner{told: true}) { // it has no contact, as one made while there was no match
		return
	}
	fill := newFill(with.contact, d.req.Suspect)
	if d.steps = append(d.steps, fill); with.contact == 0 {
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
