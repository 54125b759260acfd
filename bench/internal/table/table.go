// Package table writes figures as people read them.
package table

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Table is text in columns, in Markdown: it reads well in a terminal as in a README.
type Table [][]string // the first row holds the heads

// Write writes the table; all columns but the first left ones are aligned to the right.
func (t Table) Write(w io.Writer, left int) error {
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

// Short spells a figure with three digits or all before the point.
func Short(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}

// Percent spells a part of one.
func Percent(x float64) string { return fmt.Sprintf("%.1f %%", 100*x) }

// Blank leaves out what does not apply.
func Blank(x float64, spell func(float64) string) string {
	if x == 0 {
		return ""
	}
	return spell(x)
}
