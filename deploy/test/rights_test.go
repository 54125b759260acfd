package deploytest

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// rightsValues are a release with a user for each workload.
const rightsValues = `
kafka: {resultTopic: Leads_Results, stateTopic: leads.state}
strimzi: {cluster: main, users: {create: true}}
gate: {enabled: true, sources: [{name: site, verify: {type: none}}]}
replay: {enabled: true}
`

// TestRightsSuffice lets gate, consumer and replay work as the KafkaUsers of the chart, on a broker
// that lets them do what these say and nothing else.
func TestRightsSuffice(t *testing.T) {
	t.Parallel()
	r := render(t, rightsValues)
	if err := workAs(t, r, all[*kafkaUser](r)); err != nil {
		t.Error(err)
	}
}

// TestNoRightIsTooMany takes one right away at a time: something must not work without it. Describe
// is left out: brokers infer it from others, and other authorizers may not.
func TestNoRightIsTooMany(t *testing.T) {
	t.Parallel()
	r := render(t, rightsValues)
	for name, user := range all[*kafkaUser](r) {
		for i, a := range user.Spec.Authorization.ACLs {
			for _, operation := range a.Operations {
				if operation == "Describe" {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s of %s %s", name, operation, a.Resource.Type, a.Resource.Name), func(t *testing.T) {
					t.Parallel()
					without := all[*kafkaUser](render(t, rightsValues))
					acls := without[name].Spec.Authorization.ACLs
					acls[i].Operations = slices.DeleteFunc(acls[i].Operations, func(o string) bool { return o == operation || o == "Describe" })
					if err := workAs(t, r, without); err == nil {
						t.Error("all works without it")
					}
				})
			}
		}
	}
}

const password = "secret"

// nobody is the id of the webhook that can never become a contact.
const nobody = "msg_2"

// brokerOf starts a broker that knows the users, and gives its address.
func brokerOf(t *testing.T, users map[string]*kafkaUser) string {
	t.Helper()
	options := []kfake.Opt{
		kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "root", password),
		kfake.SeedTopics(2, "leads", "leads.dlt", "Leads_Results"),
		kfake.SeedTopics(1, "leads.state"),
	}
	for name, user := range users {
		options = append(options, kfake.User("SCRAM-SHA-512", name, password, aclsOf(t, user)...))
	}
	cluster, err := kfake.NewCluster(options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	return cluster.ListenAddrs()[0]
}

func aclsOf(t *testing.T, user *kafkaUser) []kfake.ACL {
	t.Helper()
	var acls []kfake.ACL
	for _, a := range user.Spec.Authorization.ACLs {
		kind, err := kmsg.ParseACLResourceType(a.Resource.Type)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range a.Operations {
			operation, err := kmsg.ParseACLOperation(o)
			if err != nil {
				t.Fatal(err)
			}
			acls = append(acls, kfake.ACL{Resource: kind, Name: a.Resource.Name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: operation, Allow: true})
		}
	}
	return acls
}

// workAs does once what each workload does, and tells the first thing that did not work.
func workAs(t *testing.T, r release, users map[string]*kafkaUser) error {
	t.Helper()
	brokers := brokerOf(t, users)
	crm := httptest.NewServer(crmtest.New(crmtest.Options{NativeOriginID: true}))
	defer crm.Close()
	settings := func(workload string) []string {
		environ := containerEnv(t, r, r.pods()[workload], t.TempDir(), map[string]string{
			"/etc/leadbridge/kafka-sasl/password": password, "/etc/leadbridge/crm/api-key": "vibe_api_test",
		})
		return append(environ, "KAFKA_BROKERS="+brokers, "CRM_BASE_URL="+crm.URL)
	}
	ctx := t.Context()
	if out, code := output(ctx, t, settings("Pod leadbridge-check"), "check"); code != 0 || strings.Contains(out, "WARN  topic limits") || strings.Contains(out, "DESCRIBE_CONFIGS on leads.state") || strings.Contains(out, "not looked at") {
		return fmt.Errorf("check ends with %d:\n%s", code, out)
	}
	if err := takeWebhooks(t, settings("Deployment leadbridge-gate")); err != nil {
		return err
	}
	consumer := startProgram(t, append(settings("Deployment leadbridge"), "HTTP_ADDR=127.0.0.1:0"), "run")
	defer consumer.stop(time.Minute)
	for _, topic := range []string{"Leads_Results", "leads.dlt"} {
		if err := await(ctx, brokers, topic); err != nil {
			return fmt.Errorf("%s: %w", topic, err)
		}
	}
	replay := settings(jobName(r))
	if out, code := output(ctx, t, replay, "dlt", "replay"); code != 0 || !strings.Contains(out, "Replayed 1 of 1") {
		return fmt.Errorf("dlt replay ends with %d:\n%s", code, out)
	}
	if out, code := output(ctx, t, replay, "dlt", "replay", "--erase", "--event-id=ce:/hooks/site "+nobody); code != 0 || strings.Contains(out, "DESCRIBE_CONFIGS") {
		return fmt.Errorf("dlt replay --erase ends with %d:\n%s", code, out)
	}
	return nil
}

func jobName(r release) string {
	for name := range r.pods() {
		if strings.HasPrefix(name, "Job ") {
			return name
		}
	}
	return ""
}

// takeWebhooks sends the gate a lead, and one that can never become a contact.
func takeWebhooks(t *testing.T, environ []string) error {
	t.Helper()
	addr := freeAddress(t)
	gate := startProgram(t, append(environ, "HTTP_ADDR="+addr, "METRICS_ADDR=127.0.0.1:0", "DRAIN_DELAY=0s"), "ingest")
	defer gate.stop(time.Minute)
	for id, body := range map[string]string{"msg_1": `{"name": "Ivan", "email": "ivan@example.com"}`, nobody: `{"name": "nobody"}`} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+addr+"/hooks/site", strings.NewReader(body))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Webhook-Id", id)
		answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusAccepted {
			return fmt.Errorf("the gate answers %s", answer.Status)
		}
	}
	return nil
}

// await waits for a record of a topic, as the broker's master.
func await(ctx context.Context, brokers, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers), kgo.ConsumeTopics(topic), kgo.SASL(plain.Auth{User: "root", Pass: password}.AsMechanism()))
	if err != nil {
		return err
	}
	defer client.Close()
	for ctx.Err() == nil {
		if client.PollFetches(ctx).NumRecords() > 0 {
			return nil
		}
	}
	return fmt.Errorf("no record came: %w", ctx.Err())
}

// TestOnlyTheServiceHasTheTokenOfThePage: leadbridge check serves no page, and gets no token.
func TestOnlyTheServiceHasTheTokenOfThePage(t *testing.T) {
	t.Parallel()
	r := render(t, matrix["admin"])
	for name, pod := range r.pods() {
		has := false
		for _, v := range pod.Spec.Volumes {
			has = has || v.Name == "admin"
		}
		for _, c := range pod.Spec.Containers {
			for _, e := range c.Env {
				has = has || strings.HasPrefix(e.Name, "ADMIN_")
			}
			for _, m := range c.VolumeMounts {
				has = has || m.Name == "admin"
			}
		}
		if wanted := strings.HasPrefix(name, "Deployment ") && !strings.HasSuffix(name, "-gate"); has != wanted {
			t.Errorf("%s has the page's token: %t, want %t", name, has, wanted)
		}
	}
}
