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
	On            trouble // the one that is on; without an ID: there is none
	Leads         []fate
	Failed        string // why it is not known what became of them
	Cards         []cards
	Invented      int
}

// fate is what became of a lead, step by step.
type fate struct {
	Name    string
	EventID string
	State   string // the state's name, for colours beside its words
	Steps   []string
	Now     string // where it is
	Anchor  string // of its card in the document; ""
	Letter  string // the address of its letter on the operators' page; ""
}

func (p *Playground) view(ctx context.Context) view {
	leads, failed := p.leads.all(ctx)
	is := p.cfg.Status()
	v := view{
		Page: p.cfg.Page, CRMPage: p.cfg.CRMPage, Holds: is.Holds, Held: len(is.Holds) > 0, State: stateText(is), Troubles: troubles, On: p.portal.current(),
		Failed: failed, Cards: cardsOf(p.cfg.Portal), Invented: inventedAtOnce,
	}
	for _, l := range leads {
		v.Leads = append(v.Leads, p.fateOf(l, is))
	}
	return v
}

// stateText says in words how the delivery stands.
func stateText(is monitor.Status) string {
	switch is.State {
	case monitor.Delivering:
		return "Delivering"
	case monitor.Held:
		causes := make([]string, len(is.Holds))
		for i, h := range is.Holds {
			causes[i] = string(h.Cause)
		}
		return "Held: " + strings.Join(causes, ", ")
	}
	return strings.ToUpper(string(is.State)[:1]) + string(is.State)[1:]
}

// fateOf describes what became of a lead.
func (p *Playground) fateOf(l sent, is monitor.Status) fate {
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
		f.Now = "waits for its turn" + heldBy(is)
	case find.Taken:
		f.Now = "its delivery has begun" + heldBy(is)
	case find.Sent:
		f.Now = "a create may have been sent: it is looked up before another one is" + heldBy(is)
	case find.Letter:
		f.Now = fmt.Sprintf("dead letter %s: %s: %s", e.Letter.Position, e.Letter.Reason, e.Letter.Message)
		f.Letter = p.cfg.Page + "/#/letters/" + e.Letter.Position.String()
	case find.Contact:
		f.Now, f.Anchor = became(e.Made)
	case find.Erased:
		f.Now = "its letter was erased"
	case find.Ended:
		f.Now = "done"
	}
	return f
}

// heldBy says what holds the delivery.
func heldBy(is monitor.Status) string {
	if len(is.Holds) == 0 {
		return ""
	}
	return "; delivery is held (" + string(is.Holds[0].Cause) + ")"
}

// became says which cards an event became, and where the card that shows it best stands in the document.
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
