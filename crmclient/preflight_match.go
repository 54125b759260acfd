package crmclient

import (
	"fmt"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// match checks whether the portal looks contacts up by e-mail and by phone, as far as CRM_MATCH needs them. It asks for an
// e-mail and a phone that nobody has.
func (f *preflight) match() {
	const check = "matching"
	by := f.c.cfg.Match
	if !by.On() {
		return
	}
	for _, q := range []struct {
		asked bool
		field string
		value string
	}{{by.Email, "email", "nobody@leadbridge.invalid"}, {by.Phone, "phone", "+70000000000"}} {
		if !q.asked {
			continue
		}
		o := f.ask(vibe.Search(vibe.Contacts, vibe.Filter{q.field: vibe.In(q.value)}, nil, vibe.PageLimit))
		page, ok := o.Page()
		switch {
		case o.Code == vibe.CodeFilterRefused:
			f.say(check, levelFail, "the portal looks up no contacts by "+q.field+" ("+o.Code+")", advice(matchFault(o)).String())
			return
		case o.Class != vibe.Done:
			f.failed(check, o)
			return
		case !ok:
			f.say(check, levelFail, "the answer to a look-up by "+q.field+" is no list", "Look whether CRM_BASE_URL is right.")
			return
		case len(page.Rows) > 0:
			f.say(check, levelFail, "the portal ignores what is asked for by "+q.field, advice(matchFault(vibe.Outcome{Code: codeFilterIgnored})).String())
			return
		}
	}
	f.say(check, levelOK, "events are given to the contact of the same "+by.words()+", if exactly one agrees", "")
	f.filling()
	if f.c.cfg.Target == TargetLead && !f.leadsTakeContacts() {
		f.say("matching of leads", levelWarn, "the portal's leads list no writable contactId: they are not given to contacts", "Set CRM_TARGET=deal to have events given to contacts.")
	}
}

// filling checks whether cards can be filled, and says what updates do to them.
func (f *preflight) filling() {
	const check = "filling"
	if !f.c.cfg.Match.Fill {
		return
	}
	if o := f.ask(vibe.ListFields(vibe.Contacts)); o.Class != vibe.Done {
		f.say(check, levelWarn, "the portal does not describe contacts to this key: no card is filled", "Give the key and its user the right to contacts, or set CRM_ON_MATCH=link.")
		return
	}
	patch := f.c.cfg.Patch // New refuses to fill cards without it
	f.say(check, levelOK, fmt.Sprintf("what the card of that contact lacks is added to it; an update %s phones and %s e-mails, says PORTAL_PROFILE", patch.Phones, patch.Emails), "")
}

// words names the contact points by which contacts are matched.
func (m Match) words() string {
	switch {
	case m.Email && m.Phone:
		return "e-mail or phone"
	case m.Email:
		return "e-mail"
	}
	return "phone"
}

// leadsTakeContacts reports whether the portal's leads can name a contact.
func (f *preflight) leadsTakeContacts() bool {
	fields, err := f.ask(vibe.ListFields(vibe.Leads)).Fields()
	return err != nil || fields.Writable("contactId")
}
