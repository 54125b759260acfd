package probe

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// differences compares what was seen with what leadbridge assumes (the vendor's documentation, and where that
// is silent, docs/portal.md).
func (p *Profile) differences() []Difference {
	var d differing
	p.compareKinds(&d)
	p.compareLookups(&d)
	p.compareWrites(&d)
	p.compareLimits(&d)
	return d.all
}

// harmless begins the Means of a difference about which there is nothing to do.
const harmless = "Nothing to do"

// The topics of differences that Warnings leaves out, as it compares the same with the settings.
const (
	topicLimits = "limits"
	topicBatch  = "batch"
	topicLag    = "look-up lag"
)

// differing collects differences.
type differing struct{ all []Difference }

func (d *differing) say(topic, assumed, seen, means string) {
	d.all = append(d.all, Difference{topic, assumed, seen, means, !strings.HasPrefix(means, harmless)})
}

func (a Answer) String() string {
	return strings.TrimSpace(strings.TrimPrefix(fmt.Sprint(a.Status, " ", a.Code), "0 "))
}

func (p *Profile) compareKinds(d *differing) {
	for _, name := range kinds() {
		e := p.Entities[name]
		switch {
		case e.Fields.Status == 0:
			continue // not asked
		case !e.Fields.OK():
			d.say(name, "the key may see their fields", e.Fields.String(), "Events cannot become "+name+" with this key: give it the right to, or choose another CRM_TARGET.")
			continue
		case e.Create.Status != 0 && !e.Create.OK():
			d.say(name, "the key may make them", e.Create.String(), "Events cannot become "+name+": read the code in docs/failures.md; the portal may demand a field.")
			continue
		}
		p.compareWays(d, name, e)
		if a := e.UserField.Delete; a.Status != 0 && !a.OK() {
			d.say("user fields of "+name, "the key that makes a user field may delete it", a.String(),
				"Only for the probe: its field UF_CRM_"+probeField+" is left. Delete it in the portal, and use --no-user-fields.")
		}
	}
}

// compareWays compares what the fields do that can carry our id: one that is listed and does not work would make look-ups
// find nothing.
func (p *Profile) compareWays(d *differing, name string, e Entity) {
	for _, way := range []string{wayOriginID, wayUserField} {
		w := e.Ways[way]
		topic := way + " of " + name
		switch {
		case !w.Offered && w.Kept:
			d.say(topic, "a field that is not listed is dropped", "kept", "Nothing to do: leadbridge uses only fields that are listed. Please send the profile.")
		case !w.Offered || e.Create.Status == 0:
		case !w.Kept:
			d.say(topic, "a field that is listed as writable keeps its value", "not kept", "Set CRM_ORIGIN_FIELD to another field: a crash would make second records.")
		case w.Found.Match == Missed || w.Found.Match == Ignored || w.Found.Match == Refused:
			d.say(topic, "a look-up by the field finds the record", string(w.Found.Match)+code(w.Found), "Do not use this field: set CRM_ORIGIN_FIELD to another one, or to none.")
		case w.In.Match != Found && w.In.Match != Unknown:
			d.say(topic+" by $in", "a look-up by $in finds the record", string(w.In.Match)+code(w.In), "Look-ups of several events at once find nothing: set CRM_ORIGIN_FIELD to another field, or to none.")
		}
		if w.Offered && w.Kept && !w.Told {
			d.say(topic, "the answer to a create repeats our id", "it does not", "Nothing to do: leadbridge looks the first one up and goes on.")
		}
	}
	if w := e.Ways[wayTag]; w.Offered && !w.Kept && e.Create.OK() {
		d.say("tag of "+name, "sourceDescription keeps its text", "not kept", "CRM_ORIGIN_FIELD=none cannot find anything: a field for the event's id is needed.")
	}
}

// code returns the code of a look-up in brackets; "" when it has none.
func code(l Lookup) string {
	if l.Code == "" {
		return ""
	}
	return " (" + l.Code + ")"
}

