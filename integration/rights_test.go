//go:build integration

package integration

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/leadbridge/leadbridge/integration/internal/broker"
)

// A right is what one ACL lets the user of the brokers do.
type right struct {
	operation kadm.ACLOperation
	of        func(*kadm.ACLBuilder) *kadm.ACLBuilder
}

func onTopic(name string, o kadm.ACLOperation) right {
	return right{o, func(b *kadm.ACLBuilder) *kadm.ACLBuilder { return b.Topics(name) }}
}

func onGroup(name string, o kadm.ACLOperation) right {
	return right{o, func(b *kadm.ACLBuilder) *kadm.ACLBuilder { return b.Groups(name) }}
}

func onTransactions(id string, o kadm.ACLOperation) right {
	return right{o, func(b *kadm.ACLBuilder) *kadm.ACLBuilder { return b.TransactionalIDs(id) }}
}

// describe is the right to see that the same thing is there. It stays, as a right of the brokers' users is rarely the only
// one; and of what no ACL names any more everybody could do everything.
func (r right) describe() right { return right{kadm.OpDescribe, r.of} }

// acls are those of rights.
func (r right) acls() *kadm.ACLBuilder {
	b := kadm.NewACLs().Allow("User:" + broker.User).AllowHosts("*").Operations(r.operation).ResourcePatternType(kadm.ACLPatternLiteral)
	return r.of(b)
}

// grant gives the user rights. What no ACL names anybody may do, and else the user what its ACLs say.
func (l *lab) grant(rights ...right) {
	l.t.Helper()
	for _, r := range rights {
		made, err := l.admin.CreateACLs(l.ctx(), r.acls())
		must(l.t, "grant", err)
		for _, one := range made {
			must(l.t, "grant", one.Err)
		}
		l.awaitGranted(r, true)
	}
}

// revoke takes rights away.
func (l *lab) revoke(rights ...right) {
	l.t.Helper()
	for _, r := range rights {
		done, err := l.admin.DeleteACLs(l.ctx(), r.acls())
		must(l.t, "revoke", err)
		for _, one := range done {
			must(l.t, "revoke", one.Err)
			if len(one.Deleted) != 1 {
				l.t.Fatalf("%d ACLs were deleted for one", len(one.Deleted))
			}
		}
		l.awaitGranted(r, false)
	}
}

// awaitGranted waits until the broker, and not only its controller, knows that a right is granted or is not.
func (l *lab) awaitGranted(r right, want bool) {
	l.t.Helper()
	eventually(l.t, "the broker knows of the right", func() bool {
		found, err := l.admin.DescribeACLs(l.ctx(), r.acls())
		if err != nil {
			return false
		}
		n := 0
		for _, one := range found {
			n += len(one.Described)
		}
		return (n > 0) == want
	})
}

// consumerRights are what docs say that a consumer needs, by what it needs them for.
func (l *lab) consumerRights() map[string]right {
	return map[string]right{
		"read":    onTopic(l.topic, kadm.OpRead),
		"group":   onGroup(l.group, kadm.OpRead),
		"letters": onTopic(l.letters, kadm.OpWrite),
		"results": onTopic(l.results(), kadm.OpWrite),
	}
}

func (l *lab) results() string { return l.topic + ".results" }

// loggedIn are settings of a process that logs in as the user of the brokers.
func (l *lab) loggedIn(s *broker.Security) map[string]string {
	return map[string]string{
		"KAFKA_BROKERS": strings.Join(s.Password, ","), "KAFKA_SASL_MECHANISM": "PLAIN",
		"KAFKA_SASL_USERNAME": broker.User, "KAFKA_SASL_PASSWORD": broker.Password,
		"KAFKA_RESULT_TOPIC": l.results(),
	}
}

