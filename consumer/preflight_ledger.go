package consumer

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

// checkSuffix is appended to the names of the group and of the transactional producer that only a preflight uses.
const checkSuffix = "-check"

// CheckGroup returns the group in which a preflight writes its commit; group is the one that is checked.
func CheckGroup(group string) string { return group + checkSuffix }

// keepsLedgers checks that the metadata of commits is kept: it commits a ledger of full size in a group of its own, and reads
// it back. Some services that speak Kafka's protocol keep no metadata, or less of it.
func (f *preflight) keepsLedgers(ctx context.Context, partition int) {
	const check = "commit metadata"
	own := *f.broker
	own.group = CheckGroup(f.cfg.GroupID)
	want := largestLedger()
	var got committed
	err := f.withRetries(ctx, func() error {
		commit := kafka.OffsetCommit{Partition: partition, Offset: 0, Metadata: want}
		if err := own.commit(ctx, membership{generation: -1}, []kafka.OffsetCommit{commit}, callTimeout); err != nil {
			return err
		}
		found, err := own.fetchCommits(ctx, []int{partition})
		got = found[partition]
		return err
	})
	switch {
	case errors.Is(err, kafka.GroupAuthorizationFailed):
		f.add("warn", check, "grant READ on the group "+own.group+" to have it looked at", "not looked at: we may not use the group %s, in which it is tried", own.group)
	case errors.Is(err, kafka.OffsetMetadataTooLarge):
		f.add("fail", check, "set the brokers' offset.metadata.max.bytes to 4096 (their default) or more", "the brokers refuse a commit with %d bytes, and a commit needs up to so many", len(want))
	case err != nil:
		f.add("fail", check, "look at the brokers' log; what must work is a commit with 4096 bytes of metadata", "a ledger in the group %s: %v", own.group, err)
	case got.metadata != want:
		f.add("fail", check, "use brokers that keep it: without it events are created twice after a crash",
			"of %d bytes that were committed the brokers gave %d back, or others", len(want), len(got.metadata))
	default:
		f.add("ok", check, "", "%d bytes were committed and read back in the group %s", len(want), own.group)
	}
	f.forget(ctx, own.group)
}

// forget deletes a group if we may. If we may not, the brokers delete it when its commit expires.
func (f *preflight) forget(ctx context.Context, group string) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, _ = f.broker.client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{group}}) // a group that remains does no harm
}

// largestLedger returns a ledger's text that is as large as the metadata of a commit can be. It has the most spans, and its
// field's name is lengthened until the text is long enough.
func largestLedger() string {
	l := ledger{granted: 1 << 40, horizon: time.UnixMilli(1 << 40), trial: -1}
	for i := range int64(maxSpans) {
		from := i << 10
		l.spans = append(l.spans, span{from: from, to: from + 1 + i%600, sent: i%2 == 0})
	}
	for text := l.encode(0); ; text = l.encode(0) {
		if len(text) >= maxMetadata {
			return text
		}
		l.originField += strings.Repeat("x", max((maxMetadata-len(text))*3/4-1, 1))
	}
}