func (p *Profile) compareLookups(d *differing) {
	const exact = "phones are compared as they are stored"
	switch p.Phones {
	case "normalised", "mixed":
		d.say("phones", exact, p.Phones, "Nothing to do: more is found than leadbridge asks for, and it compares what it finds.")
	case string(Ignored):
		d.say("phones", exact, "the filter is ignored: strangers are answered", "Persons cannot be found by phone. CRM_ORIGIN_FIELD=none is slow and may hold: use a field for the event's id.")
	case string(Missed), string(Refused):
		d.say("phones", exact, p.Phones+code(p.Entities[contacts].Filters["phone"]), "Persons cannot be found by phone. Do not use CRM_ORIGIN_FIELD=none.")
	}
	for _, name := range kinds() {
		p.compareFilters(d, name, p.Entities[name].Filters)
	}
	if f := p.Zone.Filters; f == "not honoured" || f == "ignored" {
		d.say("times", "a filter by time honours the time's zone", f, "Nothing to do: leadbridge asks a day further back than it needs.")
	}
	if a := p.Codes["unknownFilter"]; a.OK() {
		d.say("unknown filter", "a filter by an unknown field is refused", "it is ignored", "Nothing to do: leadbridge compares what it finds, and trusts no look-up that has not found before.")
	}
}

// compareFilters compares the filters that leadbridge needs; others are in the table only.
func (p *Profile) compareFilters(d *differing, entity string, filters map[string]Lookup) {
	needed := map[string]string{
		"email": "Persons cannot be found by e-mail.", "phone:$in": "Persons cannot be found by several spellings at once.", "contactId": "A deal is not found by its contact: a field for the event's id is needed for deals.",
		"sourceDescription:$contains": "With CRM_ORIGIN_FIELD=none, a person without phone and e-mail cannot be looked up: use a field for the event's id.",
	}
	for _, name := range []string{"email", "phone:$in", "contactId", "sourceDescription:$contains"} {
		l, asked := filters[name]
		if asked && l.Match != Found && l.Match != Unknown {
			d.say(entity+" by "+name, "a look-up by it finds the record", string(l.Match)+code(l), needed[name])
		}
	}
}

func (p *Profile) compareWrites(d *differing) {
	if p.Extra > 0 {
		d.say("simple mode", "a lead stays a lead", fmt.Sprintf("%d further records were made of the probe's", p.Extra),
			"The portal makes a contact and a deal of each lead by itself: CRM_TARGET=lead makes all three.")
	}
	b := p.Batch
	switch {
	case b.Answer.Status != 0 && !b.Offered:
		d.say(topicBatch, "many operations go in one request", b.Answer.String(), "Set CRM_BATCH_SIZE=1. About five contacts a second are the most.")
	case b.Items > 0 && b.Made < b.Items:
		d.say(topicBatch, "fifty creates work in one request", fmt.Sprintf("%d of %d", b.Made, b.Items), "Lower CRM_BATCH_SIZE.")
	case b.PerItem > batchMore.Milliseconds():
		d.say(topicBatch, "an item takes up to 200 ms", fmt.Sprintf("%d ms", b.PerItem), "Batches may be given up before they end: lower CRM_BATCH_SIZE or raise CRM_TIMEOUT.")
	}
	if b.OneBad == "all fail" {
		d.say("bad item", "one bad item of a batch fails alone", "the whole batch fails", "Bad leads make good ones slow: batches are halved until the bad one is alone.")
	}
	if a, asked := p.Multifield["objects"]; asked && !a.OK() {
		d.say("phones", "an array of value and typeId is accepted", a.String(), "leadbridge sends phones so: nothing can be delivered. Please send the profile.")
	}
	if a := p.Multifield["native"]; a.OK() {
		d.say("native phones", "the native form is refused", "accepted", "Nothing to do: leadbridge does not send it.")
	}
	if a := p.Codes["unknownField"]; a.Code != "" {
		d.say("unknown field", "a field that is not known is dropped without a word", a.String(), "Nothing to do: leadbridge sends only fields that the portal lists.")
	}
	for _, mistake := range []string{"wrongType", "wrongCompany", "wrongUser"} {
		a := p.Codes[mistake]
		switch {
		case a.Status == 401 || a.Status == 402:
			d.say(mistake, "a wrong value is answered by 400, 403, 404 or 422", a.String(), "A wrong value looks like a wrong key: one bad lead holds all for a moment.")
		case a.Status >= 500:
			d.say(mistake, "a wrong value is answered by 400, 403, 404 or 422", a.String(), "A wrong value looks like an outage: such a lead is tried several times.")
		}
	}
	for _, card := range slices.Sorted(maps.Keys(p.Comments.Make)) {
		if a := p.Comments.Make[card]; a.Status != 0 && !a.OK() {
			d.say("comments on a "+card, "the key may write them", a.String(), "Leave CRM_COMMENT off: comments on such cards would not be written.")
		}
	}
	if a := p.Comments.Batch; a.Status != 0 && !a.OK() {
		d.say("comments in batches", "a batch may list them", a.String(), harmless+": they are read and written one by one.")
	}
	for _, card := range slices.Sorted(maps.Keys(p.Comments.Listed)) {
		if !p.Comments.Listed[card] {
			d.say("comments on a "+card, "a list shows a comment that was written", "not within the time of the probe", "Leave CRM_COMMENT off: a comment cannot be looked up, and after a crash it may be written twice.")
		}
	}
}

