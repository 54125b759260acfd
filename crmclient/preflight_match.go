package crmclient

import "github.com/leadbridge/leadbridge/crmclient/internal/vibe"

// match looks whether the portal looks contacts up by what persons are looked for: for a phone and an e-mail that
// nobody has.
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
			f.say(check, levelFail, "the portal looks up no contacts by "+q.field+" ("+o.Code+")", advice(matchFault(o)))
			return
		case o.Class != vibe.Done:
			f.failed(check, o)
			return
		case !ok:
			f.say(check, levelFail, "the answer to a look-up by "+q.field+" is no list", "Look whether CRM_BASE_URL is right.")
			return
		case len(page.Rows) > 0:
			f.say(check, levelFail, "the portal ignores what is asked for by "+q.field, advice(matchFault(vibe.Outcome{Code: codeFilterIgnored})))
			return
		}
	}
	f.say(check, levelOK, "events are given to the contact of the same "+by.words()+", if exactly one agrees", "")
	if f.c.cfg.Target == TargetLead && !f.leadsTakeContacts() {
		f.say("matching of leads", levelWarn, "the portal's leads list no writable contactId: they are not given to contacts", "Set CRM_TARGET=deal to have events given to contacts.")
	}
}

// words names by what persons are looked for.
func (m Match) words() string {
	switch {
	case m.Email && m.Phone:
		return "e-mail or phone"
	case m.Email:
		return "e-mail"
	}
	return "phone"
}

func (f *preflight) leadsTakeContacts() bool {
	fields, err := f.ask(vibe.ListFields(vibe.Leads)).Fields()
	return err != nil || fields.Writable("contactId")
}
