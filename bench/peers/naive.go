package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// naive is a consumer as a team writes it by hand in an afternoon: it reads the events of a group one by one, posts each as
// a contact, tries again with backoff, commits after that, and makes a dead letter of what has failed too often. It looks
// nothing up. One goroutine uses it.
type naive struct {
	brokers           []string
	topic, dlt, group string
	url, key          string
	pace              time.Duration // between two requests; 0: none
	attempts          int           // of an event
	backoff           time.Duration // after the first attempt; doubled after each further one
	client            *http.Client

	next time.Time // when the next request may leave
}

// naiveReady is what it says when it begins to read.
const naiveReady = "the naive consumer reads"

// newNaive reads the environment.
func newNaive(getenv func(string) string) (*naive, error) {
	perMinute, err := strconv.Atoi(getenv("CRM_REQUESTS_PER_MINUTE"))
	if err != nil {
		return nil, fmt.Errorf("CRM_REQUESTS_PER_MINUTE: %w", err)
	}
	n := &naive{
		brokers: strings.Split(getenv("KAFKA_BROKERS"), ","), topic: getenv("KAFKA_TOPIC"), dlt: getenv("KAFKA_DLT_TOPIC"), group: getenv("KAFKA_GROUP_ID"),
		url: getenv("CRM_BASE_URL"), key: getenv("CRM_API_KEY"),
		attempts: 5, backoff: time.Second,
		client: &http.Client{Transport: &http.Transport{}, Timeout: 35 * time.Second}, // the portal keeps a request for up to 30 s
	}
	if perMinute > 0 {
		n.pace = time.Minute / time.Duration(perMinute)
	}
	return n, nil
}

// run delivers until ctx ends.
func (n *naive) run(ctx context.Context, log io.Writer) error {
	reader := kafka.NewReader(kafka.ReaderConfig{ //nolint:forbidigo // what a team takes first is what is measured
		Brokers: n.brokers, GroupID: n.group, Topic: n.topic, MaxWait: 100 * time.Millisecond, StartOffset: kafka.FirstOffset,
	})
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	letters := &kafka.Writer{ //nolint:forbidigo // the same
		Addr: kafka.TCP(n.brokers...), Topic: n.dlt, RequiredAcks: kafka.RequireAll, BatchTimeout: 10 * time.Millisecond, Transport: transport,
	}
	_, _ = fmt.Fprintln(log, naiveReady, n.topic)
	err := n.deliver(ctx, reader, letters)
	if ctx.Err() != nil {
		err = nil
	}
	n.client.CloseIdleConnections()
	return errors.Join(err, letters.Close(), reader.Close())
}

func (n *naive) deliver(ctx context.Context, reader *kafka.Reader, letters *kafka.Writer) error { //nolint:forbidigo // see run
	for {
		m, err := reader.FetchMessage(ctx)
		if err != nil {
			return err
		}
		if err := n.create(ctx, m.Value); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			letter := kafka.Message{Key: m.Key, Value: m.Value, Headers: []kafka.Header{{Key: "error", Value: []byte(err.Error())}}}
			if err := letters.WriteMessages(ctx, letter); err != nil {
				return fmt.Errorf("write a dead letter: %w", err)
			}
		}
		if err := reader.CommitMessages(ctx, m); err != nil {
			return fmt.Errorf("commit: %w", err)
		}
	}
}

// errRefused says that another attempt is of no use.
var errRefused = errors.New("the CRM refuses it")

// create posts an event until that works, it is refused, or was tried too often.
func (n *naive) create(ctx context.Context, event []byte) error {
	body, err := naiveContact(event)
	if err != nil {
		return err
	}
	wait := n.backoff
	for attempt := 1; ; attempt++ {
		after, err := n.post(ctx, body)
		if err == nil || errors.Is(err, errRefused) || attempt == n.attempts {
			return err
		}
		if err := sleep(ctx, max(wait, after)); err != nil {
			return err
		}
		wait *= 2
	}
}

// post sends one request. It also returns how long the CRM wants nothing more, when it says so.
func (n *naive) post(ctx context.Context, body []byte) (time.Duration, error) {
	if err := sleep(ctx, time.Until(n.next)); err != nil {
		return 0, err
	}
	n.next = time.Now().Add(n.pace)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url+"/v1/contacts", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", n.key)
	res, err := n.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	switch {
	case err != nil:
		return 0, err
	case slices.Contains([]int{http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}, res.StatusCode):
		return 0, fmt.Errorf("%w: %s", errRefused, res.Status)
	case res.StatusCode/100 != 2:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // 0 without one
		return time.Duration(seconds) * time.Second, errors.New(res.Status)
	}
	var made struct{ Data struct{ ID int64 } }
	if err := json.Unmarshal(answer, &made); err != nil {
		return 0, err
	}
	if made.Data.ID == 0 {
		return 0, errors.New("the answer has no id")
	}
	return 0, nil
}

// naiveContact makes a contact of an event.
func naiveContact(event []byte) ([]byte, error) {
	var e struct{ Name, Phone, Email, Message string }
	if err := json.Unmarshal(event, &e); err != nil {
		return nil, err
	}
	type value struct {
		Value  string `json:"value"`
		TypeID string `json:"typeId"`
	}
	return json.Marshal(map[string]any{
		"name": e.Name, "phone": []value{{e.Phone, "MOBILE"}}, "email": []value{{e.Email, "WORK"}}, "comments": e.Message, "sourceId": "WEB",
	})
}

// sleep waits.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
