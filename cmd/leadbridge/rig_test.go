package main

import (
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// rig is a broker and a CRM for programs under test.
type rig struct {
	cluster *kfake.Cluster
	crm     *crmtest.Simulator
	crmURL  string
	keyFile string
}

func newRig(t *testing.T, portal crmtest.Options, topics ...string) *rig {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topics...), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	r := &rig{cluster: cluster, crm: crmtest.New(portal), keyFile: filepath.Join(t.TempDir(), "key")}
	server := httptest.NewServer(r.crm)
	t.Cleanup(server.Close)
	t.Cleanup(r.crm.Close)
	r.crmURL = server.URL
	r.key(t, "vibe_api_good")
	return r
}

// key puts another key into the service's file.
func (r *rig) key(t *testing.T, key string) {
	t.Helper()
	if err := os.WriteFile(r.keyFile, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
}

// env is the environment of a service between the two, with short times.
func (r *rig) env(more map[string]string) map[string]string {
	env := map[string]string{
		"KAFKA_BROKERS": r.cluster.ListenAddrs()[0], "CRM_BASE_URL": r.crmURL, "CRM_API_KEY_FILE": r.keyFile,
		"CRM_SETTLE": "50ms", "CRM_QUEUE_LIMIT": "100ms", "CRM_TIMEOUT": "2s", "CRM_BACKOFF_INITIAL": "20ms", "CRM_BACKOFF_MAX": "100ms",
		"HTTP_ADDR": "127.0.0.1:0", "LOG_LEVEL": "debug",
	}
	maps.Copy(env, more)
	return env
}

// produce writes values to partition 0 of the default topic.
func (r *rig) produce(t *testing.T, values ...string) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := kafka.Client{Addr: kafka.TCP(r.cluster.ListenAddrs()...), Transport: transport}
	records := make([]kafka.Record, len(values))
	for i, value := range values {
		records[i].Value = kafka.NewBytes([]byte(value))
	}
	answer, err := client.Produce(t.Context(), &kafka.ProduceRequest{
		Topic: "leads", RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		t.Fatal(err)
	}
}

// committed is the committed offset of partition 0.
func (r *rig) committed() int64 {
	info := r.cluster.GroupInfo("leadbridge")
	if info == nil {
		return -1
	}
	return info.Commits["leads"][0].Offset
}

// server is a started leadbridge run.
type server struct {
	*program
	url string
}

func startService(t *testing.T, env map[string]string) server {
	t.Helper()
	p := start(t, "main", env, "run")
	var line struct{ HTTP string }
	if err := json.Unmarshal([]byte(p.await(t, `"msg":"started"`)), &line); err != nil {
		t.Fatal(err)
	}
	return server{p, "http://" + line.HTTP}
}

// get asks the service; status 0 means that it does not answer.
func (s server) get(path string) (status int, body string) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(b)
}

// answers polls until path answers with status and every hold is one of causes, in order.
func (s server) answers(t *testing.T, path string, status int, causes ...string) {
	t.Helper()
	var got int
	var body string
	defer func() {
		if t.Failed() {
			t.Logf("last answer of %s: %d %s\nlog:\n%s", path, got, body, s.stderr())
		}
	}()
	eventually(t, "the awaited answer of "+path, func() bool {
		got, body = s.get(path)
		var answer struct{ Holds []struct{ Cause string } }
		if got != status || json.Unmarshal([]byte(body), &answer) != nil || len(answer.Holds) != len(causes) {
			return false
		}
		for i, h := range answer.Holds {
			if h.Cause != causes[i] {
				return false
			}
		}
		return true
	})
}

func (s server) status(t *testing.T) monitor.Status {
	t.Helper()
	code, body := s.get("/statusz")
	var status monitor.Status
	if err := json.Unmarshal([]byte(body), &status); err != nil || code != http.StatusOK {
		t.Fatalf("/statusz: %d %v %s", code, err, body)
	}
	return status
}
