package playground

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/find"
)

// view is what the page shows.
type view struct {
	Page, CRMPage string
	Held          bool
	State         string
	Holds         []crmclient.Hold
	Troubles      []trouble
	On            trouble // the one that is on; its ID is "" when there is none
	Leads         []fate
	Failed        string // why it is not known what became of Leads; "": it is
	Cards         []cardGroup
	Invented      int // how many leads the button sends
}

// fate is what became of a lead, step by step.
type fate struct {
	Name    string
	EventID string
	State   string // the state's name, for colours beside its words
	Steps   []string
	Now     string // where it is
	Anchor  string // of its card in the document; "": it has none
	Letter  string // address of its letter on the operators' page; "": it has none
	ToID    string // the id of the link to Letter, by which it keeps the focus when the list is read anew
}

func (p *Playground) view(ctx context.Context) view {
	leads, failed := p.leads.all(ctx)
	status := p.cfg.Status()
	v := view{
		Page: p.cfg.Page, CRMPage: p.cfg.CRMPage, Holds: status.Holds, Held: len(status.Holds) > 0, State: stateText(status), Troubles: troubles, On: p.portal.current(),
		Failed: failed, Cards: cardsOf(p.cfg.Portal), Invented: inventedAtOnce,
	}
	for _, l := range leads {
		v.Leads = append(v.Leads, p.fateOf(l, status))
	}
	return v
}

// stateText returns the state of the delivery in words.
func stateText(status monitor.Status) string {
	switch status.State {
	case monitor.Delivering:
		return "Delivering"
	case monitor.Held:
		causes := make([]string, len(status.Holds))
		for i, h := range status.Holds {
			causes[i] = string(h.Cause)
		}
		return "Held: " + strings.Join(causes, ", ")
	}
	return strings.ToUpper(string(status.State)[:1]) + string(status.State)[1:]
}

// fateOf describes what became of a lead.
func (p *Playground) fateOf(l sent, status monitor.Status) fate {
	f := fate{Name: "Lead", EventID: l.EventID, State: "accepted", Steps: []string{"accepted by the gate at " + clock(l.At)}, Now: "Kafka has it"}
	if !l.Found {
		return f
	}
	e := l.Event
	if name := strings.TrimSpace(e.Contact.Name + " " + e.Contact.LastName); name != "" {
		f.Name = name
	}
	for _, r := range e.Records {
		f.Steps = append(f.Steps, fmt.Sprintf("in Kafka, partition %d, offset %d", r.Partition, r.Offset))
	}
	f.State = string(e.State)
	switch e.State {
	case find.Waiting:
		f.Now = "waits for its turn" + heldBy(status)
	case find.Taken:
		f.Now = "its delivery has begun" + heldBy(status)
	case find.Sent:
		f.Now = "a create may have been sent: it is looked up before another one is" + heldBy(status)
	case find.Letter:
		f.Now = fmt.Sprintf("dead letter %s: %s: %s", e.Letter.Position, e.Letter.Reason, e.Letter.Message)
		f.Letter = p.cfg.Page + "/#/letters/" + e.Letter.Position.String()
		f.ToID = fmt.Sprintf("to-letter-%d-%d", e.Letter.Partition, e.Letter.Offset)
	case find.Contact:
		f.Now, f.Anchor = became(e.Made)
	case find.Erased:
		f.Now = "its letter was erased"
	case find.Ended:
		f.Now = "done"
	}
	return f
}

// heldBy says what holds the delivery, for the end of a sentence; "" when nothing does.
func heldBy(status monitor.Status) string {
	if len(status.Holds) == 0 {
		return ""
	}
	return "; delivery is held (" + string(status.Holds[0].Cause) + ")"
}

// became says which cards an event became, and returns the anchor of the one to show: the deal, else the lead, else the
// contact.
func became(m crmclient.Made) (text, anchor string) {
	var parts []string
	for _, one := range []struct {
		kind string
		id   int64
	}{{"contact", m.ContactID}, {"lead", m.LeadID}, {"deal", m.DealID}} {
		if one.id > 0 {
			parts = append(parts, fmt.Sprintf("%s %d", one.kind, one.id))
			anchor = anchorOf(one.kind, one.id)
		}
	}
	return strings.Join(parts, " with "), anchor
}

func clock(at time.Time) string { return at.Format("15:04:05") }
