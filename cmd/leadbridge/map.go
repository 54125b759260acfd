package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

type mapCommand struct {
	settings.Map `embed:""`
	sourceFlags  `embed:""`

	Explain bool `help:"Also show what became of each value, and which objects of the event hold a contact point."`
}

// Help explains what is read and printed.
func (mapCommand) Help() string {
	return `Each line of standard input is the value of one event; empty lines are skipped. Each gives one line of JSON: ` +
		`{"eventId","originId","contact"}, for a lead or a deal with "target" and "card", with CRM_COMMENT on or both with "comment", with CRM_MATCH with "lookedFor", with CRM_ON_MATCH=fill with "fill", or {"eventId","originId","rejected":{"reason","message"}}. ` +
		`With --explain each line has "explain", too: the objects that hold a contact point ("candidates") and the way of each value ("steps"). ` +
		`An event that brings no id of its own is named after KAFKA_TOPIC, partition 0 and its line number from 0. ` +
		`A value that a schema registry frames is given in Base64.` + "\n\n" +
		`With --source standard input is the body of one saved webhook, and the line shows what the gate and the mapping would make of it: ` +
		`"proof" (ok, or what is missing; it goes on as if it were proven), "outcome", "status" and "answer", the "key" and the "record" that Kafka would get, and the contact. ` +
		`Secrets that are not set here are a warning. Nothing is sent.` + "\n\n" +
		`    leadbridge map --source sources.yaml --name shop --header "X-Shopify-Hmac-Sha256: …" < body.json`
}

// Run maps standard input to standard output; rejections are output, not failures.
func (c mapCommand) Run(p process) error {
	cfg, err := c.Parse()
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(interruptGrace, onStop{})
	defer stop()
	done := make(chan error, 1)
	// Reading a terminal cannot be interrupted: after a signal its goroutine is left behind, as the process ends.
	go func() { done <- c.mapInput(ctx, p, cfg) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return exitStatus(exitInterrupted)
	}
}

// mapInput reads standard input: events, or with --source the body of a request.
func (c mapCommand) mapInput(ctx context.Context, p process, cfg settings.MapConfig) error {
	if c.Source == "" {
		return c.mapLines(ctx, p.stdin, p.stdout, cfg)
	}
	body, err := io.ReadAll(io.LimitReader(p.stdin, maxLine))
	if err != nil {
		return fmt.Errorf("standard input: %w", err)
	}
	return c.tryRequest(p, string(body), cfg)
}

// mapped is a line of output.
type mapped struct {
	EventID  string `json:"eventId"`
	OriginID string `json:"originId"`
	Contact  any    `json:"contact,omitempty"`
	Target   string `json:"target,omitempty"`  // lead or deal
	Card     any    `json:"card,omitempty"`    // fields of the lead or deal, without those of the person
	Comment  string `json:"comment,omitempty"` // on the card's timeline
	// LookedFor are the e-mails and phones, in all spellings, by which a contact of the same person is looked for.
	LookedFor map[string][]string `json:"lookedFor,omitempty"`
	// Fill is what the card of that contact is filled with, as far as it lacks it.
	Fill     any        `json:"fill,omitempty"`
	Rejected *rejected  `json:"rejected,omitempty"`
	Explain  *explained `json:"explain,omitempty"`
}

// explained holds what --explain adds.
type explained struct {
	Candidates []candidate `json:"candidates"`
	Steps      []step      `json:"steps"`
}

// candidate is an object of the event that holds a contact point.
type candidate struct {
	Path   string   `json:"path"`
	Fields []string `json:"fields"`
	Chosen bool     `json:"chosen"`
}

// step says what became of one value.
type step struct {
	Key     string            `json:"key,omitempty"`
	Input   string            `json:"input,omitempty"`
	Outcome transform.Outcome `json:"outcome"`
	Field   string            `json:"field,omitempty"`
	Value   string            `json:"value,omitempty"`
	Why     phrase.Text       `json:"why,omitempty"`
}

