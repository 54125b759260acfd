//go:build integration

package integration

import (
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/leadbridge/leadbridge/internal/audit"
)

// audit accounts for every lead: each must be exactly one contact, or letters of
// its own event id and its reason, and nothing else may be there.
func (l *lab) audit() {
	l.t.Helper()
	var ev audit.Evidence
	for _, one := range l.all() {
		due := audit.Due{Name: fmt.Sprintf("lead %d", one.number), Kinds: []audit.Kind{audit.Contact}, Open: one.forgiven}
		if one.fate != "" {
			due.Reasons = []string{one.fate}
		}
		line := ""
		if l.ordered {
			line = one.key
		}
		ev.Records = append(ev.Records, audit.Record{
			Line:    line,
			Place:   audit.Place{Partition: int(one.partition), Offset: int64(len(ev.Records))}, // any: letters are found by their ids
			EventID: one.eventID(), Origin: one.email(), Value: []byte(one.value()), Due: due,
		})
	}
	for _, c := range l.crm.sim.Contacts() {
		for _, e := range c.Emails() {
			ev.Objects = append(ev.Objects, audit.Object{Kind: audit.Contact, ID: c.ID, Origin: e.Value, Created: c.Created})
		}
	}
	for _, r := range l.readLetters() {
		ev.Letters = append(ev.Letters, audit.Letter{EventID: header(r, "dlt-event-id"), FromUnknown: true, Reason: header(r, "dlt-reason")})
	}
	a := audit.Account(ev)
	for _, f := range a.Faults {
		l.t.Error(f.Kind, f.Text)
	}
	if n := l.crm.sim.Stats().Duplicates; n > 0 {
		l.t.Errorf("%d duplicates by origin id", n)
	}
}

// readLetters reads the whole dead-letter topic, without the markers of letters that were replayed.
func (l *lab) readLetters() []*kgo.Record {
	return slices.DeleteFunc(l.readAll(l.letters), func(r *kgo.Record) bool { return header(r, "dlt-marker") != "" })
}

// readAll reads a topic from its start to its end.
func (l *lab) readAll(topic string) []*kgo.Record {
	l.t.Helper()
	starts, err := l.admin.ListStartOffsets(l.ctx(), topic)
	must(l.t, "list the starts", err)
	ends, err := l.admin.ListCommittedOffsets(l.ctx(), topic)
	must(l.t, "list the ends", err)
	from := map[int32]kgo.Offset{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(topic, end.Partition); ok && end.Err == nil && start.Offset < end.Offset {
			from[end.Partition] = kgo.NewOffset().At(start.Offset)
		}
	})
	if len(from) == 0 {
		return nil
	}
	reader, err := kgo.NewClient(kgo.SeedBrokers(l.cluster.Addrs()...), kgo.KeepControlRecords(),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: from}), kgo.FetchMaxWait(50*time.Millisecond), kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	must(l.t, "make a reader", err)
	defer reader.Close()
	var all []*kgo.Record
	for ctx := l.ctx(); len(from) > 0; {
		fetches := reader.PollFetches(ctx)
		must(l.t, "read "+topic, fetches.Err())
		for r := range fetches.RecordsAll() {
			if !r.Attrs.IsControl() {
				all = append(all, r)
			}
			if end, _ := ends.Lookup(topic, r.Partition); r.Offset+1 >= end.Offset {
				delete(from, r.Partition)
			}
		}
	}
	return all
}

func header(r *kgo.Record, key string) string {
	for _, h := range r.Headers {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