// TestRightsTakenAwayAndGivenBack takes each right of a consumer away while it runs with no more than it needs, and gives it
// back: the process says which right it lacks, goes on without a restart, and delivers each event once.
func TestRightsTakenAwayAndGivenBack(t *testing.T) {
	t.Parallel()
	c, s := secureCluster(t)
	for what, lack := range map[string]struct {
		cause  string
		says   []string
		others bool // events that do not need the right are delivered meanwhile
		ready  bool
	}{
		"read":    {"group", []string{"READ", "KAFKA_TOPIC"}, false, false},
		"see":     {"topic", []string{"READ and DESCRIBE", "KAFKA_TOPIC"}, false, false},
		"group":   {"group", []string{"READ", "KAFKA_GROUP_ID"}, false, false},
		"letters": {"dead_letter_topic", []string{"WRITE", ".dlt"}, true, true},
		"results": {"result_topic", []string{"WRITE", ".results"}, false, true},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			l := newLab(t, c, labOptions{})
			l.create(l.results(), 1, nil)
			rights := l.consumerRights()
			for _, r := range rights {
				l.grant(r, r.describe())
			}
			l.grant(onTopic(l.topic, kadm.OpDescribeConfigs)) // so that an ACL names the topic in any case
			taken := []right{rights[what]}
			if what == "see" {
				taken = []right{rights["read"], rights["read"].describe()}
			}
			m := l.join("member", l.loggedIn(s))
			l.awaitShared(m)
			first := l.mixed(5, 0, 1, 2)
			first[3].fate = "NO_CONTACT_POINT"
			l.produce(first)
			l.settle()

			l.revoke(taken...)
			meanwhile := l.mixed(5, 0, 1, 2)
			for _, i := range []int{0, 4, 8} { // one of each partition
				meanwhile[i].fate = "NO_CONTACT_POINT"
			}
			l.produce(meanwhile)
			eventually(t, "it is held", func() bool { return m.status().held(lack.cause) })
			for _, text := range lack.says {
				eventually(t, "its hold names "+text, func() bool {
					return slices.ContainsFunc(m.status().Holds, func(h hold) bool { return h.Cause == lack.cause && strings.Contains(h.Advice, text) })
				})
			}
			if lack.others {
				others := slices.DeleteFunc(slices.Clone(meanwhile), func(one lead) bool { return one.fate != "" })
				eventually(t, "the others are delivered", func() bool { return l.deliveredOf(others) == len(others) })
			}
			eventually(t, "readiness is told", func() bool { code, _ := m.get("/readyz"); return (code == http.StatusOK) == lack.ready })
			if code, body := m.get("/healthz"); code != http.StatusOK {
				t.Errorf("/healthz answers %d: %s", code, body)
			}
			for partition, c := range l.commits() {
				if c.At > int64(len(first)+len(meanwhile))/3-1 {
					t.Errorf("partition %d is committed at %d, beyond what cannot be written", partition, c.At)
				}
			}
			l.grant(taken...)
			l.produce(l.mixed(5, 0, 1, 2))
			l.settle()
			eventually(t, "no hold is left", func() bool { return len(m.status().Holds) == 0 })
			m.stop()
		})
	}
}

// gate starts a gate, and returns it with what posts a lead to it and tells the answer.
func (l *lab) gate(settings map[string]string) (*member, func(lead) int) {
	l.t.Helper()
	sources := filepath.Join(l.t.TempDir(), "sources.yaml")
	must(l.t, "write the sources", os.WriteFile(sources, []byte("sources:\n  - name: site\n    verify: {type: none}\n    id: {header: webhook-id}\n"), 0o600))
	env := with(map[string]string{
		"KAFKA_BROKERS": strings.Join(l.cluster.Addrs(), ","), "KAFKA_TOPIC": l.topic, "SOURCES_FILE": sources,
		"HTTP_ADDR": "127.0.0.1:0", "INGEST_ACK_TIMEOUT": "3s",
	}, settings)
	g := program(l.t, "gate", "ingest", env)
	g.awaitStart()
	return g, func(one lead) int {
		l.t.Helper()
		body := fmt.Sprintf(`{"name":"Nobody","email":%q}`, one.email())
		r, err := http.NewRequestWithContext(l.ctx(), http.MethodPost, g.url+"/hooks/site", strings.NewReader(body))
		must(l.t, "make a webhook", err)
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Webhook-Id", strconv.Itoa(one.number))
		answer, err := (&http.Client{Timeout: patience}).Do(r)
		must(l.t, "post a webhook", err)
		must(l.t, "read the answer", answer.Body.Close())
		return answer.StatusCode
	}
}

