package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

type mapCommand struct {
	settings.Map `embed:""`
}

// Help tells what is read and printed.
func (mapCommand) Help() string {
	return `Each line of standard input is the value of one event; empty lines are skipped. Each gives one line of JSON: ` +
		`{"eventId","originId","contact"} or {"eventId","originId","rejected":{"reason","message"}}. ` +
		`An event that brings no id of its own is named after KAFKA_TOPIC, partition 0 and its line number from 0.`
}

// Run maps standard input to standard output; rejections are output, not failures.
func (c mapCommand) Run(p process) error {
	cfg, err := c.Parse()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(interruptGrace, func() {})
	defer stop()
	done := make(chan error, 1)
	// Reading a terminal cannot be interrupted, so it is left behind.
	go func() { done <- mapLines(ctx, p.stdin, p.stdout, cfg) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return exitStatus(exitInterrupted)
	}
}

// mapped is a line of output.
type mapped struct {
	EventID  string    `json:"eventId"`
	OriginID string    `json:"originId"`
	Contact  any       `json:"contact,omitempty"`
	Rejected *rejected `json:"rejected,omitempty"`
}

type rejected struct {
	Reason  transform.Reason `json:"reason"`
	Message string           `json:"message"`
}

func mapLines(ctx context.Context, in io.Reader, out io.Writer, cfg settings.MapConfig) error {
	lines := bufio.NewReaderSize(in, 64<<10)
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	for n := int64(0); ctx.Err() == nil; n++ {
		line, err := readLine(lines)
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return fmt.Errorf("standard input, line %d: %w", n+1, err)
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			m, err := mapLine(cfg, line, n)
			if err != nil {
				return fmt.Errorf("standard input, line %d: %w", n+1, err)
			}
			if err := enc.Encode(m); err != nil {
				return fmt.Errorf("standard output: %w", err)
			}
		}
		if last {
			return nil
		}
	}
	return nil
}

// maxLine bounds what is kept of a line in memory. A value over 1 MiB is
// rejected as in the service, so that nothing beyond it is looked at.
const maxLine = 16 << 20

// readLine reads a line of any length, up to its end or that of the input.
func readLine(lines *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := lines.ReadSlice('\n')
		line = append(line, part[:min(len(part), maxLine-len(line))]...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

// mapLine gives the line's contact or rejection; its error is a fault of ours.
func mapLine(cfg settings.MapConfig, line []byte, offset int64) (mapped, error) {
	e, err := cfg.Transformer.Decode(transform.Record{Topic: cfg.Topic, Offset: offset, Time: time.Unix(0, 0), Value: line})
	m := mapped{EventID: e.ID, OriginID: e.OriginID}
	var c crmclient.Contact
	if err == nil {
		c, err = cfg.Transformer.Contact(e)
	}
	if err == nil {
		m.Contact, err = readable(c)
		return m, err
	}
	r, ok := errors.AsType[*transform.Rejection](err)
	if !ok {
		return m, err
	}
	m.Rejected = &rejected{r.Reason, r.Message}
	return m, nil
}

// readable is the contact's JSON without the escapes that are for web pages.
func readable(c crmclient.Contact) (fields any, err error) {
	text, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&fields)
	return fields, err
}
