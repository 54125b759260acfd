//go:build integration

package integration

import (
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// audit accounts for every lead: each must be exactly one contact, or letters of
// its own event id and its reason, and nothing else may be there.
func (l *lab) audit() {
	l.t.Helper()
	contacts := map[string]int{}
	for _, c := range l.crm.sim.Contacts() {
		for _, e := range c.Emails() {
			contacts[e.Value]++
		}
	}
	letters := map[string][]string{} // reasons by event id
	for _, r := range l.readLetters() {
		id := header(r, "dlt-event-id")
		letters[id] = append(letters[id], header(r, "dlt-reason"))
	}
	for _, one := range l.all() {
		made, reasons := contacts[one.email()], letters[one.eventID()]
		switch {
		case one.forgiven && made == 0 && len(reasons) == 0:
		case one.fate == "" && (made != 1 || len(reasons) > 0):
			l.t.Errorf("lead %d of partition %d: %d contacts and letters %q, want one contact", one.number, one.partition, made, reasons)
		case one.fate != "" && (made != 0 || !slices.Equal(slices.Compact(reasons), []string{one.fate})):
			l.t.Errorf("lead %d of partition %d: %d contacts and letters %q, want a letter %s", one.number, one.partition, made, reasons, one.fate)
		}
		delete(contacts, one.email())
		delete(letters, one.eventID())
	}
	for email := range contacts {
		l.t.Errorf("a contact of nobody: %s", email)
	}
	for id := range letters {
		l.t.Errorf("a letter of no event: %s", id)
	}
	if n := l.crm.sim.Stats().Duplicates; n > 0 {
		l.t.Errorf("%d duplicates by origin id", n)
	}
}

// readLetters reads the whole dead-letter topic.
func (l *lab) readLetters() []*kgo.Record { return l.readAll(l.letters) }

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
