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

// readFor is how long what was read from Kafka is shown before it is read again, and readLimit how long a reading may take.
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

// settled reports whether nothing more will become of a lead: it is a contact. A dead letter may still be replayed.
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

// all returns the leads with what has become of them, and, in failed, why that is not known; "" when it is.
func (f *followed) all(ctx context.Context) (leads []sent, failed string) {
	f.reading.Lock()
	defer f.reading.Unlock()
	ctx, cancel := context.WithTimeout(ctx, readLimit)
	defer cancel()
	for _, id := range f.due() {
		report, err := f.find(ctx, id)
		f.note(id, report, err)
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

// due returns the ids of the leads to read again: those that are not settled, if the last reading is older than readFor.
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

// note notes what was read of a lead.
func (f *followed) note(id string, r find.Report, err error) {
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
