package crmclient

import (
	"maps"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient/internal/person"
	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// A card is filled with what it lacks. Nothing that it holds is ever replaced.

// notFilled returns the fields that are never added to a card: its source, its responsible user, its comments, and the id of
// the event that made it.
func notFilled() []string {
	return []string{"comments", "sourceId", "sourceDescription", "assignedById", vibe.NativeID, vibe.NativeOwner, "originVersion"}
}

// namesOfPerson returns the parts of a name. They are added only if the card does not hold another person's name.
func namesOfPerson() []string { return []string{"name", "lastName", "secondName", "honorific"} }

// Fills returns the fields that would be added to a card that lacks them all; nil unless cards are filled.
func (m Match) Fills(contact Contact) map[string]any {
	if !m.Fill {
		return nil
	}
	return offered(contact, kind{}, "")
}

// offered returns the fields of an event's contact that may be added to a card. If the portal's description k is known,
// fields that the portal does not have are left out, and the others are spelled as the portal spells them.
func offered(contact Contact, k kind, originator string) vibe.Body {
	body := contact.Body()
	// What carries our ids is not the event's to set.
	k.idField.Clean(body, originator, vibe.UserFieldPrefix+ourUserField)
	if k.fields.Known() {
		k.fields.Fit(body)
	}
	for _, name := range notFilled() {
		delete(body, name)
	}
	delete(body, k.idField.Field()) // in the portal's spelling
	return body
}

// merge returns the update that adds to a card the offered fields that it lacks; nil if it lacks none. Phones and e-mails
// are added until the card has mostOnCard of them.
func merge(card vibe.Held, offered vibe.Body, patches Patches) vibe.Body {
	change := vibe.Body{}
	for name, value := range choose(card, offered) {
		if name != "phone" && name != "email" && card.Empty(name) {
			change[name] = value
		}
	}
	for _, name := range [...]string{"phone", "email"} {
		more := missing(card, name, offered)
		if len(more) == 0 {
			continue
		}
		if values, ok := toSend(card, name, more, patches.of(name)); ok {
			change[name] = values
		}
	}
	if len(change) == 0 {
		return nil
	}
	return change
}

// choose returns the offered fields without those that must not be mixed with what the card holds: names, if the card has the
// name of another person, and tracking fields (utm and the like), if it has those of another visit.
func choose(card vibe.Held, offered vibe.Body) vibe.Body {
	chosen := maps.Clone(offered)
	text := func(name string) string {
		s, _ := offered[name].(string)
		return s
	}
	theirs := person.Person{First: card.Known.Name, Middle: card.Known.SecondName, Last: card.Known.LastName}
	if person.Contradict(theirs, person.Person{First: text("name"), Middle: text("secondName"), Last: text("lastName")}) {
		for _, name := range namesOfPerson() {
			delete(chosen, name)
		}
	}
	if card.HasAny(vibe.IsTrackingField) {
		maps.DeleteFunc(chosen, func(name string, _ any) bool { return vibe.IsTrackingField(name) })
	}
	return chosen
}

// missing returns the offered phones (or e-mails, by name) that a card does not hold in any spelling, up to mostOnCard on the
// card. It returns none if the card was read without them.
func missing(card vibe.Held, name string, offered vibe.Body) (more []vibe.Multifield) {
	values, _ := offered[name].([]vibe.Multifield)
	has := pointsOf(card, name)
	if !card.ShowsPoints(name) {
		return nil
	}
	for _, v := range values {
		if len(has)+len(more) < mostOnCard && !holds(has, name, v.Value) && !holds(more, name, v.Value) {
			more = append(more, v)
		}
	}
	return more
}

// toSend returns the phones (or e-mails) that an update must send to add more to a card. Where updates replace values, it
// sends those that the card holds as well. ok is false if this would change them, because the API does not take their type
// (work, home and so on), or if it is not known what updates do.
func toSend(card vibe.Held, name string, more []vibe.Multifield, patch Patch) (values []vibe.Multifield, ok bool) {
	switch patch {
	case PatchAdds:
		return more, true
	case PatchReplaces:
		has := pointsOf(card, name)
		changed := slices.ContainsFunc(has, func(m vibe.Multifield) bool { return !vibe.Takes(name, m.TypeID) })
		return slices.Concat(has, more), !changed
	}
	return nil, false
}

// pointsOf returns the e-mails of a card for the name "email", and its phones for any other name.
func pointsOf(card vibe.Held, name string) []vibe.Multifield {
	if name == "email" {
		return card.Emails
	}
	return card.Phones
}

// holds reports whether a phone, or an e-mail, is among others.
func holds(among []vibe.Multifield, name, value string) bool { return count(among, name, value) > 0 }

// count returns how often a phone, or an e-mail, is among others.
func count(among []vibe.Multifield, name, value string) (n int) {
	for _, m := range among {
		if samePoint(name, m.Value, value) {
			n++
		}
	}
	return n
}

// samePoint reports whether two spellings are of one e-mail or, by name, of one phone.
func samePoint(name, a, b string) bool {
	switch name {
	case "email":
		return strings.EqualFold(a, b)
	case "phone":
		return a == b || person.SamePhone(a, b)
	}
	return false
}

// verdict says whether a card holds what an update should have added.
type verdict int

const (
	kept    verdict = iota
	doubled         // the card lost nothing, but each of its phones and e-mails that the update sent again now stands there twice
	notKept         // something that was sent is missing
	damaged         // a phone or an e-mail that the card held is gone
)

// verify compares a card before and after an update.
func verify(before, after vibe.Held, change vibe.Body) verdict {
	result := kept
	resent, twice := 0, 0 // how many of the card's values were sent again, and how many of these it now has twice
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
			result = notKept
		}
		for _, m := range had {
			if !holds(sent, name, m.Value) {
				continue
			}
			resent++
			if count(has, name, m.Value) > count(had, name, m.Value) {
				twice++
			}
		}
	}
	for name := range change {
		if name != "phone" && name != "email" && after.Empty(name) {
			result = notKept
		}
	}
	// A portal whose updates add to the card doubles all values that were sent again. If only some stand twice, something else
	// added those.
	if result == kept && resent > 0 && twice == resent {
		return doubled
	}
	return result
}

// tookEffect reports whether a card shows a phone or an e-mail of the update that it did not hold before.
func (s *sentUpdate) tookEffect(now vibe.Held) bool {
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

// gone returns those of some phones (or e-mails) that are not among has, each once.
func gone(name string, some, has []vibe.Multifield) (lost []vibe.Multifield) {
	for _, m := range some {
		if !holds(has, name, m.Value) && !holds(lost, name, m.Value) {
			lost = append(lost, m)
		}
	}
	return lost
}

// restored returns the update that writes back the phones and e-mails that an earlier update, change, took from a card; nil
// if none is gone. Types that the API does not take become WORK.
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
			// What the card holds now, and whatever it lacks of what it held before and what was sent.
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
