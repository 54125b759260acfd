package webhook

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestTopicThatRefusesOurWrites has the brokers refuse the topics of two sources: senders of these are answered 503 at once
// and not after AckTimeout, the log names each topic and its setting, and another source goes on.
func TestTopicThatRefusesOurWrites(t *testing.T) {
	t.Parallel()
	allow := func(topic string, operations ...kmsg.ACLOperation) (acls []kfake.ACL) {
		for _, o := range operations {
			acls = append(acls, kfake.ACL{Resource: kmsg.ACLResourceTypeTopic, Name: topic, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: o, Allow: true})
		}
		return acls
	}
	rights := append(allow("leads.de", kmsg.ACLOperationDescribe, kmsg.ACLOperationWrite), allow("leads.it", kmsg.ACLOperationDescribe)...)
	guarded, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "leads.de", "leads.fr", "leads.it"), kfake.EnableSASL(), kfake.EnableACLs(),
		kfake.Superuser("PLAIN", "root", "s3cret"), kfake.User("PLAIN", "gate", "s3cret", rights...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(guarded.Close)
	r := newRig(t, `
sources:
  - {name: de, verify: {type: none}, topic: leads.de}
  - {name: fr, verify: {type: none}, topic: leads.fr}
  - {name: it, verify: {type: none}, topic: leads.it}
`, func(c *Config) {
		c.AckTimeout = time.Hour
		c.Brokers.Addresses, c.Brokers.SASL = guarded.ListenAddrs(), plain.Mechanism{Username: "gate", Password: "s3cret"}
	})
	for source, want := range map[string]int{"fr": http.StatusServiceUnavailable, "it": http.StatusServiceUnavailable, "de": http.StatusAccepted} {
		if a := r.post("/hooks/"+source, mediaJSON, testLead); a.status != want {
			t.Errorf("%s: %d %s, want %d", source, a.status, a.body, want)
		}
	}
	if err := r.gate.Ready(); err != nil {
		t.Errorf("the gate is not ready: %v", err)
	}
	for _, topic := range []string{"leads.fr", "leads.it"} {
		told := false
		for line := range strings.Lines(r.logs.String()) {
			told = told || strings.Contains(line, `"topic":"`+topic+`"`) && strings.Contains(line, "grant WRITE and DESCRIBE on it, or correct its topic in SOURCES_FILE")
		}
		if !told {
			t.Errorf("the log does not say what to do about %s:\n%s", topic, r.logs)
		}
	}
}
