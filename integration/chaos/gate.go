package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/integration/internal/leads"
)

// hookToken lets webhooks in.
const hookToken = "a-token-of-the-run"

// sources is the gate's file: one sender, whose events may say what they become.
const sources = `sources:
  - name: site
    verify: {type: token, secrets_env: [SITE_TOKEN]}
    id: {header: webhook-id}
    allow: [target, deal]
`

// firstHook is the number of the first webhook: those of leads are smaller.
const firstHook = 10_000_000

// hooks sends webhooks to the gate, each until it is taken, as senders do.
type hooks struct {
	url    string
	leads  leads.Options
	client *http.Client
	pause  time.Duration // before a webhook is sent again
	open   sync.WaitGroup

	mu    sync.Mutex
	next  int
	taken map[int]int // webhooks that were answered 2xx
	again int         // that had to be sent again
	odd   []string    // answers that no sender can make anything of
}

func newHooks(addr string, o leads.Options) *hooks {
	return &hooks{
		url: "http://" + addr + "/hooks/site", leads: o, next: firstHook, pause: time.Second, taken: map[int]int{},
		client: &http.Client{Timeout: callLimit, Transport: &http.Transport{MaxIdleConnsPerHost: hooksAtATime}},
	}
}

// hooksAtATime bounds the webhooks under way: while the gate is away, no new ones are sent.
const hooksAtATime = 200

// send sends a new webhook unless too many are under way.
func (h *hooks) send(ctx context.Context) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.next-firstHook-len(h.taken) >= hooksAtATime {
		return
	}
	l := leads.Hook(h.next, h.leads)
	h.next++
	h.open.Go(func() { h.deliver(ctx, l) })
}

// deliver sends a webhook until the gate has taken it.
func (h *hooks) deliver(ctx context.Context, l leads.Lead) {
	for {
		status, err := h.post(ctx, l)
		h.mu.Lock()
		switch {
		case err == nil && status/100 == 2:
			h.taken[l.Number]++
			h.mu.Unlock()
			return
		case err == nil && status != http.StatusServiceUnavailable:
			h.odd = append(h.odd, fmt.Sprintf("webhook %d was answered %d", l.Number, status))
			h.mu.Unlock()
			return
		}
		h.again++
		h.mu.Unlock()
		if rest(ctx, h.pause); ctx.Err() != nil {
			return
		}
	}
}

func (h *hooks) post(ctx context.Context, l leads.Lead) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(l.Value))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Webhook-Token", hookToken)
	r.Header.Set("Webhook-Id", l.WebhookID)
	answer, err := h.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, answer.Body)
	return answer.StatusCode, err
}

// counts are the webhooks that were taken, each once.
func (h *hooks) counts() map[int]int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return maps.Clone(h.taken)
}

func (h *hooks) oddities() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.odd)
}

// repeats is how often a webhook was sent again.
func (h *hooks) repeats() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.again
}

// finish waits until all webhooks are taken, or ctx ends, and reports whether they are.
func (h *hooks) finish(ctx context.Context) bool {
	done := make(chan struct{})
	go func() {
		h.open.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	}
}

// gateEnv is the gate's environment. Its address stays the same, as its senders know no other.
func gateEnv(dir, addr string) ([]string, error) {
	file := filepath.Join(dir, "sources.yaml")
	if err := os.WriteFile(file, []byte(sources), 0o600); err != nil {
		return nil, fmt.Errorf("sources of the gate: %w", err)
	}
	return []string{
		"KAFKA_TOPIC=" + topic, "SOURCES_FILE=" + file, "SITE_TOKEN=" + hookToken, "HTTP_ADDR=" + addr,
		"DRAIN_DELAY=500ms", fmt.Sprintf("DRAIN_TIMEOUT=%v", drain), "LOG_LEVEL=info",
	}, nil
}

// freeAddress is a port of this machine that nobody listens on.
func freeAddress() (string, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("choose the gate's address: %w", err)
	}
	defer l.Close()
	return l.Addr().String(), nil
}