func newExplained(x transform.Explanation) *explained {
	e := &explained{Candidates: []candidate{}, Steps: []step{}}
	for _, c := range x.Candidates {
		e.Candidates = append(e.Candidates, candidate{c.Path, c.Fields, c.Chosen})
	}
	for _, s := range x.Steps {
		e.Steps = append(e.Steps, step{s.Key, s.Input, s.Outcome, s.Field, s.Value, s.Why})
	}
	return e
}

type rejected struct {
	Reason  transform.Reason `json:"reason"`
	Message string           `json:"message"`
}

// mapLines writes a line of output for each line of input that is not empty.
func (c mapCommand) mapLines(ctx context.Context, in io.Reader, out io.Writer, cfg settings.MapConfig) error {
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
			m, err := c.mapLine(cfg, line, n)
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

// maxLine is how many bytes of a line are kept; the rest is dropped. A value over 1 MiB is
// rejected as it is in the service, so that nothing behind it matters.
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

// framedLine returns the value in a line that holds one in Base64, framed by a schema registry. No JSON is taken for one:
// it is not Base64 of a text whose first byte is 0 or 1.
func framedLine(line []byte) ([]byte, bool) {
	value, err := base64.StdEncoding.DecodeString(string(line))
	return value, err == nil && len(value) > 5 && value[0] <= 1
}

// mapLine returns the line's contact or rejection; an error means that leadbridge failed, not the line.
func (c mapCommand) mapLine(cfg settings.MapConfig, line []byte, offset int64) (mapped, error) {
	if value, ok := framedLine(line); ok {
		line = value
	}
	e, err := cfg.Transformer.Decode(transform.Record{Topic: cfg.Topic, Offset: offset, Time: time.Unix(0, 0), Value: line})
	m := mapped{EventID: e.ID, OriginID: e.OriginID}
	var plan transform.Plan
	if err == nil {
		plan, err = cfg.Transformer.Plan(e)
		if c.Explain {
			m.Explain = newExplained(cfg.Transformer.Explain(e))
		}
	}
	if err == nil {
		return m, m.fill(plan, cfg.Target, cfg.Comment, cfg.Match)
	}
	r, ok := errors.AsType[*transform.Rejection](err)
	if !ok {
		return m, err
	}
	m.Rejected = &rejected{r.Reason, r.Message}
	return m, nil
}

// fill fills in what an event becomes. setting is the target of events that name none.
func (m *mapped) fill(plan transform.Plan, setting crmclient.Target, comment crmclient.CommentMode, match crmclient.Match) (err error) {
	m.LookedFor = match.LookedFor(plan.Contact)
	if fills := match.Fills(plan.Contact); m.LookedFor != nil && fills != nil {
		if m.Fill, err = readable(fills); err != nil {
			return err
		}
	}
	if comment == crmclient.CommentOn || comment == crmclient.CommentBoth {
		m.Comment = crmclient.JoinComments(plan.Card.Comments, plan.Contact.Comments)
	}
	if comment == crmclient.CommentOn {
		plan.Card.Comments, plan.Contact.Comments = "", ""
	}
	if m.Contact, err = readable(plan.Contact); err != nil {
		return err
	}
	target := cmp.Or(plan.Target, setting)
	var card map[string]any
	switch target {
	case crmclient.TargetLead:
		card = plan.Card.Lead(crmclient.Contact{})
	case crmclient.TargetDeal:
		card = plan.Card.Deal(crmclient.Contact{}, 0)
		delete(card, "contactId")
	default:
		return nil
	}
	m.Target = string(target)
	m.Card, err = readable(card)
	return err
}

// readable returns fields as decoded JSON, which an encoder can write without escapes for web pages.
func readable(v any) (fields any, err error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	err = dec.Decode(&fields)
	return fields, err
}
