package admin

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// previewed compares what a letter's event becomes now with what it would become after an edit. Nothing is masked.
type previewed struct {
	Before   string       `json:"before"` // why the event becomes nothing now; "" if it becomes something
	After    string       `json:"after"`  // why the event would become nothing after the edit; "" if it would become something
	Failed   string       `json:"failed"` // why the edit cannot be made; "" when it can
	Compared []comparison `json:"compared"`
}

// comparison is one field of a contact, lead or deal.
type comparison struct {
	Kind   string `json:"kind"`  // contact, lead or deal
	Field  string `json:"field"` // by the CRM's name
	Before string `json:"before"`
	After  string `json:"after"`
	Change string `json:"change"` // same, changed, added or removed
}

// preview answers with what a letter's event would become with another value, beside what it becomes now. It neither
// writes anything nor asks the CRM.
func (s *Server) preview(w http.ResponseWriter, r *http.Request, by caller) {
	var body struct {
		Value *string `json:"value"` // the new value; null if only the program changes the value
		JQ    string  `json:"jq"`
	}
	if !decode(w, r, replayBody, &body) {
		return
	}
	l, ok := s.requestedLetter(w, r)
	if !ok {
		return
	}
	switch {
	case l.State == dlt.StateErased:
		refuse(w, http.StatusConflict, erased())
		return
	case l.ValueOmitted():
		refuse(w, http.StatusConflict, phrase.New("value_omitted", "the letter was written without its value"))
		return
	}
	q := replayRequest{Places: []string{l.Position.String()}, JQ: body.JQ}
	if body.Value != nil {
		q.Edit = &editRequest{Place: l.Position.String(), Value: *body.Value}
	}
	edit, wrong := q.editor([]dlt.Position{l.Position})
	if wrong != nil {
		fieldProblem(w, wrong.status, wrong.field, wrong.detail)
		return
	}
	// As a program may take long, a preview takes the turn of a dry run.
	end, ok := s.replays.begin(true)
	if !ok {
		refuse(w, http.StatusConflict, phrase.New("dry_runs_run", "other dry runs are under way: try again in a moment"))
		return
	}
	defer end()
	s.audit("preview", by).Str("place", l.Position.String()).Str("event_id", transform.PublicID(l.EventID)).Msg("page: an edit of a letter was previewed")
	answer(w, s.previewOf(l, edit))
}

// previewOf compares what becomes of a letter's event without and with an edit, which may be nil.
func (s *Server) previewOf(l dlt.Letter, edit dlt.Editor) previewed {
	before, why := s.built(l)
	p := previewed{Before: why}
	edited, err := l, error(nil)
	if edit != nil {
		value := l.Value
		text, unread := l.Unframed(s.cfg.Transformer)
		if text != nil {
			value = text
		}
		if unread != "" {
			err = errors.New(unread)
		} else {
			edited.Value, err = edit.Edit(value)
		}
	}
	var after []built
	if err != nil {
		p.Failed = err.Error()
	} else {
		after, p.After = s.built(edited)
	}
	p.Compared = compare(before, after)
	return p
}

// built is a contact, lead or deal as it would be sent to the CRM, without our own fields.
type built struct {
	kind   string
	fields map[string]string
}

// built returns what a letter's event would become, or why it would become nothing.
func (s *Server) built(l dlt.Letter) (all []built, why string) {
	event, err := l.Event(s.cfg.Transformer)
	var plan transform.Plan
	if err == nil {
		plan, err = s.cfg.Transformer.Plan(event)
	}
	if rejection, ok := errors.AsType[*transform.Rejection](err); ok {
		return nil, string(rejection.Reason) + ": " + rejection.Message
	}
	if err != nil {
		return nil, err.Error()
	}
	switch kind := cmp.Or(plan.Target, s.cfg.Target, crmclient.TargetContact); kind {
	case crmclient.TargetLead:
		return []built{{string(kind), texts(plan.Card.Lead(plan.Contact))}}, ""
	case crmclient.TargetDeal:
		deal := texts(plan.Card.Deal(plan.Contact, 0))
		delete(deal, "contactId") // the contact does not exist yet
		return []built{{string(crmclient.TargetContact), texts(plan.Contact)}, {string(kind), deal}}, ""
	}
	return []built{{string(crmclient.TargetContact), texts(plan.Contact)}}, ""
}

// texts returns the fields of an object as people read them: each phone number or address in a line.
func texts(object any) map[string]string {
	raw, err := json.Marshal(object)
	var fields map[string]json.RawMessage
	if err != nil || json.Unmarshal(raw, &fields) != nil {
		return nil // these values can always be encoded
	}
	out := make(map[string]string, len(fields))
	for name, value := range fields {
		out[name] = fieldText(value)
	}
	return out
}

func fieldText(raw json.RawMessage) string {
	var text string
	var list []crmclient.Multifield
	switch {
	case json.Unmarshal(raw, &text) == nil:
		return text
	case json.Unmarshal(raw, &list) == nil && len(list) > 0 && list[0].TypeID != "":
		lines := make([]string, len(list))
		for i, one := range list {
			lines[i] = one.Value + " (" + one.TypeID + ")"
		}
		return strings.Join(lines, "\n")
	}
	return string(raw)
}

// firstFields are the fields that are compared first; the others follow by name.
var firstFields = []string{"title", "name", "secondName", "lastName", "phone", "email", "post", "comments"}

// compare returns all fields that objects have before or after an edit.
func compare(before, after []built) []comparison {
	list := []comparison{}
	for _, kind := range []crmclient.Target{crmclient.TargetContact, crmclient.TargetLead, crmclient.TargetDeal} {
		was, is := fieldsOf(before, string(kind)), fieldsOf(after, string(kind))
		all := map[string]bool{}
		for _, fields := range []map[string]string{was, is} {
			for name := range fields {
				all[name] = true
			}
		}
		names := slices.SortedFunc(maps.Keys(all), func(a, b string) int {
			return cmp.Or(cmp.Compare(placeOf(a), placeOf(b)), cmp.Compare(a, b))
		})
		for _, name := range names {
			list = append(list, comparison{string(kind), name, was[name], is[name], changeOf(was, is, name)})
		}
	}
	return list
}

func fieldsOf(all []built, kind string) map[string]string {
	i := slices.IndexFunc(all, func(b built) bool { return b.kind == kind })
	if i < 0 {
		return nil
	}
	return all[i].fields
}

// placeOf returns where a field is among the others.
func placeOf(name string) int {
	if i := slices.Index(firstFields, name); i >= 0 {
		return i
	}
	return len(firstFields)
}

func changeOf(was, is map[string]string, name string) string {
	old, there := was[name]
	now, stays := is[name]
	switch {
	case !there:
		return "added"
	case !stays:
		return "removed"
	case old != now:
		return "changed"
	}
	return "same"
}
