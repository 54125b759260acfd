package audit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/audit"
)

// began is when the CRM made its first contact.
var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// ivan is how one person can be reached, maria another.
var ivan, maria = []string{"+79160000001", "ivan@example.com"}, []string{"+79160000002", "maria@example.com"}

func mark(origin string) string { return crmclient.CommentMark("leadbridge", origin) }

// run is an evidence in which all is as it must be, with persons looked for: of one person two deals with one contact, a
// lead with that contact, and an event that became a comment on it; of another one a letter of a deal whose contact
// exists, and an event that need not be delivered yet.
func run() audit.Evidence {
	record := func(offset int64, id string, due audit.Due) audit.Record {
		return audit.Record{Place: audit.Place{Offset: offset}, EventID: id, Origin: "lb-" + id, Line: "k", Value: []byte(id), Due: due}
	}
	deal, contact := audit.KindsOf(crmclient.TargetDeal), audit.KindsOf(crmclient.TargetContact)
	return audit.Evidence{
		Match: audit.Match{By: crmclient.Match{Email: true, Phone: true}, Blind: time.Second},
		Records: []audit.Record{
			record(0, "first", audit.Due{Kinds: deal, Points: ivan}),
			record(1, "again", audit.Due{Kinds: deal, Points: ivan}),
			record(2, "lead", audit.Due{Kinds: audit.KindsOf(crmclient.TargetLead), Points: ivan}),
			record(3, "comment", audit.Due{Kinds: contact, Points: ivan}),
			record(4, "refused", audit.Due{Kinds: deal, Reasons: []string{"CRM_REFUSED"}, Points: maria}),
			record(5, "open", audit.Due{Kinds: contact, Points: maria, Open: true}),
		},
		Objects: []audit.Object{
			{Kind: audit.Contact, ID: 1, Origin: "lb-first", Created: began, Points: ivan},
			{Kind: audit.Contact, ID: 2, Origin: "lb-refused", Created: began, Points: maria},
			{Kind: audit.Deal, ID: 1, Origin: "lb-first", With: 1},
			{Kind: audit.Deal, ID: 2, Origin: "lb-again", With: 1},
			{Kind: audit.Lead, ID: 1, Origin: "lb-lead", With: 1, Points: ivan},
		},
		Comments: []audit.Comment{
			{ID: 1, On: audit.Contact, OnID: 1, Mark: mark("lb-comment")},
			{ID: 2, On: audit.Deal, OnID: 2, Mark: mark("lb-again")},
		},
		Letters: []audit.Letter{{EventID: "refused", From: audit.Place{Offset: 4}, Reason: "CRM_REFUSED", Done: "contact=2"}},
	}
}

// second is another contact of the first person, made of the event that is a comment now.
func second(after time.Duration) audit.Object {
	return audit.Object{Kind: audit.Contact, ID: 3, Origin: "lb-comment", Created: began.Add(after), Points: ivan[1:]}
}

