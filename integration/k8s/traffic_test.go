//go:build k8s

package k8s

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/integration/internal/leads"
	"github.com/leadbridge/leadbridge/integration/internal/topics"
)

// How often leads come, by Kafka and by webhook. The CRM takes many more.
const (
	everyLead = 40 * time.Millisecond
	everyHook = 100 * time.Millisecond
)

// firstHook is the number of the first webhook: those of leads are smaller.
const firstHook = 1_000_000

// hookToken is the secret of the webhooks' source.
const hookToken = "a-token-of-the-test"

// pageToken is what people would sign in with.
const pageToken = "another-token-of-the-test"

// traffic is what comes in all the time.
type traffic struct {
	sender *topics.Sender
	gate   string // address of its Service
	client *http.Client

	stopLeads context.CancelFunc // those that come by Kafka
	stop      context.CancelFunc
	lanes     sync.WaitGroup

	mu      sync.Mutex
	taken   map[int]int // webhooks that were answered 2xx
	again   int         // answers 503
	refused []string    // everything else: there must be none
}

// startTraffic sends leads and webhooks until finish.
func startTraffic(t *testing.T, s *stage, gate string) *traffic {
	t.Helper()
	sender, err := s.kafka.NewSender(topic)
	must(t, err)
	ctx, stop := context.WithCancel(context.Background())
	leadsCtx, stopLeads := context.WithCancel(ctx)
	w := &traffic{
		sender: sender, gate: gate, stopLeads: stopLeads, stop: stop, taken: map[int]int{},
		// Senders of webhooks seldom keep a connection: each webhook meets the Service anew.
		client: &http.Client{Timeout: callLimit, Transport: &http.Transport{DisableKeepAlives: true}},
	}
	t.Cleanup(func() { stop(); w.lanes.Wait() })
	author := leads.NewAuthor(1, leads.Options{})
	w.lanes.Go(func() { each(leadsCtx, everyLead, func() { sender.Send(author.Next()) }) })
	number := firstHook
	w.lanes.Go(func() {
		each(ctx, everyHook, func() {
			number++
			l := leads.Webhook(number)
			w.lanes.Go(func() { w.post(ctx, l) })
		})
	})
	return w
}

// each does something every so often until ctx ends.
func each(ctx context.Context, every time.Duration, do func()) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			do()
		case <-ctx.Done():
			return
		}
	}
}

// post sends a webhook until the gate has it: after a 503 it comes again, as senders do.
func (w *traffic) post(ctx context.Context, l leads.Lead) {
	for {
		status, err := w.once(l)
		w.mu.Lock()
		switch {
		case err != nil:
			w.refused = append(w.refused, fmt.Sprintf("%s: %v", time.Now().UTC().Format(time.TimeOnly), err))
		case status/100 == 2:
			w.taken[l.Number]++
		case status == http.StatusServiceUnavailable:
			w.again++
		default:
			w.refused = append(w.refused, fmt.Sprintf("%s: status %d", time.Now().UTC().Format(time.TimeOnly), status))
		}
		w.mu.Unlock()
		if err != nil || status != http.StatusServiceUnavailable {
			return
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return
		}
	}
}

func (w *traffic) once(l leads.Lead) (status int, err error) {
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, w.gate+"/hooks/site", bytes.NewReader(l.Value))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Webhook-Token", hookToken)
	r.Header.Set("Webhook-Id", l.WebhookID)
	answer, err := w.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// hooks counts the webhooks that the gate took so far.
func (w *traffic) hooks() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.taken)
}

// finish ends the traffic and tells how many records of each lead were acknowledged.
func (w *traffic) finish(ctx context.Context) (map[int]int, error) {
	w.stop()
	w.lanes.Wait()
	defer w.sender.Close()
	acked, err := w.sender.Flush(ctx)
	if err != nil {
		return nil, err
	}
	maps.Copy(acked, w.taken)
	return acked, nil
}
