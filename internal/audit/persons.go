package audit

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// matches reports whether an event may be given to a contact: they have a phone or an e-mail in common by which persons are
// looked for.
func (a *Audit) matches(e *Event, contact Object) bool {
	return slices.ContainsFunc(a.lookedFor(contact), func(point string) bool { return slices.Contains(e.Due.Points, point) })
}

// lookedFor returns the phones and e-mails of a contact by which persons are looked for.
func (a *Audit) lookedFor(contact Object) (points []string) {
	for _, point := range contact.Points {
		if email := strings.Contains(point, "@"); email && a.match.By.Email || !email && a.match.By.Phone {
			points = append(points, point)
		}
	}
	return points
}

// judgePersons records second contacts of one person. One that was made before the first one could be found is excepted.
func (a *Audit) judgePersons(objects []Object) {
	of := map[string][]Object{} // contacts, by phone or e-mail
	for _, o := range objects {
		if o.Kind == Contact {
			for _, point := range a.lookedFor(o) {
				of[point] = append(of[point], o)
			}
		}
	}
	reported := map[int64]bool{}
	for _, point := range slices.Sorted(maps.Keys(of)) {
		contacts := of[point]
		slices.SortFunc(contacts, func(x, y Object) int { return cmp.Or(x.Created.Compare(y.Created), cmp.Compare(x.ID, y.ID)) })
		for i, second := range contacts[1:] {
			first, e := contacts[i], a.origins[second.Origin]
			if e == nil || e == a.origins[first.Origin] || reported[second.ID] {
				continue // it is recorded as one of no event, or as doubled, or already
			}
			reported[second.ID] = true
			kind := "second-card"
			if second.Created.Sub(first.Created) <= a.match.Blind {
				kind = Excepted
			}
			a.fault(kind, e, "%v is of the same person as %v", second, first)
		}
	}
}
