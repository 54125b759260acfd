// Package person decides whether two descriptions are of one person: what an event says, and what a contact of
// the CRM holds. It does no I/O, and its values never change.
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

// By says which contact points a person is looked for by.
type By struct{ Phone, Email bool }

// Agrees reports whether another description may be taken for the same person: an e-mail address in common is
// enough, a phone number in common when the names do not contradict each other ([Contradict]). Only
// contact points that by names count. E-mail addresses are compared without regard to case.
func (p Person) Agrees(other Person, by By) bool {
	return by.Email && p.sharesEmail(other) || by.Phone && p.sharesPhone(other) && !Contradict(p, other)
}

// Shares reports whether both have a contact point in common that by names.
func (p Person) Shares(other Person, by By) bool {
	return by.Email && p.sharesEmail(other) || by.Phone && p.sharesPhone(other)
}

// Points returns keys of the person's contact points that by names: two persons who share a point have a
// key in common.
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