// TestFaultsOfPersons sees each fault that can happen where persons are looked for.
func TestFaultsOfPersons(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(ev *audit.Evidence)
		want  []string
	}{
		"all is well":    {func(*audit.Evidence) {}, nil},
		"a deal is lost": {func(ev *audit.Evidence) { ev.Objects = slices.Delete(ev.Objects, 3, 4); ev.Comments = ev.Comments[:1] }, []string{"lost"}},
		"a deal twice": {func(ev *audit.Evidence) {
			ev.Objects = append(ev.Objects, audit.Object{Kind: audit.Deal, ID: 3, Origin: "lb-again", With: 1})
		}, []string{"doubled"}},
		"a deal without a contact":              {func(ev *audit.Evidence) { ev.Objects[3].With = 0 }, []string{"apart"}},
		"a deal with a contact that is gone":    {func(ev *audit.Evidence) { ev.Objects[3].With = 77 }, []string{"apart"}},
		"a deal with another person's contact":  {func(ev *audit.Evidence) { ev.Objects[3].With = 2 }, []string{"apart"}},
		"a deal with another contact than its":  {func(ev *audit.Evidence) { ev.Objects[2].With = 2 }, []string{"apart"}},
		"a lead with another person's contact":  {func(ev *audit.Evidence) { ev.Objects[4].With = 2 }, []string{"apart"}},
		"a lead without a contact":              {func(ev *audit.Evidence) { ev.Objects[4].With = 0 }, nil},
		"the comment that an event became":      {func(ev *audit.Evidence) { ev.Comments = ev.Comments[1:] }, []string{"lost"}},
		"a comment that was to go with a deal":  {func(ev *audit.Evidence) { ev.Comments = ev.Comments[:1] }, nil},
		"a comment twice":                       {func(ev *audit.Evidence) { ev.Comments = append(ev.Comments, ev.Comments[0]) }, []string{"comment"}},
		"a comment on another person's contact": {func(ev *audit.Evidence) { ev.Comments[0].OnID = 2 }, []string{"comment", "lost"}},
		"a deal's comment on its contact": {func(ev *audit.Evidence) {
			ev.Comments[1] = audit.Comment{ID: 2, On: audit.Contact, OnID: 1, Mark: mark("lb-again")}
		}, []string{"comment"}},
		"a comment of nobody":  {func(ev *audit.Evidence) { ev.Comments[1].Mark = mark("lb-else") }, []string{"stranger"}},
		"a comment on no card": {func(ev *audit.Evidence) { ev.Comments[1].OnID = 77 }, []string{"stranger"}},
		"a second contact": {func(ev *audit.Evidence) {
			ev.Objects = append(ev.Objects, second(2*time.Second))
			ev.Comments = ev.Comments[1:]
		}, []string{"second-card"}},
		"a second contact at once": {func(ev *audit.Evidence) {
			ev.Objects = append(ev.Objects, second(time.Second))
			ev.Comments = ev.Comments[1:]
		}, []string{audit.Excepted}},
		"a contact and a comment on another": {func(ev *audit.Evidence) { ev.Objects = append(ev.Objects, second(time.Second)) }, []string{"comment", audit.Excepted}},
		"a second contact, by phones alone": {func(ev *audit.Evidence) {
			ev.Objects = append(ev.Objects, second(time.Minute))
			ev.Comments = ev.Comments[1:]
			ev.Match.By.Email = false
		}, nil},
		"a letter that names no contact": {func(ev *audit.Evidence) { ev.Letters[0].Done = "" }, []string{"done"}},
		"a letter that names a person's contact": {func(ev *audit.Evidence) {
			ev.Objects = slices.Delete(ev.Objects, 1, 2)
			ev.Objects[0].Points = slices.Concat(ivan, maria)
			ev.Letters[0].Done = "contact=1"
		}, []string{"content"}},
		"a letter of an event with an open end": {func(ev *audit.Evidence) {
			ev.Letters = append(ev.Letters, audit.Letter{EventID: "open", FromUnknown: true, Reason: "CRM_REFUSED"})
		}, []string{"fate"}},
		"a letter that names another event": {func(ev *audit.Evidence) { ev.Letters[0].From.Offset = 5 }, []string{"letter-ids", "lost", "fate"}},
		"made in another order":             {func(ev *audit.Evidence) { ev.Objects[2].ID, ev.Objects[3].ID = 2, 1; ev.Comments = ev.Comments[:1] }, []string{"order"}},
		"no persons are looked for":         {func(ev *audit.Evidence) { ev.Match = audit.Match{} }, []string{"comment", "apart", "apart", "lost"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ev := run()
			c.spoil(&ev)
			a := audit.Account(ev)
			var kinds []string
			for _, f := range a.Faults {
				kinds = append(kinds, f.Kind)
			}
			if !slices.Equal(kinds, c.want) {
				t.Errorf("faults %v, want %v:\n%v", kinds, c.want, a.Faults)
			}
		})
	}
}

// TestCounts counts what was given to a contact that was there before apart from what was made.
func TestCounts(t *testing.T) {
	t.Parallel()
	a := audit.Account(run())
	if want := (audit.Counts{Records: 6, Events: 6, Contacts: 2, Leads: 1, Deals: 2, Letters: 1, Comments: 2, Matched: 3}); a.Counts != want {
		t.Errorf("%+v, want %+v", a.Counts, want)
	}
	if sum := a.Counts.Plus(a.Counts).Minus(a.Counts); sum != a.Counts {
		t.Errorf("%+v, want %+v", sum, a.Counts)
	}
}
