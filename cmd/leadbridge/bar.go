package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// bar is a progress bar on a terminal. Elsewhere it shows nothing.
type bar struct {
	out     io.Writer // nil: it is not a terminal
	what    string    // that is counted, such as "letters"
	started time.Time
	shown   bool
	last    time.Time // when it was last drawn
}

func newBar(w io.Writer, what string) *bar {
	b := &bar{what: what, started: time.Now()}
	if isTerminal(w) {
		b.out = w
	}
	return b
}

// show draws the bar, at most ten times a second, and when all are done.
func (b *bar) show(done, all int) {
	now := time.Now()
	if b.out == nil || done < all && now.Sub(b.last) < 100*time.Millisecond {
		return
	}
	b.last, b.shown = now, true
	full := 20 * done / max(all, 1)
	_, _ = fmt.Fprintf(b.out, "\r\x1b[K  [%s%s]  %d of %d %s", strings.Repeat("#", full), strings.Repeat(".", 20-full), done, all, b.what)
	if rest := time.Duration(float64(now.Sub(b.started)) / float64(max(done, 1)) * float64(all-done)); done > 0 && done < all {
		_, _ = fmt.Fprintf(b.out, ", %v to go", rest.Round(time.Second))
	}
}

// end begins a new line behind the bar.
func (b *bar) end() {
	if b.shown {
		_, _ = fmt.Fprintln(b.out)
	}
}
