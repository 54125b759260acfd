package crmclient

import (
	"maps"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient/internal/person"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// What is added to a card: what is missing there, never anything in the place of what it holds.

// notFilled are fields of a contact that are the card's own: where it came from, who keeps it, and what was written. Our
// id is none of them, as it names the event that made the card.
func notFilled() []string {
	return []string{"comments", "sourceId", "sourceDescription", "assignedById", vibe.NativeID, vibe.NativeOwner, "originVersion"}
}

// namesOfPerson are filled together: the middle name of one person is not that of another.
func namesOfPerson() []string { return []string{"name", "lastName", "secondName", "honorific"} }

// Fills returns what a card would be filled with, as far as it lacks it: nil unless cards are filled.
func (m Match) Fills(contact Contact) map[string]any {
	if !m.Fill {
		return nil
	}
	return offered(contact, kind{}, "")
}

// offered are the fields of a contact with which cards are filled. A portal's description, if it is known, decides about
// their names and about what has a place at all.
func offered(contact Contact, k kind, originator string) vibe.Body {
	body := contact.Body()
	k.idField.Clean(body, originator, vibe.UserFieldPrefix+ourUserField)
	if k.fields.Known() {
		k.fields.Fit(body)
	}
	for _, name := range notFilled() {
		delete(body, name)
	}
	delete(body, k.idField.Field())
	return body
}

// merge returns what of the fields that are offered is to be sent so that a card holds them besides all that it holds: nil
// when it lacks nothing. No more than mostOnCard phones, and e-mails, come together.
func merge(card vibe.Held, offered vibe.Body, patches Patches) vibe.Body {
	change := vibe.Body{}
	for name, value := range choose(card, offered) {
		if name != "phone" && name != "email" && card.Empty(name) {
			change[name] = value
		}
	}
	for _, name := range [...]string{"phone", "email"} {
		if more := missing(card, name, offered); len(more) > 0 {
			if values, ok := send(card, name, more, patches.of(name)); ok {
				change[name] = values
			}
		}
	}
	if len(change) == 0 {
		return nil
	}
	return change
}

// choose leaves out what would not fit to what the card says: parts of the name of another person, and of another visit.
func choose(card vibe.Held, offered vibe.Body) vibe.Body {
	chosen := maps.Clone(offered)
	text := func(name string) string { s, _ := offered[name].(string); return s }
	theirs := person.Person{First: card.Known.Name, Middle: card.Known.SecondName, Last: card.Known.LastName}
	if person.Contradict(theirs, person.Person{First: text("name"), Middle: text("secondName"), Last: text("lastName")}) {
		for _, name := range namesOfPerson() {
			delete(chosen, name)
		}
	}
	if card.HasAny(vibe.TellsOfVisit) {
		maps.DeleteFunc(chosen, func(name string, _ any) bool { return vibe.TellsOfVisit(name) })
	}
	return chosen
}

// missing are the phones, or the e-mails, that are offered and that a card lacks, in any spelling.
func missing(card vibe.Held, name string, offered vibe.Body) (more []vibe.Multifield) {
	values, _ := offered[name].([]vibe.Multifield)
	has := pointsOf(card, name)
	if !card.TellsPoints(name) {
		return nil
	}
	for _, v := range values {
		if len(has)+len(more) < mostOnCard && !holds(has, name, v.Value) && !holds(more, name, v.Value) {
			more = append(more, v)
		}
	}
	return more
}

// send returns what an update has to say so that the card holds more; not ok: it would lose or change what it holds, as
// the kind of a phone is not told, or is none that the API takes.
func send(card vibe.Held, name string, more []vibe.Multifield, patch Patch) (values []vibe.Multifield, ok bool) {
	switch patch {
	case PatchAdds:
		return more, true
	case PatchReplaces:
		has := pointsOf(card, name)
		strange := slices.ContainsFunc(has, func(m vibe.Multifield) bool { return !vibe.Takes(name, m.TypeID) })
		return slices.Concat(has, more), !strange
	}
	return nil, false
}

func pointsOf(card vibe.Held, name string) []vibe.Multifield {
	if name == "email" {
		return card.Emails
	}
	return card.Phones
}

// holds reports whether a phone, or an e-mail, is among others.
func holds(among []vibe.Multifield, name, value string) bool { return count(among, name, value) > 0 }

// count counts a phone, or an e-mail, among others.
func count(among []vibe.Multifield, name, value string) (n int) {
	for _, m := range among {
		if name == "email" && strings.EqualFold(m.Value, value) || name == "phone" && (m.Value == value || person.SamePhone(m.Value, value)) {
			n++
		}
	}
	return n
}

// verdict says whether a card holds what a change was to add.
type verdict int

const (
	kept    verdict = iota
	doubled         // each phone and e-mail that the card held and that was sent again stands there twice: nothing is lost
	notKept         // something is not there that was sent
	damaged         // a phone or an e-mail that the card held is gone
)

// verify compares a card before and after a change.
func verify(before, after vibe.Held, change vibe.Body) verdict {
	all, again, twice := kept, 0, 0
	for _, name := range [...]string{"phone", "email"} {
		sent, changed := change[name].([]vibe.Multifield)
		if !changed {
			continue
		}
		had, has := pointsOf(before, name), pointsOf(after, name)
		if len(gone(name, had, has)) > 0 {
			return damaged
		}
		if len(gone(name, sent, has)) > 0 {
			all = notKept
		}
		for _, m := range had {
			if holds(sent, name, m.Value) {
				again++
			}
			if holds(sent, name, m.Value) && count(has, name, m.Value) > count(had, name, m.Value) {
				twice++
			}
		}
	}
	for name := range change {
		if name != "phone" && name != "email" && after.Empty(name) {
			all = notKept
		}
	}
	if all == kept && again > 0 && twice == again {
		return doubled
	}
	return all
}

// tookEffect reports whether a card shows a phone or an e-mail that it did not hold before the change.
func (s *sent) tookEffect(now vibe.Held) bool {
	for _, name := range [...]string{"phone", "email"} {
		values, _ := s.change[name].([]vibe.Multifield)
		for _, m := range values {
			if !holds(pointsOf(s.before, name), name, m.Value) && holds(pointsOf(now, name), name, m.Value) {
				return true
			}
		}
	}
	return false
}

// gone are those of some phones, or e-mails, that a card does not hold.
func gone(name string, some, has []vibe.Multifield) (lost []vibe.Multifield) {
	for _, m := range some {
		if !holds(has, name, m.Value) && !holds(lost, name, m.Value) {
			lost = append(lost, m)
		}
	}
	return lost
}

// restored is what gives a card back the phones and e-mails that a change took from it: what is gone, and where updates
// replace, also what the card holds now. It is nil when nothing is gone.
func restored(before, after vibe.Held, change vibe.Body, patches Patches) vibe.Body {
	body := vibe.Body{}
	for _, name := range [...]string{"phone", "email"} {
		sent, changed := change[name].([]vibe.Multifield)
		had, has := pointsOf(before, name), pointsOf(after, name)
		if !changed || len(gone(name, had, has)) == 0 {
			continue
		}
		values := gone(name, had, has)
		if patches.of(name) == PatchReplaces {
			values = slices.Concat(has, gone(name, slices.Concat(had, sent), has))
		}
		for i := range values {
			if !vibe.Takes(name, values[i].TypeID) {
				values[i].TypeID = "WORK"
			}
		}
		body[name] = values
	}
	if len(body) == 0 {
		return nil
	}
	return body
}
