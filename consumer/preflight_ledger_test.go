package consumer

import (
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestLargestLedger(t *testing.T) {
	t.Parallel()
	text := largestLedger()
	if len(text) != maxMetadata {
		t.Errorf("it has %d bytes, want %d", len(text), maxMetadata)
	}
	if l, err := decodeLedger(0, text); err != nil || len(l.spans) != maxSpans {
		t.Errorf("it is read as %d spans: %v", len(l.spans), err)
	}
}

// The preflight reports brokers that refuse our commits or transactions, as services may that only speak Kafka's protocol.
func TestPreflightFindsOutAboutLedgers(t *testing.T) {
	for want, f := range map[string]kfake.Fault{
		"fail commit metadata: the brokers refuse a commit with 4096 bytes":        {Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.OffsetMetadataTooLarge, Count: -1},
		"warn commit metadata: not looked at: we may not use the group":            {Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.GroupAuthorizationFailed, Count: -1},
		"fail commit metadata: a ledger in the group leadbridge-check":             {Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.InvalidCommitOffsetSize, Count: -1},
		"warn transactions: the brokers give none":                                 {Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.UnsupportedVersion, Count: -1},
		"ok transactions: the brokers know them; this account may not use the id ": {Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.TransactionalIDAuthorizationFailed, Count: -1},
	} {
		t.Run(want, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.cluster.Fault(f)
				if got := levels(Preflight(t.Context(), r.config(), false)); !strings.Contains(got, want) {
					t.Errorf("got\n%s", got)
				}
			})
		})
	}
}

// The preflight reports brokers that shorten the metadata of a commit, or do not keep it.
func TestPreflightReadsTheLedgerBack(t *testing.T) {
	for name, kept := range map[string]func(string) string{
		"forgotten": func(string) string { return "" },
		"shortened": func(s string) string { return s[:1024] },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.cluster.ControlKey(int16(kmsg.OffsetCommit), func(request kmsg.Request) (kmsg.Response, error, bool) {
					r.cluster.KeepControl()
					commit := request.(*kmsg.OffsetCommitRequest)
					for i := range commit.Topics {
						for j := range commit.Topics[i].Partitions {
							if m := commit.Topics[i].Partitions[j].Metadata; m != nil {
								*m = kept(*m)
							}
						}
					}
					return nil, nil, false
				})
				if got := levels(Preflight(t.Context(), r.config(), false)); !strings.Contains(got, "fail commit metadata: of 4096 bytes that were committed the brokers gave") {
					t.Errorf("got\n%s", got)
				}
			})
		})
	}
}

// The preflight deletes the group that it has made.
func TestPreflightLeavesNoGroup(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		Preflight(t.Context(), r.config(), false)
		if g := r.cluster.GroupInfo(CheckGroup(testGroup)); g != nil {
			t.Errorf("the group is left: %+v", g)
		}
	})
}

// The preflight of a gate checks its topics, and creates those that are missing.
func TestPreflightWriting(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		topics := []string{testTopic, "leads.two"}
		if got, want := levels(PreflightWriting(t.Context(), r.config(), topics, false)), "ok topic leads: 1 partition\nok writing leads: allowed\nfail topic leads.two: does not exist\n"; got != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
		if got := levels(PreflightWriting(t.Context(), r.config(), topics, true)); !strings.Contains(got, "just made") || !strings.Contains(got, "ok writing leads.two: allowed") {
			t.Errorf("with fix:\n%s", got)
		}
	})
}
