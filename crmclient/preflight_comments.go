package crmclient

import (
	"cmp"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// comments checks whether the portal lists the comments of a card, as look-ups of comments need. It does not try to write
// one, because the comment would stay on the card.
func (f *preflight) comments() {
	const check, off = "crm comments", "set CRM_COMMENT to off"
	if !f.c.cfg.Comment.timeline() {
		return
	}
	card := vibe.CardID{Kind: string(cmp.Or(f.c.cfg.Target, TargetContact)), ID: 1}
	o := f.ask(vibe.ListComments(vibe.Comments{Card: card}))
	_, listed := o.Page()
	noCard := o.Code == "ENTITY_NOT_FOUND" || o.Class == vibe.Refused || o.Class == vibe.Business
	switch {
	case o.Class == vibe.Done && listed, noCard:
		f.say(check, levelOK, "the portal lists the comments of cards; whether the key may write them shows with the first one", "")
	case o.Class == vibe.Done:
		f.say(check, levelWarn, "the portal's answer lists no comments: one that is in doubt is not written again", "Run leadbridge probe, or "+off+".")
	case o.NotOffered():
		f.say(check, levelFail, "the portal offers no comments on cards", "Look whether CRM_BASE_URL is right, or "+off+".")
	case o.Status == 403:
		f.say(check, levelFail, "the key may not see comments on cards", "Give the key and its user the right to them, or "+off+".")
	default:
		f.failed(check, o)
	}
}
