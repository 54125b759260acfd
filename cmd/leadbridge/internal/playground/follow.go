package playground

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/find"
)

// maxFollowed is how many leads are followed, the newest ones.
const maxFollowed = 12

// readFor is for how long what was read of Kafka is shown again, and readLimit how long reading may take.
const (
	readFor   = 300 * time.Millisecond
	readLimit = 5 * time.Second
)

// Find returns what became of an event; see [find.Finder]. It need not ask the CRM, where results are written to a topic.
type Find func(ctx context.Context, eventID string) (find.Report, error)

// sent is a lead that the gate has accepted.
type sent struct {
	EventID string
	At      time.Time
	Found   bool       // Event was read
	Event   find.Event // what became of it
}

// settled reports whether nothing more can become of a lead. A dead letter may be replayed.
func (s *sent) settled() bool { return s.Found && s.Event.State == find.Contact }

// followed are the leads that were sent, and what became of them.
type followed struct {
	find Find

	reading sync.Mutex // held while Kafka is read, which is done for one reader at a time

	mu     sync.Mutex
	leads  []*sent // the newest first
	readAt time.Time
	failed string // why Kafka could not be read; "" when it could
}

// add follows a lead.
func (f *followed) add(eventID string, at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.leads = append([]*sent{{EventID: eventID, At: at}}, f.leads...)
	f.leads = f.leads[:min(len(f.leads), maxFollowed)]
	f.readAt = time.Time{}
}

// all returns the leads with what became of them by now, and why that is not known.
func (f *followed) all(ctx context.Context) (leads []sent, failed string) {
	f.reading.Lock()
	defer f.reading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	for _, id := range f.due() {
		report, err := f.find(ctx, id)
		f.take(id, report, err)
		if err != nil {
			break
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.leads {
		leads = append(leads, *l)
	}
	return leads, f.failed
}

// due returns the ids of the leads of which more may be known than was read.
func (f *followed) due() (ids []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now()
	if now.Sub(f.readAt) < readFor {
		return nil
	}
	f.readAt, f.failed = now, ""
	for _, l := range f.leads {
		if !l.settled() {
			ids = append(ids, l.EventID)
		}
	}
	return ids
}

// take notes what was read of a lead.
func (f *followed) take(id string, r find.Report, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.failed = fmt.Sprintf("Kafka could not be read: %v", err)
		return
	}
	for _, l := range f.leads {
		if l.EventID != id {
			continue
		}
		for _, e := range r.Events {
			if e.ID == id {
				l.Event, l.Found = e, true
			}
		}
	}
}