// TestGateWithoutItsRight takes the right to write from a gate: it answers 503 and says why, and takes webhooks again when it has
// the right back.
func TestGateWithoutItsRight(t *testing.T) {
	t.Parallel()
	c, s := secureCluster(t)
	l := newLab(t, c, labOptions{})
	write := onTopic(l.topic, kadm.OpWrite)
	l.grant(write, write.describe())
	settings := l.loggedIn(s)
	delete(settings, "KAFKA_RESULT_TOPIC")
	g, post := l.gate(settings)
	send := func(one lead) {
		t.Helper()
		eventually(t, "a webhook is taken", func() bool { return post(one) == http.StatusAccepted })
	}
	hooks := l.spread(9)
	must(t, "name the events", l.register(hooks))
	for _, one := range hooks[:3] {
		send(one)
	}
	l.revoke(write)
	eventually(t, "webhooks are not taken", func() bool { return post(hooks[3]) == http.StatusServiceUnavailable })
	eventually(t, "the log names the right", func() bool { return len(g.logged(`"level":"error"`, "grant WRITE and DESCRIBE")) > 0 })
	g.awaitProbe(http.StatusServiceUnavailable)
	l.grant(write)
	for _, one := range hooks[3:] {
		send(one)
	}
	g.awaitProbe(http.StatusOK)
	g.stop()
	m := l.join("member", nil)
	l.settle()
	m.stop()
}

// TestReplayWithoutItsRight has replays name the right that they lack, and work when they have it.
func TestReplayWithoutItsRight(t *testing.T) {
	t.Parallel()
	c, s := secureCluster(t)
	l := newLab(t, c, labOptions{})
	m := l.join("member", nil)
	l.awaitShared(m)
	leads := l.mixed(1, 0, 1, 2)
	for i := range leads {
		leads[i].fate = "NO_CONTACT_POINT"
	}
	l.produce(leads)
	l.settle()
	settings := l.loggedIn(s)
	delete(settings, "KAFKA_RESULT_TOPIC")
	replay := func(name string) *member { return program(t, name, "dlt", l.env(name, settings), "replay") }
	id := "leadbridge-replay-" + l.letters
	rights := map[string]right{
		"grant WRITE and DESCRIBE":            onTransactions(id, kadm.OpWrite),
		"grant WRITE on the topics of events": onTopic(l.topic, kadm.OpWrite),
		"grant READ":                          onTopic(l.letters, kadm.OpRead),
	}
	letters := onTopic(l.letters, kadm.OpWrite)
	l.grant(letters, letters.describe(), onTopic(l.topic, kadm.OpDescribe), onTransactions(id, kadm.OpDescribe))
	for _, r := range rights {
		l.grant(r)
	}
	for says, r := range rights {
		l.revoke(r)
		eventually(t, "a replay lacks its right: "+says, func() bool {
			p := replay("without")
			return p.awaitExit() != 0 && len(p.logged(says)) > 0
		})
		l.grant(r)
	}
	if n := len(l.readLetters()); n != len(leads) {
		t.Fatalf("%d letters are there before any replay worked, want %d", n, len(leads))
	}
	eventually(t, "a replay works", func() bool { return replay("with").awaitExit() == 0 })
	eventually(t, "each event has its second letter", func() bool { return len(l.readLetters()) >= 2*len(leads) })
	l.settle()
	m.stop()
}
