package main

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/lead"
	"github.com/leadbridge/leadbridge/internal/audit"
)

// role is the purpose of leads in a case. The zero role is that of good leads whose wait does not count.
type role struct {
	measured bool // the wait counts
	bad      bool // the lead can never become a contact, and must become a letter
	changes  []func(*lead.Lead)
}

// fresh returns the role of good leads whose wait counts.
func fresh() role { return role{measured: true} }

// background returns the role of good leads whose wait does not count.
func background() role { return role{} }

// Texts in bad leads, by which the CRM's faults recognize them.
const (
	refusedMarker = "Refused"
	poisonMarker  = "Poison"
	lostMarker    = "Lost"
	hiddenUser    = "404" // a user whom the key may not see
)

// marked returns the role of bad leads with a marker in the name.
func marked(marker string) role {
	return role{bad: true}.with(replace(`{"name":`, `{"secondName":"`+marker+`","name":`))
}

// forbidden returns the role of bad leads for a user whom the key may not see.
func forbidden() role {
	return role{bad: true}.with(replace(`{"name":`, `{"assignedById":`+hiddenUser+`,"name":`))
}

// useless returns the role of bad leads without phone and e-mail address.
func useless() role {
	return role{bad: true}.with(func(l *lead.Lead) { l.Value = `{"name":"Иван Петренко","message":"` + l.ID + `"}` })
}

// with returns the role with further changes.
func (r role) with(changes ...func(*lead.Lead)) role {
	r.changes = slices.Concat(r.changes, changes)
	return r
}

func replace(before, after string) func(*lead.Lead) {
	return func(l *lead.Lead) { l.Value = strings.Replace(l.Value, before, after, 1) }
}

// oneKey gives leads the key of their form, as many producers do.
func oneKey(l *lead.Lead) { l.Key = "form49142221" }

// oneID gives leads one webhook-id.
func oneID(l *lead.Lead) { l.ID = "msg_form49142221" }

// large gives leads a comment of 900 kB, with which their record is almost as large as a record can be.
func large(l *lead.Lead) { replace(`"message":"`, `"message":"`+strings.Repeat("a", 900_000))(l) }

// sharedPhone gives each hundred leads the same phone, as the leads of an office have.
func sharedPhone(l *lead.Lead) {
	if n, ok := lead.Of(l.Key); ok {
		replace(`"phone":"`+lead.Phone(n)+`"`, `"phone":"`+lead.Phone(n-n%100)+`"`)(l)
	}
}

// lead returns the n-th lead, with the changes of the role.
func (r role) lead(n int) lead.Lead {
	l := lead.New(n)
	for _, change := range r.changes {
		change(&l)
	}
	return l
}

// sentLead is a lead that Kafka has acknowledged.
type sentLead struct {
	n     int // the lead's number, which [lead.Of] finds in the contact's e-mail address
	role  role
	place audit.Place
	acked time.Time
}

// sentLeads are all leads of a case. Its methods may be called from any goroutine.
type sentLeads struct {
	mu   sync.Mutex
	next int
	all  []sentLead
}

// numbers takes the next n numbers and returns the first.
func (s *sentLeads) numbers(n int) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next += n
	return s.next - n
}

func (s *sentLeads) add(leads ...sentLead) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, leads...)
}

func (s *sentLeads) list() []sentLead {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.all)
}

// maxProduce is about how many bytes of leads a request to the broker holds. The broker accepts a megabyte, so that a
// lead of 900 kB must be sent alone.
const maxProduce = 64 << 10

// send writes leads with the numbers from first on to a partition.
func (s *scene) send(ctx context.Context, r role, partition, first, n int) error {
	for n > 0 {
		leads, size := []lead.Lead{}, 0
		for len(leads) < n && size < maxProduce {
			l := r.lead(first + len(leads))
			leads, size = append(leads, l), size+len(l.Value)
		}
		offset, err := s.broker.Write(ctx, s.topic, partition, leads)
		if err != nil {
			return err
		}
		acked := time.Now()
		for i := range leads {
			s.sent.add(sentLead{n: first + i, role: r, place: audit.Place{Partition: partition, Offset: offset + int64(i)}, acked: acked})
		}
		first, n = first+len(leads), n-len(leads)
	}
	return nil
}

// burst sends n leads at once, over all partitions.
func (s *scene) burst(ctx context.Context, r role, n int) error {
	first := s.sent.numbers(n)
	for p := range s.c.Partitions {
		from, to := n*p/s.c.Partitions, n*(p+1)/s.c.Partitions
		if err := s.send(ctx, r, p, first+from, to-from); err != nil {
			return err
		}
	}
	return nil
}

// burstTo sends n leads at once to one partition.
func (s *scene) burstTo(ctx context.Context, r role, partition, n int) error {
	return s.send(ctx, r, partition, s.sent.numbers(n), n)
}

// drip sends n leads, one in each interval every. choose returns the role and the partition of the i-th.
func (s *scene) drip(ctx context.Context, n int, every time.Duration, choose func(i int) (role, int)) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for i := range n {
		r, partition := choose(i)
		if err := s.burstTo(ctx, r, partition, 1); err != nil {
			return err
		}
		if i == n-1 {
			break
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// freshOnly chooses fresh leads, for all partitions in turn. It is an argument of drip.
func (s *scene) freshOnly(i int) (role, int) { return fresh(), i % s.c.Partitions }
