// Package person decides whether an event and a contact of the CRM may belong to the same person. It does no I/O,
// and its values are never modified.
package person

import (
	"slices"
	"strings"
)

// Person is what is known of somebody. Phones and Emails are in any spelling.
type Person struct {
	First, Middle, Last string
	Phones, Emails      []string
}

// By says by which contact points persons are compared.
type By struct{ Phone, Email bool }

// Agrees reports whether two descriptions may belong to the same person. A common e-mail address is enough. A
// common phone number is enough if the names do not contradict each other ([Contradict]). Only the kinds of contact
// points in by count. The case of e-mail addresses does not matter.
func (p Person) Agrees(other Person, by By) bool {
	return by.Email && p.sharesEmail(other) || by.Phone && p.sharesPhone(other) && !Contradict(p, other)
}

// Shares reports whether both have a common contact point of a kind in by.
func (p Person) Shares(other Person, by By) bool {
	return by.Email && p.sharesEmail(other) || by.Phone && p.sharesPhone(other)
}

// Points returns keys of the person's contact points of the kinds in by. Two persons who share a contact point have a
// common key.
func (p Person) Points(by By) []string {
	var keys []string
	if by.Email {
		for _, e := range p.Emails {
			keys = append(keys, "email:"+foldEmail(e))
		}
	}
	if by.Phone {
		for _, number := range p.Phones {
			if key := phoneKey(number); key != "" {
				keys = append(keys, "phone:"+key)
			}
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

func (p Person) sharesEmail(other Person) bool {
	return slices.ContainsFunc(p.Emails, func(e string) bool {
		e = foldEmail(e)
		return e != "" && slices.ContainsFunc(other.Emails, func(o string) bool { return foldEmail(o) == e })
	})
}

func (p Person) sharesPhone(other Person) bool {
	return slices.ContainsFunc(p.Phones, func(number string) bool {
		return slices.ContainsFunc(other.Phones, func(o string) bool { return SamePhone(number, o) })
	})
}

func foldEmail(e string) string { return strings.ToLower(strings.TrimSpace(e)) }
