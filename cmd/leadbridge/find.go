package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/settings"
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
	"github.com/leadbridge/leadbridge/find"
	"github.com/leadbridge/leadbridge/transform"
)

type findCommand struct {
	Who string `arg:"" help:"A phone number in any spelling, an e-mail address, a name, an event id, the number or address of the card of a contact, lead or deal, or partition:offset of a record or letter."`

	settings.Find `embed:""`

	Limit   int           `default:"100" placeholder:"COUNT" help:"Most events that are shown; 0: all."`
	Output  string        `enum:"text,json" default:"text" placeholder:"text|json" help:"For people, or one JSON object an event."`
	Unmask  bool          `help:"Show names, phone numbers and e-mail addresses."`
	Timeout time.Duration `default:"10m" placeholder:"DURATION" help:"Longest time for all of it; 0: no limit."`
	Live    string        `placeholder:"URL" help:"Also ask a service that runs what holds it: the address of its HTTP_ADDR, such as http://localhost:8080."`
}

// Help says what is read.
func (findCommand) Help() string {
	return "Reads the topic, the group's commits, the dead letters, KAFKA_RESULT_TOPIC where it is set, and asks the CRM for leads that are done when a key is given. " +
		"It writes nothing. MAPPING_FILE and PHONE_REGION should be those of the service: a lead is found by the contact that it becomes, and masked by it. " +
		"Exit code 1: nothing was found."
}

// Run looks for a lead.
func (c findCommand) Run(p process) error {
	cfg, err := c.Parse()
	if err != nil {
		return err
	}
	return p.readKafka(cfg.Warnings, cfg.Find.Letters(), func(ctx context.Context) error {
		report, err := c.find(ctx, p, cfg)
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("it was not read to its end within %v: give a longer --timeout: %w", c.Timeout, err)
		}
		if err != nil {
			return err
		}
		if err := c.print(p, report, cfg); err != nil {
			return err
		}
		return c.printLive(ctx, p)
	})
}

// printLive asks the service of --live, if there is one, and prints what holds it.
func (c findCommand) printLive(ctx context.Context, p process) error {
	if c.Live == "" {
		return nil
	}
	status, err := liveStatus(ctx, c.Live)
	if err != nil {
		return err
	}
	out := p.stdout
	if c.Output == "json" {
		out = p.stderr
	}
	_, err = io.WriteString(out, liveText(status))
	return err
}

// find looks for the lead. It fails when that takes longer than --timeout.
func (c findCommand) find(ctx context.Context, p process, cfg settings.FindConfig) (find.Report, error) {
	if c.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.Timeout)
		defer cancel()
	}
	cfg.Find.Limit = c.Limit
	if cfg.CRM != nil {
		cfg.CRM.Log = zerolog.Nop()
		crm, err := crmclient.New(*cfg.CRM)
		if err != nil {
			return find.Report{}, err
		}
		cfg.Find.CRM = crm
	}
	progress := newBar(p.stderr, "records")
	defer progress.end()
	cfg.Find.OnRead = func(read, all int64) { progress.show(int(read), int(all)) }
	f := find.New(cfg.Find)
	defer f.Close()
	return f.Find(ctx, c.Who)
}

// foundEvent is an event as JSON. Other programs rely on its names.
type foundEvent struct {
	EventID   string        `json:"eventId"`
	FoundBy   find.By       `json:"foundBy"`
	State     find.State    `json:"state"`
	Records   []foundRecord `json:"records"`
	Letter    *dlt.Line     `json:"letter,omitempty"`
	ContactID int64         `json:"contactId,omitempty"`
	LeadID    int64         `json:"leadId,omitempty"`
	DealID    int64         `json:"dealId,omitempty"`
	CardURL   string        `json:"cardUrl,omitempty"` // of the deal, else the lead, else the contact
	foundCards
	KnownBy string `json:"knownBy,omitempty"`
	Value   string `json:"value,omitempty"`
	Masked  bool   `json:"masked"`
}

// foundCards are the addresses of the cards of what an event became.
type foundCards struct {
	ContactURL string `json:"contactUrl,omitempty"`
	LeadURL    string `json:"leadUrl,omitempty"`
	DealURL    string `json:"dealUrl,omitempty"`
}

type foundRecord struct {
	Topic     string         `json:"topic"`
	Partition int            `json:"partition"`
	Offset    int64          `json:"offset"`
	Timestamp time.Time      `json:"timestamp"`
	Stage     consumer.Stage `json:"stage"`
	Before    int64          `json:"before"`
}

// event returns an event as it is printed, masked unless --unmask is given.
func (c findCommand) event(t *dlt.Topic, e find.Event, cfg settings.FindConfig) foundEvent {
	out := foundEvent{EventID: e.ID, FoundBy: e.By, State: e.State, Records: []foundRecord{},
		ContactID: e.Made.ContactID, LeadID: e.Made.LeadID, DealID: e.Made.DealID, CardURL: e.CardURL, KnownBy: e.KnownBy, Masked: !c.Unmask,
		foundCards: foundCards{e.Cards.Contact, e.Cards.Lead, e.Cards.Deal}}
	for _, r := range e.Records {
		out.Records = append(out.Records, foundRecord{cfg.Find.Topic, r.Partition, r.Offset, r.At.UTC(), r.Stage, r.Before})
	}
	if e.Letter != nil {
		line := t.Line(*e.Letter, cfg.Find.Transformer)
		if c.Unmask {
			line = t.Unmasked(*e.Letter).Decode(*e.Letter, cfg.Find.Transformer)
		}
		out.Letter = &line
	}
	switch {
	case e.Value == nil:
	case c.Unmask:
		out.Value = string(e.Value)
	default:
		out.Value = transform.Mask(e.Value, e.Contact)
	}
	return out
}

