//go:build integration

package integration

import (
	"net/http"
	"testing"
)

// exists tells whether the cluster has a topic.
func (l *lab) exists(topic string) bool {
	topics, err := l.admin.ListTopics(l.ctx())
	must(l.t, "list the topics", err)
	return topics.Has(topic)
}

// remove deletes a topic and waits until it is gone.
func (l *lab) remove(topic string) {
	l.t.Helper()
	done, err := l.admin.DeleteTopics(l.ctx(), topic)
	if err == nil {
		err = done.Error()
	}
	must(l.t, "delete the topic", err)
	eventually(l.t, "the topic is gone", func() bool { return !l.exists(topic) })
	l.renewProducer()
}

// awaitHeldFor waits until a process has been held for a cause for seconds.
func (m *member) awaitHeldFor(cause string, seconds float64) {
	m.t.Helper()
	eventually(m.t, m.name+" is held: "+cause, func() bool {
		return m.metric("leadbridge_consumer_hold_seconds_total", `cause="`+cause+`"`) >= seconds
	})
}

// TestMissingTopicIsNeverCreated starts a process before its topic, on brokers that
// make a topic for whoever asks for it.
func TestMissingTopicIsNeverCreated(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{withoutTopic: true})
	m := l.join("member", nil)
	m.awaitHeldFor("topic", 3)
	if code, _ := m.get("/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("/readyz answers %d without a topic, want 503", code)
	}
	if code, _ := m.get("/healthz"); code != http.StatusOK {
		t.Errorf("/healthz answers %d without a topic, want 200", code)
	}
	if l.exists(l.topic) {
		t.Fatal("the topic was made")
	}
	l.create(l.topic, 1, nil)
	l.awaitShared(m)
	l.produce(l.spread(30))
	l.settle()
	m.stop()
}

// TestMissingDeadLetterTopicHoldsLetters keeps what is to become a letter until there is
// a topic for it. Other events go on, and nobody makes the topic.
func TestMissingDeadLetterTopicHoldsLetters(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{withoutLetters: true})
	m := l.join("member", nil)
	l.awaitShared(m)
	letters := l.mixed(1, 0, 1, 2)
	for i := range letters {
		letters[i].fate = "NO_CONTACT_POINT"
	}
	l.produce(letters)
	others := l.mixed(10, 0, 1, 2)
	l.produce(others)
	eventually(t, "the others are delivered", func() bool { return l.deliveredOf(others) == len(others) })
	m.awaitHeldFor("dead_letter_topic", 2)
	for partition, c := range l.commits() {
		if c.At != 0 {
			t.Errorf("partition %d was committed at %d, beyond a letter that is not written", partition, c.At)
		}
	}
	if l.exists(l.letters) {
		t.Fatal("the dead-letter topic was made")
	}
	l.create(l.letters, 1, nil)
	l.settle()
	m.stop()
}

// TestTopicDeletedAndCreatedAgainIsReadFromItsBeginning deletes the topic under a running process and
// makes it again, shorter than it was: the process leaves the group, waits, and delivers
// the new topic from its beginning.
func TestTopicDeletedAndCreatedAgainIsReadFromItsBeginning(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	m := l.join("member", nil)
	l.awaitShared(m)
	l.produce(l.mixed(20, 0, 1, 2))
	l.settle()
	l.remove(l.topic)
	m.awaitHeldFor("topic", 3)
	if l.exists(l.topic) {
		t.Fatal("the topic was made again by leadbridge")
	}
	l.create(l.topic, 1, nil)
	l.produce(l.mixed(5, 0, 1, 2))
	l.settle()
	m.stop()
}

// TestTopicReplacedUnseenIsLookedUp replaces the topic while nobody watches, and has the group's
// commits point beyond the new one's end: an event that the CRM has already is found.
func TestTopicReplacedUnseenIsLookedUp(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	first := l.join("first", nil)
	l.awaitShared(first)
	old := l.mixed(20, 0, 1, 2)
	l.produce(old)
	l.settle()
	first.stop()
	commits := l.commits()
	l.remove(l.topic)
	l.create(l.topic, 1, nil)
	beyond := map[int32]int64{}
	for partition, c := range commits {
		beyond[partition] = c.At
	}
	l.commitAs(commits[0].Metadata, beyond) // as a late commit does, ledger and all
	again := old[:6]
	must(t, "produce", l.kafka.ProduceSync(l.ctx(), recordsOf(l.topic, again)...).FirstErr())
	l.produce(l.mixed(4, 0, 1, 2))

	second := l.join("second", nil)
	eventually(t, "it starts again", func() bool { return len(second.logged("the topic was replaced")) > 0 })
	eventually(t, "all are contacts", func() bool { return l.deliveredOf(l.all()) == len(l.all()) })
	eventually(t, "the commits have come back to the log", func() bool {
		for partition, end := range l.ends() {
			if l.commits()[partition].At != end {
				return false
			}
		}
		return true
	})
	l.audit()
	second.stop()
}

// TestNewPartitionsAreRead adds partitions under a running process.
func TestNewPartitionsAreRead(t *testing.T) {
	t.Parallel()
	l := newLab(t, sharedCluster(t), labOptions{})
	m := l.join("member", nil)
	l.awaitShared(m)
	l.produce(l.spread(9))
	done, err := l.admin.UpdatePartitions(l.ctx(), 5, l.topic)
	if err == nil {
		err = done.Error()
	}
	must(t, "add partitions", err)
	l.partitions = 5
	eventually(t, "they can be written to", func() bool { return len(l.ends()) == 5 })
	l.renewProducer()
	l.produce(l.spread(25))
	l.settle()
	l.awaitShared(m)
	m.stop()
}
