package demo

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/internal/sums"
)

// The counters of the service that the demo shows.
const (
	metricRetries = "leadbridge_crm_retries_total"
	metricInDoubt = "leadbridge_crm_in_doubt_total"
)

// progress shows how far the delivery is, until stop is called: on a terminal, one line that is drawn again and again;
// elsewhere, a line every second. stop returns once the last line is written.
func (d *demo) progress() (stop func()) {
	every, end := time.Second, "\n"
	if d.cfg.Terminal {
		every, end = 100*time.Millisecond, ""
	}
	done := make(chan struct{})
	var finished sync.WaitGroup
	finished.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				_, _ = fmt.Fprint(d.cfg.Out, d.redraw(), d.progressLine(), end)
			case <-done:
				_, _ = fmt.Fprint(d.cfg.Out, d.redraw(), d.progressLine(), "\n")
				return
			}
		}
	})
	return func() {
		close(done)
		finished.Wait()
	}
}

// redraw returns the characters that erase the line on a terminal; "" if the output is no terminal.
func (d *demo) redraw() string {
	if d.cfg.Terminal {
		return "\r\x1b[K"
	}
	return ""
}

// barWidth is how many characters the bar has.
const barWidth = 20

func (d *demo) progressLine() string {
	counts := sums.Gather(d.service.Metrics())
	made, letters := d.sim.CountIn(d.kind()), int(d.broker.size(deadLetterTopic))
	full := min(barWidth, barWidth*(made+letters)/max(d.outcomes, 1))
	var line strings.Builder
	fmt.Fprintf(&line, "  %4.1fs [%s%s]  in %d  created %d  dead letters %d  in doubt %d  retried %d",
		time.Since(d.started).Seconds(), strings.Repeat("#", full), strings.Repeat(".", barWidth-full),
		d.broker.size(topic), made, letters, int(counts.Of(metricInDoubt)), int(counts.Of(metricRetries)))
	for _, h := range d.service.Status().Holds {
		fmt.Fprintf(&line, "  (held: %s)", h.Cause)
	}
	return line.String()
}
