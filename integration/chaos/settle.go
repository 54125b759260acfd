package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/integration/internal/leads"
	"github.com/leadbridge/leadbridge/integration/internal/topics"
)

// aftermath is how long a request that the CRM has got may take effect: as long as it may stand
// in the queue, with its batch, late, and a moment.
const aftermath = crmQueueLimit + lateBy + 3*time.Second

// lateLeads is the number of the first lead that comes after the blows.
const lateLeads = 5_000_000

// lateLeadsOfARound is how many numbers a round has for them.
const lateLeadsOfARound = 10_000

// sendGood sends a good lead to each partition, of each target in turn. An event that fails again and again
// becomes a letter only when others of its process and its kind pass between its tries.
func (g *game) sendGood(round, n int) {
	for p := range leads.Partitions {
		number := lateLeads + round*lateLeadsOfARound + n*leads.Partitions + p
		l := leads.Webhook(number)
		if targets := g.o.named(); len(targets) > 0 {
			l = leads.Good(number, targets[(n+p/2)%len(targets)])
		}
		l.Partition = int32(p)
		g.sender.Send(l)
	}
}

// settle waits until everything is committed and nothing can happen any more. Each second it calls
// every with the number of seconds.
func (g *game) settle(ctx context.Context, every func(seconds int)) error {
	began := time.Now()
	limit := time.NewTimer(g.o.settle)
	defer limit.Stop()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for seconds := 0; ; seconds++ {
		lag, err := g.cluster.topics.Lag(ctx, group, topic)
		if err == nil && topics.Sum(lag) == 0 {
			g.book.note("all is committed, %v after the last blow", time.Since(began).Round(time.Second))
			rest(ctx, aftermath)
			return ctx.Err()
		}
		if seconds%10 == 0 {
			g.book.note("to be committed, of each partition: %v, %v", lag, err)
		}
		select {
		case <-ticker.C:
			every(seconds)
		case <-limit.C:
			g.book.breach("it is stuck: %v still to be committed %v after the last blow", lag, g.o.settle)
			g.showStatus(ctx)
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// showStatus notes what the members say of themselves.
func (g *game) showStatus(ctx context.Context) {
	for _, s := range g.residents() {
		text, err := status(ctx, s.now().lines.address())
		g.book.note("%s says %s %v", s.now().name, text, err)
	}
}

func status(ctx context.Context, address string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/statusz", nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", fmt.Errorf("ask for the status: %w", err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

// leaseGrace is how long after its lease a process's last request may be seen by a CRM that is busy.
const leaseGrace = time.Second

// readJournals looks for what no process may do: without a lease it must not send a
// create before it has got partitions again, and no log holds personal data.
func (g *game) readJournals() {
	for _, s := range g.slots {
		for _, a := range g.book.absences {
			if a.slot == s.name {
				g.blame(a, s.lives)
			}
		}
		for _, p := range s.lives {
			for _, line := range p.lines.personal {
				g.book.breach("%s logged personal data: %s", p.name, line)
			}
			for _, line := range p.lines.panics {
				g.book.breach("%s panicked, or said what is no log line: %s", p.name, line)
			}
		}
	}
}

// unmissed tells whether a broker was dead in an absence, or had just come back: sessions begin
// anew there, and a process that was not missed may go on with its old partitions when it is back.
func unmissed(a absence, all []absence) bool {
	return slices.ContainsFunc(all, func(dead absence) bool {
		return dead.slot == brokers && dead.from.Before(a.to) && a.from.Before(dead.to.Add(session))
	})
}

func (g *game) blame(a absence, lives []*process) {
	for _, p := range lives {
		until := time.Now()
		if unmissed(a, g.book.absences) {
			until = a.to
		}
		if sent := sentWithoutLease(a, p, g.portal.traffic, until); len(sent) > 0 {
			g.book.breach("%s could not renew its lease from %s until %s and sent %d creates after that was over, before it got partitions again: the first at %s, call %d",
				p.name, a.from.UTC().Format(clock), a.to.UTC().Format(clock), len(sent), sent[0].at.UTC().Format(clock), sent[0].call)
		}
	}
}

// sentWithoutLease are the creates that a process sent when its absence had lasted for so long that
// its lease was over, before it got partitions again, and before until.
func sentWithoutLease(a absence, p *process, t *traffic, until time.Time) []sighting {
	lapsed := a.from.Add(session + leaseGrace)
	if a.to.Before(lapsed) {
		return nil
	}
	if again, ok := p.lines.assignedSince(lapsed); ok && again.Before(until) {
		until = again
	}
	return t.created(p.name, lapsed, until)
}
