package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/dlt"
)

// letterGroup counts the letters that have a reason, code, words or source in common. Other programs rely on its names as
// JSON.
type letterGroup struct {
	Group    string    `json:"group"`
	Letters  int       `json:"letters"`
	Open     int       `json:"open"`
	Closed   int       `json:"closed"`
	Replayed int       `json:"replayed"`
	Erased   int       `json:"erased"`
	Oldest   time.Time `json:"oldest"`
	Newest   time.Time `json:"newest"`
}

// narrows reports whether the flags leave out some letters.
func (c dltListCommand) narrows() bool {
	f := c.letterFilter
	return c.State != "all" || len(f.Reason)+len(f.Code)+len(f.Words)+len(f.Source)+len(f.EventID)+len(f.Key)+len(f.Flood)+len(f.Since)+len(f.Until)+len(c.Search) > 0
}

// group counts letters by what --group-by says, the largest group first.
func (c dltListCommand) group(ctx context.Context, p process, t *dlt.Topic, filter dlt.Filter) error {
	groups := map[string]*letterGroup{}
	tallies := map[string]*tally{}
	err := t.Each(ctx, filter, func(l dlt.Letter) error {
		name := cmp.Or(c.groupOf(l), "-")
		g := groups[name]
		if g == nil {
			g = &letterGroup{Group: name, Oldest: l.At.UTC(), Newest: l.At.UTC()}
			groups[name], tallies[name] = g, &tally{}
		}
		if l.At.Before(g.Oldest) {
			g.Oldest = l.At.UTC()
		}
		if l.At.After(g.Newest) {
			g.Newest = l.At.UTC()
		}
		tallies[name].count(l.State)
		return nil
	})
	if err != nil {
		return err
	}
	all := make([]letterGroup, 0, len(groups))
	for name, g := range groups {
		n := tallies[name]
		g.Letters, g.Open, g.Closed, g.Replayed, g.Erased = n.all(), n.open, n.closed, n.replayed, n.erased
		all = append(all, *g)
	}
	slices.SortFunc(all, func(a, b letterGroup) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), strings.Compare(a.Group, b.Group))
	})
	return c.printGroups(p.stdout, all, tallies)
}

// groupOf returns the group that a letter belongs to.
func (c dltListCommand) groupOf(l dlt.Letter) string {
	switch c.GroupBy {
	case "code":
		return l.Code
	case "words":
		return l.Message
	case "source":
		return l.Source()
	}
	return l.Reason
}

func (c dltListCommand) printGroups(w io.Writer, all []letterGroup, tallies map[string]*tally) error {
	if c.Output == "json" {
		for _, g := range all {
			if err := printJSON(w, g); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		return noLetters(w, "the dead-letter topic", c.narrows())
	}
	out := reporter{w: w}
	out.line("%7s  %-16s  %s", "LETTERS", "NEWEST (UTC)", strings.ToUpper(c.GroupBy))
	for _, g := range all {
		out.line("%7d  %-16s  %s%s", g.Letters, g.Newest.Format("2006-01-02 15:04"), clean(cut(g.Group, 120)), tallies[g.Group].done())
	}
	return out.err
}

// noLetters says that there are none, and whether that is because of a filter.
func noLetters(w io.Writer, topic string, filtered bool) error {
	kind := ""
	if filtered {
		kind = " of that kind"
	}
	_, err := fmt.Fprintf(w, "No letters%s in %s.\n", kind, topic)
	return err
}
