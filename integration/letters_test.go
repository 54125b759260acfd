//go:build integration

package integration

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// letterOf is a lead's dead letter.
func (l *lab) letterOf(one lead) *kgo.Record {
	l.t.Helper()
	for _, r := range l.readLetters() {
		if header(r, "dlt-event-id") == one.eventID() {
			return r
		}
	}
	l.t.Fatalf("lead %d has no letter", one.number)
	return nil
}

// TestLargeLettersLoseTheirValue writes letters that the dead-letter topic is too
// small for: headers alone are written, which tell where the value lies.
func TestLargeLettersLoseTheirValue(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{
		topicConfig:   map[string]string{"max.message.bytes": "2000000"},
		lettersConfig: map[string]string{"max.message.bytes": "20000"},
	})
	m := l.join("member", nil)
	l.awaitShared(m)
	leads := l.mixed(1, 0, 1, 2)
	for i, padding := range []int{10, 30_000, 1_000_000} {
		leads[i].fate, leads[i].padding, leads[i].key = "NO_CONTACT_POINT", padding, "someone"
	}
	l.produce(leads)
	l.settle()
	for i, one := range leads {
		r := l.letterOf(one)
		omitted := i > 0
		if got := header(r, "dlt-value") == "omitted"; got != omitted {
			t.Errorf("%d bytes: dlt-value is %q", one.padding, header(r, "dlt-value"))
		}
		if whole := bytes.Equal(r.Value, []byte(one.value())); whole == omitted {
			t.Errorf("%d bytes: the letter has %d bytes of value", one.padding, len(r.Value))
		}
		if string(r.Key) != "someone" || header(r, "dlt-original-topic") != l.topic || header(r, "dlt-original-offset") != "0" {
			t.Errorf("%d bytes: key %q, headers %v", one.padding, r.Key, r.Headers)
		}
	}
	m.stop()
}

// TestLetterOfTheLargestRecordIsWritten fills a record of the default limit, which headers of a
// letter do not fit into any more.
func TestLetterOfTheLargestRecordIsWritten(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	m := l.join("member", nil)
	l.awaitShared(m)
	largest := l.into(1, 1)
	largest[0].fate = "NO_CONTACT_POINT"
	largest[0].padding = 1_048_588 - 100 - len(largest[0].value()) // of the batch's own frame
	l.produce(largest)
	l.produce(l.into(1, 3))
	l.settle()
	if r := l.letterOf(largest[0]); header(r, "dlt-value") != "omitted" {
		t.Errorf("dlt-value is %q, the letter has %d bytes", header(r, "dlt-value"), len(r.Value))
	}
	m.stop()
}

// TestLetterFromTheFutureIsWritten has a record whose time the dead-letter topic does not take.
func TestLetterFromTheFutureIsWritten(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{
		topicConfig:   map[string]string{"message.timestamp.after.max.ms": "9223372036854775807"},
		lettersConfig: map[string]string{"message.timestamp.after.max.ms": "3600000"},
	})
	m := l.join("member", nil)
	l.awaitShared(m)
	early := l.into(2, 1)
	soon := time.Now().Add(2 * time.Hour).Truncate(time.Millisecond)
	early[0].fate, early[0].record = "NO_CONTACT_POINT", &kgo.Record{Timestamp: soon}
	l.produce(early)
	l.settle()
	r := l.letterOf(early[0])
	if r.Timestamp.After(time.Now()) || !bytes.Equal(r.Value, []byte(early[0].value())) {
		t.Errorf("the letter is of %v and has %d bytes of value", r.Timestamp, len(r.Value))
	}
	if got := header(r, "dlt-original-timestamp"); !strings.Contains(got, soon.UTC().Format("2006-01-02T15:04:05")) {
		t.Errorf("dlt-original-timestamp is %q, want %v", got, soon)
	}
	m.stop()
}

// TestCompactedDeadLetterTopicGetsAKey writes letters into a topic that takes none without a key.
func TestCompactedDeadLetterTopicGetsAKey(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{lettersConfig: map[string]string{"cleanup.policy": "compact"}})
	m := l.join("member", nil)
	l.awaitShared(m)
	leads := l.mixed(1, 0, 1, 2)
	for i := range leads {
		leads[i].fate = "NO_CONTACT_POINT"
	}
	leads[2].key = "someone"
	l.produce(leads)
	l.settle()
	keys := map[string]bool{}
	for i, one := range leads {
		r := l.letterOf(one)
		if assigned := header(r, "dlt-key") == "assigned"; assigned != (i < 2) || len(r.Key) == 0 || !bytes.Equal(r.Value, []byte(one.value())) {
			t.Errorf("lead %d: dlt-key is %q, the key %q, the value has %d bytes", one.number, header(r, "dlt-key"), r.Key, len(r.Value))
		}
		keys[string(r.Key)] = true
	}
	if len(keys) != len(leads) {
		t.Errorf("letters share keys, so that compaction deletes some: %v", keys)
	}
	m.stop()
}
