package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/dlt"
)

type dltListCommand struct {
	settings.DeadLetters `embed:""`
	letterFilter         `embed:"" group:"Letters:"`

	Search  string `group:"Letters:" placeholder:"TEXT" help:"Only letters in which that is found: in what they say, or in the contact that is made of them, as a phone number in any spelling or a name in any order."`
	State   string `group:"Letters:" enum:"all,open,closed,replayed,erased" default:"all" placeholder:"STATE" help:"Only letters that are open, closed, replayed or erased; all: all but those erased."`
	GroupBy string `name:"group-by" enum:"reason,code,words,source,none" default:"none" placeholder:"reason|code|words|source" help:"Count the letters by that instead of listing them."`
	Order   string `enum:"newest,oldest" default:"newest" placeholder:"newest|oldest" help:"Which letters come first; --limit takes the first ones."`
	Output  string `enum:"table,json" default:"table" placeholder:"table|json" help:"For people, or one JSON object a line."`
	Unmask  bool   `help:"Show names, phone numbers and e-mail addresses."`
}

// Help explains what is listed.
func (dltListCommand) Help() string {
	return "Letters of one event are shown once. Their place, partition:offset, is what dlt show and dlt replay take. " +
		"MAPPING_FILE and PHONE_REGION should be those of the service: what it reads as a name is masked. docs/dead-letters.md describes the fields of the JSON."
}

// Run lists letters.
func (c dltListCommand) Run(p process) error {
	filter, err := c.filter(p.stderr, time.Now())
	if err != nil {
		return err
	}
	filter.States, filter.Newest = statesOf(c.State), c.Order == "newest"
	return withLetters(p, c.DeadLetters, func(ctx context.Context, t *dlt.Topic, cfg settings.DeadLettersConfig) error {
		if strings.TrimSpace(c.Search) != "" {
			filter.Text = dlt.Searching(c.Search, cfg.Transformer)
		}
		line := func(l dlt.Letter) dlt.Line { return t.Line(l, cfg.Transformer) }
		if c.Unmask {
			line = func(l dlt.Letter) dlt.Line { return t.Unmasked(l).Decode(l, cfg.Transformer) }
		}
		if c.GroupBy != "none" {
			return c.group(ctx, p, t, filter)
		}
		if c.Output == "json" {
			return t.Each(ctx, filter, func(l dlt.Letter) error { return printJSON(p.stdout, line(l)) })
		}
		table := newTable(p.stdout)
		table.filtered = c.narrows()
		if err := t.Each(ctx, filter, func(l dlt.Letter) error { return table.add(line(l)) }); err != nil {
			return err
		}
		return table.histogram(cfg.Letters.DeadLetterTopic)
	})
}

// statesOf returns the states that --state names.
func statesOf(name string) []dlt.State {
	if name == "all" {
		return nil
	}
	return []dlt.State{dlt.State(name)}
}

// table writes letters as they are read.
type table struct {
	out      io.Writer
	width    int // of a line, in characters
	rows     int
	filtered bool // not all letters were asked for
	reasons  map[string]*tally
}

// tally counts letters by their states.
type tally struct {
	reason                         string // of the letters, in a table
	open, closed, replayed, erased int
}

func (t tally) all() int { return t.open + t.closed + t.replayed + t.erased }

// count adds a letter.
func (t *tally) count(state dlt.State) {
	switch state {
	case dlt.StateClosed:
		t.closed++
	case dlt.StateReplayed:
		t.replayed++
	case dlt.StateErased:
		t.erased++
	default:
		t.open++
	}
}

// done returns how many letters are not open, and how many are, for the end of a line; "" when all are open.
func (t tally) done() string {
	var parts []string
	for _, part := range []struct {
		n    int
		word string
	}{{t.closed, "closed"}, {t.replayed, "replayed"}, {t.erased, "erased"}} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.word))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("  (%d open, %s)", t.open, strings.Join(parts, ", "))
}

// plainWidth is the width of a table that is not on a terminal, in characters.
const plainWidth = 200

func newTable(w io.Writer) *table {
	t := &table{out: w, width: plainWidth, reasons: map[string]*tally{}}
	if f, ok := w.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			t.width = max(width, 80)
		}
	}
	return t
}

// row lays out a line; on a narrow terminal the event has less room than the value.
func (t *table) row(place, written, reason, code, state, event, words, value string) string {
	room := 40
	if t.width < 150 {
		room = 20
	}
	return cut(fmt.Sprintf("%-9s %-16s %-17s %-16s %-8s %-*s %-*s %s", place, written, reason, code, state, room, cut(event, room), room, cut(words, room), value), t.width)
}

// add writes a letter's line, after the headings if it is the first one.
func (t *table) add(l dlt.Line) error {
	if t.rows == 0 {
		if _, err := fmt.Fprintln(t.out, t.row("PLACE", "WRITTEN (UTC)", "REASON", "CODE", "STATE", "EVENT", "WORDS", "VALUE")); err != nil {
			return err
		}
	}
	t.rows++
	t.count(l)
	place := dlt.Position{Partition: l.Partition, Offset: l.Offset}
	value := cmp.Or(l.Decoded, "(no text)")
	if l.Decoded == "" && l.Value != nil {
		value = *l.Value
	}
	_, err := fmt.Fprintln(t.out, t.row(place.String(), l.Timestamp.UTC().Format("2006-01-02 15:04"), clean(cmp.Or(l.Reason, "-")), clean(cmp.Or(l.Code, "-")),
		string(l.State), clean(l.EventID), clean(cmp.Or(l.Message, "-")), clean(cut(value, plainWidth))))
	return err
}

// count counts a letter for the histogram.
func (t *table) count(l dlt.Line) {
	counts := t.reasons[l.Reason]
	if counts == nil {
		counts = &tally{reason: l.Reason}
		t.reasons[l.Reason] = counts
	}
	counts.count(l.State)
}

// histogram shows how many letters each reason has.
func (t *table) histogram(topic string) error {
	if t.rows == 0 {
		return noLetters(t.out, topic, t.filtered)
	}
	all := make([]*tally, 0, len(t.reasons))
	most := 0
	for _, counts := range t.reasons {
		all = append(all, counts)
		most = max(most, counts.all())
	}
	slices.SortFunc(all, func(a, b *tally) int {
		return cmp.Or(cmp.Compare(b.all(), a.all()), strings.Compare(a.reason, b.reason))
	})
	var b strings.Builder
	fmt.Fprintf(&b, "\n%d in %s by reason:\n", t.rows, topic)
	for _, counts := range all {
		n := max(30*counts.all()/most, 1)
		fmt.Fprintf(&b, "  %-18s %-30s %6d", clean(cmp.Or(counts.reason, "-")), strings.Repeat("#", n), counts.all())
		b.WriteString(counts.done())
		b.WriteByte('\n')
	}
	_, err := io.WriteString(t.out, b.String())
	return err
}
