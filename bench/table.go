package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// table is text in columns, in Markdown: it reads well in a terminal as in a README.
type table [][]string // the first row holds the heads

// write writes the table; all columns but the first left ones are aligned to the right.
func (t table) write(w io.Writer, left int) error {
	width := make([]int, len(t[0]))
	for _, row := range t {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	for n, row := range t {
		for i, cell := range row {
			b.WriteString("| " + padded(cell, width[i], i < left) + " ")
		}
		b.WriteString("|\n")
		if n == 0 {
			b.WriteString(ruler(width, left))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func padded(cell string, width int, left bool) string {
	space := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
	if left {
		return cell + space
	}
	return space + cell
}

// ruler is the line under the heads.
func ruler(width []int, left int) string {
	var b strings.Builder
	for i, n := range width {
		if i < left {
			b.WriteString("| " + strings.Repeat("-", n) + " ")
		} else {
			b.WriteString("| " + strings.Repeat("-", n-1) + ": ")
		}
	}
	return b.String() + "|\n"
}

// figuresTable shows a row a case.
func figuresTable(results []result) table {
	t := table{{"case", "contacts/s", "ceiling", "share", "bare client", "share", "requests", "429", "CPU µs", "peak RSS MiB", "p50 ms", "p99 ms"}}
	for _, r := range results {
		title := r.Title
		if r.Cut {
			title += " (cut)"
		}
		t = append(t, []string{
			title, short(r.Rate), blank(r.Ceiling, short), blank(r.Share, percent), blank(r.Bare, short), blank(r.OfBare, percent),
			fmt.Sprint(r.Requests), fmt.Sprint(r.Throttled), short(r.CPU), short(r.PeakRSS), blank(r.P50, short), blank(r.P99, short),
		})
	}
	return t
}

// goalsTable shows a row a goal.
func goalsTable(goals []goal) table {
	t := table{{"case", "what", "verdict", "value", "bound (aim)"}}
	for _, g := range goals {
		t = append(t, []string{g.Case, g.What, g.Verdict, fmt.Sprintf("%g", g.Value), g.limit()})
	}
	return t
}

// short spells a figure with three digits or all before the point.
func short(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

func percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// blank leaves out what does not apply.
func blank(x float64, spell func(float64) string) string {
	if x == 0 {
		return ""
	}
	return spell(x)
}