func (p *Profile) compareLimits(d *differing) {
	if p.Limits.Throttled > 0 {
		d.say(topicLimits, "the probe stays under the limits", fmt.Sprintf("%d answers 429", p.Limits.Throttled), "Others use up the limit of this key: see who, or lower CRM_REQUESTS_PER_MINUTE.")
	}
	if n := p.Limits.PerMinute; n > 0 && n < documentedPerMinute {
		d.say(topicLimits, "300 requests a minute", fmt.Sprint(n), fmt.Sprintf("Set CRM_REQUESTS_PER_MINUTE=%d.", n))
	}
	if n := p.Limits.PerSecond; n > 0 && n < documentedPerSecond {
		d.say(topicLimits, "10 requests a second", fmt.Sprint(n), "Nothing to do with CRM_REQUESTS_PER_SECOND=auto.")
	}
	if lag := p.Lag(); lag > settle.Milliseconds() || p.bestWay().Lag.Missing > 0 {
		seen := fmt.Sprintf("up to %d ms", lag)
		if n := p.bestWay().Lag.Missing; n > 0 {
			seen = fmt.Sprintf("%d of %d not within the time of the probe", n, n+p.bestWay().Lag.Samples)
		}
		d.say(topicLag, "a new record is found within 5 s", seen, "Raise CRM_SETTLE above it: a look-up that comes too early makes a second record.")
	}
	if !slices.Contains(p.Key.Scopes, "crm") && len(p.Key.Scopes) > 0 {
		d.say("key", "the key has the scope crm", strings.Join(p.Key.Scopes, ", "), "Give the key the scope crm in the portal.")
	}
}

// The documented limits.
const (
	documentedPerMinute = 300
	documentedPerSecond = 10
)

// bestWay returns the way by which leadbridge finds contacts: the first that works.
func (p *Profile) bestWay() Way {
	_, w := p.BestWay(contacts)
	return w
}

// BestWay returns the first way by which records of a kind are found, as CRM_ORIGIN_FIELD=auto looks for it,
// "" for none.
func (p *Profile) BestWay(entity string) (string, Way) {
	for _, name := range []string{wayOriginID, wayUserField, wayTag} {
		if w := p.Entities[entity].Ways[name]; w.Kept && w.Found.Match == Found && (w.In.Match == Found || w.In.Match == Unknown) {
			return name, w
		}
	}
	return "", Way{}
}

// Lag returns how long it took at most until a contact was found by the best way, in milliseconds; 0 when it is not known.
func (p *Profile) Lag() int64 { return p.bestWay().Lag.Max }
