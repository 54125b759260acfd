package consumer

import (
	"cmp"
	"slices"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/tracing"
	"github.com/leadbridge/leadbridge/internal/wait"
)

// Waits of parked records, in addition to those of the CRM client.
const (
	waitOrder                 = crmclient.WaitOrder // an earlier record in one of its lines is not done
	waitLetter crmclient.Wait = "letter"            // the dead-letter topic does not take its letter
	waitResult crmclient.Wait = "result"            // the result topic does not take its result
	waitSchema crmclient.Wait = "schema"            // the schema of its value is not known yet
)

// waits returns all waits of parked records.
func waits() []crmclient.Wait {
	return []crmclient.Wait{
		crmclient.WaitBackoff, crmclient.WaitDoubt, crmclient.WaitSuspect, crmclient.WaitFlood, crmclient.WaitPerson, waitOrder, waitLetter, waitResult, waitSchema,
	}
}

// carried is what a delivery keeps while its record is parked. Key, value, headers and contact are not kept.
type carried struct {
	place   *place
	pending *crmclient.Pending // what the CRM client knows of the event
	failure *rejection         // why the record becomes a dead letter; nil unless that is decided
	made    *crmclient.Result  // what the event became; nil until that exists
	trace   *tracing.Record    // nil when the record is not traced

	// inherited says that an earlier owner may have sent a create: the ledger calls the record sent, or there is no ledger. Our
	// own commits call it sent, too.
	inherited bool
	// suspect says that the event must be looked up before a create: an earlier owner may have sent it, it is a repeat or a
	// replay, the partition is in a crash loop, or the CRM client panicked.
	suspect    bool
	sentBefore func() time.Time // see partitionRecords.sentBefore
	// sentHere says that this owner sent a create that may have taken effect, or may still do so.
	sentHere bool
	idHash   uint64 // the hash of the event's id, as seen knows it
	reused   bool   // the event's id was another event's before
	repeat   bool   // the event was seen before
	explores bool   // the record is being looked up for the exploration
	panics   int    // panics of the CRM client while it had the event
	// unknown says that the record could not be read yet, or stands behind a backlog. Then place and idHash are placeholders.
	unknown bool
}

// sent reports whether anybody may have sent a create for the record, so that the next owner must look it up.
func (c *carried) sent() bool { return c.inherited || c.sentHere }

// A parkedRecord is a record that waits for something of its own. It takes no room in the window and no bytes: its
// value is read from Kafka again when it is taken up.
type parkedRecord struct {
	carried
	offset int64
	why    crmclient.Wait
	// The record is taken up again at due or when ready is closed, whichever is first. due may be zero, or ready nil.
	due   time.Time
	ready <-chan struct{}
	// refusal is why the CRM refused the event, while the record waits for the end of a flood. It becomes the failure
	// if the flood's letters are written, and is dropped if the record is sent again.
	refusal *rejection
}

// parking holds the parked records of a partition, ascending by offset.
type parking struct {
	records []*parkedRecord
}

// find returns the index of the record at offset, or the index at which it would be inserted, and whether it is there.
func (k *parking) find(offset int64) (int, bool) {
	return slices.BinarySearchFunc(k.records, offset, func(r *parkedRecord, offset int64) int {
		return cmp.Compare(r.offset, offset)
	})
}

// park adds a record.
func (k *parking) park(r *parkedRecord) {
	i, _ := k.find(r.offset)
	k.records = slices.Insert(k.records, i, r)
}

// isDue reports whether the record may be taken up again at now.
func (r *parkedRecord) isDue(now time.Time) bool {
	if !r.due.IsZero() && !r.due.After(now) {
		return true
	}
	return wait.Closed(r.ready)
}

// takeDue removes and returns up to limit records that are due at now, the lowest offsets first.
func (k *parking) takeDue(now time.Time, limit int) []*parkedRecord {
	var due []*parkedRecord
	k.records = slices.DeleteFunc(k.records, func(r *parkedRecord) bool {
		if len(due) >= limit || !r.isDue(now) {
			return false
		}
		due = append(due, r)
		return true
	})
	return due
}

// nextDue returns the earliest time at which a record is due, zero for none, and the channels that make records due when
// they are closed. The channels of records that wait for earlier ones are left out, as lines wakes the reader for those itself.
func (k *parking) nextDue() (time.Time, []<-chan struct{}) {
	var next time.Time
	var ready []<-chan struct{}
	for _, r := range k.records {
		if !r.due.IsZero() && (next.IsZero() || r.due.Before(next)) {
			next = r.due
		}
		if r.ready != nil && r.why != waitOrder && !slices.Contains(ready, r.ready) {
			ready = append(ready, r.ready)
		}
	}
	return next, ready
}

// firstInFlood returns the record with the lowest offset that waits for the end of a flood, nil for none.
func (k *parking) firstInFlood() *parkedRecord {
	for _, r := range k.records {
		if r.refusal != nil {
			return r
		}
	}
	return nil
}

// counts returns how many records wait, by what they wait for.
func (k *parking) counts() map[crmclient.Wait]int {
	n := map[crmclient.Wait]int{}
	for _, r := range k.records {
		n[r.why]++
	}
	return n
}

// sentHere reports whether a create of this owner for one of the records may have taken effect.
func (k *parking) sentHere() bool {
	return slices.ContainsFunc(k.records, func(r *parkedRecord) bool { return r.sentHere })
}
