package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

type dltShowCommand struct {
	Place string `arg:"" name:"partition:offset" help:"Where the letter lies in the dead-letter topic."`

	settings.DeadLetters `embed:""`

	Output string `enum:"text,json" default:"text" placeholder:"text|json" help:"For people, or one JSON object."`
	Unmask bool   `help:"Show names, phone numbers and e-mail addresses, and the event's headers."`
}

// Help explains what the contact is.
func (dltShowCommand) Help() string {
	return "The contact is built anew from the event, with the MAPPING_FILE, PHONE_REGION and SOURCE_ID of this command: give it those of the service."
}

// shown is a letter as JSON, with what is made of it.
type shown struct {
	dlt.Line
	Contact  any         `json:"contact,omitempty"`
	Rejected *rejected   `json:"rejected,omitempty"` // why no contact can be built
	Advice   phrase.Text `json:"advice"`
}

// Run shows a letter.
func (c dltShowCommand) Run(p process) error {
	place, err := dlt.ParsePosition(c.Place)
	if err != nil {
		return settings.Faults{{Variable: "<partition:offset>", Problem: "cannot be read", Remedy: err.Error()}}
	}
	return withLetters(p, c.DeadLetters, func(ctx context.Context, t *dlt.Topic, cfg settings.DeadLettersConfig) error {
		l, err := t.Get(ctx, place)
		if err != nil {
			return err
		}
		s, err := c.shown(t, l, cfg.Transformer)
		if err != nil {
			return err
		}
		if c.Output == "json" {
			return printJSON(p.stdout, s)
		}
		return s.print(p.stdout)
	})
}

func (c dltShowCommand) shown(t *dlt.Topic, l dlt.Letter, by dlt.Transformer) (shown, error) {
	s := shown{Line: t.Line(l, by), Advice: l.Advice()}
	if c.Unmask {
		s.Line = t.Whole(l).Decode(l, by)
	}
	contact, err := l.Contact(by)
	if r, ok := errors.AsType[*transform.Rejection](err); ok {
		s.Rejected = &rejected{r.Reason, r.Message}
		return s, nil
	} else if err != nil {
		return s, err
	}
	text, err := json.Marshal(contact)
	if err != nil {
		return s, err
	}
	if !c.Unmask {
		s.Contact = json.RawMessage(transform.Mask(text, contact))
		return s, nil
	}
	s.Contact, err = readable(contact)
	return s, err
}

func (s shown) print(w io.Writer) error {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-10s %s\n", name, clean(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintf(&b, "%s  %d:%d of %s, %s\n\n", clean(cmp.Or(s.Reason, "not a letter of leadbridge")), s.Partition, s.Offset, s.Topic, s.State)
	if s.Status != 0 || s.Code != "" {
		row("The CRM", "%d %s, after %s", s.Status, s.Code, counted(s.Attempts, "attempt"))
	}
	row("Words", "%s", cmp.Or(s.Message, "-"))
	row("Failed", "%s", s.FailedAt)
	if s.FirstFailure != s.FailedAt {
		row("First", "%s, replayed %s since", s.FirstFailure, counted(s.Replays, "time"))
	}
	if !s.ReplayedAt.IsZero() {
		row("Replayed", "%s", s.ReplayedAt.Format(time.RFC3339))
	}
	if !s.ClosedAt.IsZero() {
		row("Closed", "%s: %s", s.ClosedAt.Format(time.RFC3339), cmp.Or(s.ClosedWord, "-"))
	}
	row("From", "%s, partition %d, offset %d, written %s", s.Original.Topic, s.Original.Partition, s.Original.Offset, s.Original.Timestamp)
	row("Event", "%s", s.EventID)
	if s.Copies > 1 {
		row("Letters", "%d of this event are in the topic", s.Copies)
	}
	row("Key", "%s", textOf(s.Key, s.KeyBase64))
	if s.Decoded == "" || s.Value != nil || s.ValueBase64 != "" {
		row("Value", "%s", textOf(s.Value, s.ValueBase64))
	}
	if s.Decoded != "" {
		row("Decoded", "%s", s.Decoded)
	}
	for _, h := range s.Headers {
		if !strings.HasPrefix(h.Key, header.Prefix) { // those are shown above
			row("Header", "%s: %s", h.Key, textOf(h.Value, h.ValueBase64))
		}
	}
	if s.ValueOmitted {
		row("", "The broker refused the letter with its value; it may still lie where it came from.")
	}
	if s.Rejected != nil {
		row("Contact", "none: %s, %s", s.Rejected.Reason, s.Rejected.Message)
	} else {
		text, err := json.Marshal(s.Contact)
		if err != nil {
			return err
		}
		row("Contact", "%s", unescaped(text))
	}
	row("To do", "%s", s.Advice)
	_, err := io.WriteString(w, b.String())
	return err
}

// unescaped returns JSON without the escapes that json.Marshal makes for web pages.
func unescaped(text []byte) string {
	return strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(text))
}

// textOf returns a key or value for people: as text, as Base64, or that there is none.
func textOf(text *string, code string) string {
	switch {
	case text != nil:
		return *text
	case code != "":
		return "(Base64) " + code
	}
	return "(none)"
}
