package probe

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Write writes the profile for people.
func (p *Profile) Write(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(t, "  %s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	head := func(name string) { _, _ = fmt.Fprintf(t, "\n%s\n", name) }
	p.writeKey(row)
	for _, name := range kinds() {
		head(strings.ToUpper(name[:1]) + name[1:])
		e := p.Entities[name]
		e.write(row)
	}
	head("Operations")
	p.writeOperations(row)
	p.writeConclusions(row, head)
	return t.Flush()
}

// rowWriter writes a row of two cells.
type rowWriter func(name, format string, args ...any)

func (p *Profile) writeKey(row rowWriter) {
	if p.Key.portal != "" {
		row("portal", "%s", strings.Map(printable, p.Key.portal))
	}
	row("key", "%s", or(strings.TrimSpace(p.Key.Type+" "+strings.Join(p.Key.Scopes, ",")), p.Key.String()))
	row("limits", "%s a second, %s a minute; least left %d, throttled %d", told(p.Limits.PerSecond), told(float64(p.Limits.PerMinute)), p.Limits.LeastRemaining, p.Limits.Throttled)
	row("probe", "%d requests in %.0f s", p.Requests, float64(p.Took)/1000)
	if !p.Complete {
		row("", "ended early: what is missing was not asked")
	}
}

// printable returns -1, by which strings.Map drops it, for a character that could move a terminal's cursor.
func printable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return -1
	}
	return r
}

// told returns a limit as text.
func told(n float64) string {
	if n == 0 {
		return "(not told)"
	}
	return fmt.Sprint(n)
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (e *Entity) write(row rowWriter) {
	row("fields", "%s, %d of the vendor's can be written, %d user fields; UTM %s", e.Fields, len(e.Names), e.UserFields, or(e.UTM, "not asked"))
	row("create", "%s", or(e.Create.String(), "not asked"))
	switch {
	case e.UserField.Existing:
		row("user field", "%s is there", ourField)
	case e.UserField.Make != Answer{}:
		row("user field", "made: %s, deleted: %s", e.UserField.Make, or(e.UserField.Delete.String(), "-"))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Ways)) {
		w := e.Ways[name]
		if !w.Offered && !w.Kept {
			row("id in "+name, "not offered")
			continue
		}
		text := fmt.Sprintf("kept: %s, in the create's answer: %s, by value: %s, by $in: %s", yes(w.Kept), yes(w.Told), w.Found, w.In)
		if w.Lag.Samples+w.Lag.Missing > 0 {
			text += fmt.Sprintf("; found after %d ms (p50), %d ms (max of %d), %d not found", w.Lag.P50, w.Lag.Max, w.Lag.Samples, w.Lag.Missing)
		}
		row("id in "+name, "%s", text)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Filters)) {
		row("filter "+name, "%s", e.Filters[name])
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// String names what a look-up did.
func (l Lookup) String() string { return or(string(l.Match), "not asked") + code(l) }

func (p *Profile) writeOperations(row rowWriter) {
	row("phones in look-ups", "%s", p.Phones)
	row("times", "written with %s, zones in filters %s", or(p.Zone.Answers, "(not seen)"), or(p.Zone.Filters, "not asked"))
	row("batch", "%s", p.Batch.text())
	writeAnswers(row, "phone as ", p.Multifield)
	row("update (PATCH)", "phone: %s, e-mail: %s, the same again: %s, several at once: %s (%s)", or(p.Update.Phone, "-"), or(p.Update.Email, "-"), or(p.Update.Again, "-"), or(p.Update.Both, "-"), or(p.Update.Answer.String(), "not asked"))
	b := p.Update.InBatch
	row("updates in a batch", "phone: %s, e-mail: %s, several at once: %s (%s)", or(b.Phone, "-"), or(b.Email, "-"), or(b.Both, "-"), or(b.Answer.String(), "not asked"))
	for _, card := range slices.Sorted(maps.Keys(p.Comments.Make)) {
		row("comment on a "+card, "%s, listed: %s", p.Comments.Make[card], yes(p.Comments.Listed[card]))
	}
	writeAnswers(row, "mistake ", p.Codes)
	row("/v1/duplicates", "%s", or(p.Duplicates.String(), "not asked"))
	row("/v1/openapi.json", "%s, %d bytes, %d paths", or(p.OpenAPI.String(), "not asked"), p.OpenAPI.Bytes, len(p.OpenAPI.Paths))
	for _, op := range slices.Sorted(maps.Keys(p.Calls)) {
		c := p.Calls[op]
		row("time of "+op, "%d ms (p50), %d ms (max of %d), up to %d bytes", c.P50, c.Max, c.Samples, c.Bytes)
	}
}

func writeAnswers(row rowWriter, before string, answers map[string]Answer) {
	for _, name := range slices.Sorted(maps.Keys(answers)) {
		row(before+name, "%s", answers[name])
	}
}

func (b Batch) text() string {
	switch {
	case b.Items == 0:
		return or(b.Answer.String(), "not asked")
	case b.OneBad == "":
		return fmt.Sprintf("%d of %d creates in %d ms, %d ms an item", b.Made, b.Items, b.Took, b.PerItem)
	}
	return fmt.Sprintf("%d of %d creates in %d ms, %d ms an item; a bad item: %s", b.Made, b.Items, b.Took, b.PerItem, b.OneBad)
}

func (p *Profile) writeConclusions(row rowWriter, head func(string)) {
	if len(p.Proposal) > 0 {
		head("Proposed settings")
	}
	for _, s := range p.Proposal {
		row(s.Name+"="+s.Value, "%s", s.Why)
	}
	head("Differences from what leadbridge assumes")
	if len(p.Differences) == 0 {
		row("none", "")
	}
	for _, d := range p.Differences {
		row(d.Topic, "assumed: %s; seen: %s", d.Assumed, d.Seen)
		row("", "%s", d.Means)
	}
	if len(p.Left)+len(p.Unread) > 0 {
		head("Left in the portal: delete them, or run leadbridge probe --clean")
	}
	for _, l := range p.Left {
		row(l.Entity, "%d", l.ID)
	}
	for _, kind := range p.Unread {
		row(kind, "some may be left, as they could not be looked up: run leadbridge probe --clean")
	}
}
