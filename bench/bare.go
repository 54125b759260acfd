package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/lead"
)

// The bare client shows what is physically possible: it posts the same contacts in requests that were prepared before,
// over as many connections, at the pace that the limits allow. It reads nothing from Kafka, transforms nothing and
// remembers nothing.

// mapped is the output of leadbridge map for a lead.
type mapped struct {
	OriginID string                     `json:"originId"`
	Contact  map[string]json.RawMessage `json:"contact"`
}

// prepare returns the bodies of requests for n contacts, with size contacts in each.
func prepare(ctx context.Context, binary string, n, size int) ([][]byte, error) {
	var in bytes.Buffer
	for i := range n {
		in.WriteString(lead.New(i).Value + "\n")
	}
	cmd := exec.CommandContext(ctx, binary, "map")
	cmd.Stdin = &in
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("leadbridge map: %w", err)
	}
	var contacts []json.RawMessage
	for lines := bufio.NewScanner(bytes.NewReader(out)); lines.Scan(); {
		contact, err := contactOf(lines.Bytes())
		if err != nil {
			return nil, err
		}
		contacts = append(contacts, contact)
	}
	return bodies(contacts, size)
}

// contactOf returns the contact of a mapped lead, with the fields that the service adds.
func contactOf(line []byte) (json.RawMessage, error) {
	var m mapped
	if err := json.Unmarshal(line, &m); err != nil || m.Contact == nil {
		return nil, errors.Join(fmt.Errorf("leadbridge map gave no contact: %q", line), err)
	}
	m.Contact["originId"] = json.RawMessage(`"` + m.OriginID + `"`)
	m.Contact["originatorId"] = json.RawMessage(`"leadbridge"`)
	return json.Marshal(m.Contact)
}

// bodies returns the bodies of requests for contacts: for POST /v1/contacts if size is 1, else for POST /v1/batch.
func bodies(contacts []json.RawMessage, size int) ([][]byte, error) {
	type call struct {
		ID     string          `json:"id"`
		Entity string          `json:"entity"`
		Action string          `json:"action"`
		Params json.RawMessage `json:"params"`
	}
	var all [][]byte
	for len(contacts) > 0 {
		if size == 1 {
			all = append(all, contacts[0])
			contacts = contacts[1:]
			continue
		}
		n := min(size, len(contacts))
		calls := make([]call, n)
		for i, contact := range contacts[:n] {
			calls[i] = call{fmt.Sprintf("k%d", i), "contacts", "create", contact}
		}
		body, err := json.Marshal(map[string]any{"calls": calls})
		if err != nil {
			return nil, err
		}
		all = append(all, body)
		contacts = contacts[n:]
	}
	return all, nil
}

// post sends all bodies, and returns how long that took.
func post(ctx context.Context, base string, bodies [][]byte, batch bool, slots int, pace time.Duration) (time.Duration, error) {
	url := base + "/v1/contacts"
	if batch {
		url = base + "/v1/batch"
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: slots, DisableCompression: true}}
	defer client.CloseIdleConnections()
	queue := make(chan []byte)
	var workers sync.WaitGroup
	began := time.Now()
	for range slots {
		workers.Go(func() {
			for body := range queue {
				if err := postOne(ctx, client, url, body); err != nil {
					cancel(err)
				}
			}
		})
	}
	feed(ctx, queue, bodies, pace)
	workers.Wait()
	return time.Since(began), context.Cause(ctx)
}

// feed sends the bodies to the queue, with at least pace between two of them.
func feed(ctx context.Context, queue chan<- []byte, bodies [][]byte, pace time.Duration) {
	defer close(queue)
	next := time.Now()
	for _, body := range bodies {
		if wait := time.Until(next); wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
		select {
		case queue <- body:
			// If all slots were busy for longer than pace, the lost time is not made up by a burst.
			next = later(next.Add(pace), time.Now())
		case <-ctx.Done():
			return
		}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func postOne(ctx context.Context, client *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", apiKey)
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("bare client: %w", err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return fmt.Errorf("bare client: %w", err)
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("bare client: %s: %s", res.Status, strings.TrimSpace(string(answer)))
	}
	return nil
}