func (c findCommand) print(p process, report find.Report, cfg settings.FindConfig) error {
	t := dlt.Open(cfg.Find.Letters()) // for the topic's name in the lines of letters; nothing is read
	defer t.Close()
	for _, e := range report.Events {
		one := c.event(t, e, cfg)
		if c.Output == "json" {
			if err := printJSON(p.stdout, one); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprint(p.stdout, one.text()); err != nil {
			return err
		}
	}
	out := p.stdout
	if c.Output == "json" {
		out = p.stderr
	}
	if _, err := fmt.Fprint(out, summaryOf(report, cfg)); err != nil {
		return err
	}
	if len(report.Events) == 0 {
		return exitStatus(exitFailed)
	}
	return nil
}

// text returns an event for people, on several lines.
func (e foundEvent) text() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-8s %s\n", name, clean(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintf(&b, "%s\n", e.sentence())
	row("Event", "%s (found by %s)", e.EventID, e.FoundBy)
	for _, r := range e.Records {
		row("Record", "%s %d:%d, written %s, %s", r.Topic, r.Partition, r.Offset, r.Timestamp.Format("2006-01-02 15:04:05"), r.words())
	}
	if l := e.Letter; l != nil {
		row("Letter", "%s %d:%d, %s: %s", l.Topic, l.Partition, l.Offset, l.State, cmp.Or(l.Reason, "-"))
		if l.Code != "" || l.Message != "" {
			row("", "%s", strings.TrimSpace(l.Code+" "+l.Message))
		}
	}
	if card := e.card(); card != "" {
		row("Card", "%s (by the %s)", card, e.KnownBy)
	}
	if e.Value != "" {
		row("Value", "%s", cut(e.Value, plainWidth))
	}
	b.WriteByte('\n')
	return b.String()
}

// card names the objects in the CRM that the event became, each with its address.
func (e foundEvent) card() string {
	var parts []string
	for _, made := range []struct {
		what string
		id   int64
		url  string
	}{{"lead", e.LeadID, e.LeadURL}, {"contact", e.ContactID, e.ContactURL}, {"deal", e.DealID, e.DealURL}} {
		if made.id > 0 {
			parts = append(parts, strings.TrimSpace(fmt.Sprintf("%s %d %s", made.what, made.id, made.url)))
		}
	}
	return strings.Join(parts, ", ")
}

// sentence says how far the event has come.
func (e foundEvent) sentence() string {
	switch e.State {
	case find.Waiting:
		return "Waiting: nobody has taken it up yet"
	case find.Taken:
		return "Taken up, and nothing of it sent yet"
	case find.Sent:
		return "May have been sent: it is looked up before another contact is made"
	case find.Letter:
		if l := e.Letter; l != nil && l.State == dlt.StateClosed {
			return clean(fmt.Sprintf("Dead letter, closed %s: %s", l.ClosedAt.Format("2006-01-02 15:04:05"), cmp.Or(l.ClosedWord, "-")))
		}
		return "Dead letter"
	case find.Contact:
		return "In the CRM"
	case find.Erased:
		return "Erased"
	}
	return "Done, but neither a letter nor a contact was found"
}

// words says how far the delivery of a record has come.
func (r foundRecord) words() string {
	if r.Stage == consumer.StageDone {
		return "done"
	}
	return fmt.Sprintf("%s, behind %s of its partition", r.Stage, counted(int(r.Before), "unfinished record"))
}

// summaryOf says what was looked through: that nothing was found means little when the topic reaches back a day.
func summaryOf(report find.Report, cfg settings.FindConfig) string {
	var b strings.Builder
	if len(report.Events) == 0 {
		b.WriteString("Not seen.\n")
	}
	fmt.Fprintf(&b, "Looked through %s of %s", counted(report.Records, "record"), cfg.Find.Topic)
	if !report.Since.IsZero() {
		fmt.Fprintf(&b, ", which reaches back to %s", report.Since.UTC().Format("2006-01-02 15:04:05"))
	}
	fmt.Fprintf(&b, ", and %s of %s. Stages are as of the last commit of the group %s.\n",
		counted(report.Letters, "letter"), cfg.Find.DeadLetterTopic, cfg.Find.GroupID)
	if report.More {
		b.WriteString("There are more: raise --limit.\n")
	}
	switch {
	case report.CRMFailed != nil:
		fmt.Fprintf(&b, "The CRM could not be asked: %v.\n", report.CRMFailed)
	case cfg.CRM == nil:
		b.WriteString("The CRM was not asked: no CRM_API_KEY is given.\n")
	}
	return b.String()
}
