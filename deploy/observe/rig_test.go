package observe

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// rig is the binary as service, gate and simulated CRM, around a broker, with its metrics
// scraped all the time.
type rig struct {
	*testing.T
	cluster *kfake.Cluster
	sim     string // address of the simulated CRM
	gate    string // address of the gate
	keyFile string
	scraped *scrapes
}

const sources = `sources:
  - name: site
    verify: {type: none}
    mapping: 'if .bad then error("bad") else . end'
  - name: shop
    verify: {type: token, secrets_env: [SHOP_TOKEN]}
`

func newRig(t *testing.T) *rig {
	t.Helper()
	dir := t.TempDir()
	binary := filepath.Join(dir, "leadbridge")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./cmd/leadbridge")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second), kfake.SeedTopics(2, "leads", "leads.dlt", "leads.results"),
		kfake.SeedTopics(1, "leads.state"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	r := &rig{T: t, cluster: cluster, keyFile: filepath.Join(dir, "key")}
	sourcesFile := filepath.Join(dir, "sources.yaml")
	r.write(sourcesFile, sources)
	r.write(r.keyFile, "vibe_api_good")
	env := map[string]string{
		"HTTP_ADDR": "127.0.0.1:0", "KAFKA_BROKERS": cluster.ListenAddrs()[0], "KAFKA_RESULT_TOPIC": "leads.results", "KAFKA_STATE_TOPIC": "leads.state", "KAFKA_SESSION_TIMEOUT": "3s",
		"SIM_SERVICE_TIME": "1ms", "SIM_PER_SECOND": "0", "SIM_PER_MINUTE": "0", "SIM_ERROR_LOOP": "0", "CRM_REQUESTS_PER_SECOND": "0", "CRM_REQUESTS_PER_MINUTE": "0",
		"CRM_SETTLE": "20ms", "CRM_QUEUE_LIMIT": "50ms", "CRM_TIMEOUT": "2s", "CRM_BACKOFF_INITIAL": "20ms", "CRM_BACKOFF_MAX": "100ms",
		"CRM_API_KEY_FILE": r.keyFile, "SOURCES_FILE": sourcesFile, "SHOP_TOKEN": "t0ken", "INGEST_ACK_TIMEOUT": "300ms",
	}
	r.sim = r.start(binary, env, regexp.MustCompile(`listens on (http://\S+)`), "sim")
	env["CRM_BASE_URL"] = r.sim
	service := "http://" + r.start(binary, env, started, "run")
	r.gate = "http://" + r.start(binary, env, started, "ingest")
	r.scraped = newScrapes(t, map[string]string{"leadbridge": service + "/metrics", "leadbridge-gate": r.gate + "/metrics"})
	return r
}

// started is the line that tells where a command listens.
var started = regexp.MustCompile(`"http":"(\S+?)".*"started"`)

// start runs the binary until the test ends; it gives what the first matching line tells.
func (r *rig) start(binary string, env map[string]string, awaited *regexp.Regexp, args ...string) string {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), binary, args...)
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		r.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		r.Fatal(err)
	}
	var all strings.Builder
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		fmt.Fprintln(&all, lines.Text())
		if found := awaited.FindStringSubmatch(lines.Text()); found != nil {
			var reading sync.WaitGroup
			reading.Go(func() { _, _ = io.Copy(io.Discard, stderr) })
			r.Cleanup(func() {
				_ = cmd.Process.Kill()
				reading.Wait()
				_ = cmd.Wait()
			})
			return found[1]
		}
	}
	r.Fatalf("leadbridge %v ended: %s", args, &all)
	return ""
}

func (r *rig) write(file, text string) {
	r.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		r.Fatal(err)
	}
}

// faults sets what the simulated CRM does wrong.
func (r *rig) faults(f map[string]any) {
	r.Helper()
	body, err := json.Marshal(f)
	if err != nil {
		r.Fatal(err)
	}
	if status := r.request(http.MethodPut, r.sim+"/_sim/faults", string(body)); status != http.StatusOK {
		r.Fatalf("the simulated CRM does not take %s: %d", body, status)
	}
}

// send posts an event to a source of the gate.
func (r *rig) send(source string, event map[string]any) (status int) {
	r.Helper()
	body, err := json.Marshal(event)
	if err != nil {
		r.Fatal(err)
	}
	return r.request(http.MethodPost, r.gate+"/hooks/"+source, string(body))
}

func (r *rig) request(method, address, body string) (status int) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), method, address, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := client.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// until scrapes until a metric has at least a value; a prefix of a series counts all that
// begin with it.
func (r *rig) until(series string, least float64) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Minute)
	defer cancel()
	pause := time.NewTicker(10 * time.Millisecond)
	defer pause.Stop()
	for r.scraped.value(series) < least {
		if err := r.scraped.scrape(ctx); err != nil {
			r.Fatalf("%s has not become %v: it is %v: %v", series, least, r.scraped.value(series), err)
		}
		<-pause.C
	}
}

// live has everything happen that metrics tell of, and sees that they do.
func (r *rig) live() {
	r.Helper()
	n := 0
	event := func(more map[string]any) map[string]any {
		n++
		e := map[string]any{"name": fmt.Sprint("Anna ", n), "email": fmt.Sprintf("anna%d@example.com", n)}
		maps.Copy(e, more)
		return e
	}
	metric := func(name, labels string) string { return `{__name__="leadbridge_` + name + `"` + labels }
	for range 5 {
		r.send("site", event(nil))
	}
	r.until(metric("contacts_total", `, how="created"`), 5)
	r.until(metric("results_total", ""), 5)
	r.until(metric("commits_total", `, outcome="ok"`), 2)
	r.until(metric("topic_retention_seconds", ""), 1)

	r.send("site", map[string]any{"comment": "nobody to reach"})
	r.until(metric("dead_letters_total", `, reason="NO_CONTACT_POINT"`), 1)
	r.send("site", event(map[string]any{"bad": true}))
	r.until(metric("ingest_unmapped_total", `, source="site"`), 1)
	r.until(metric("dead_letters_total", `, reason="MAPPING_FAILED"`), 1)
	if status := r.send("shop", event(nil)); status != http.StatusUnauthorized {
		r.Errorf("a webhook without its token: %d", status)
	}
	r.request(http.MethodPost, r.gate+"/hooks/nobody", "{}")

	r.faults(map[string]any{"apply_then_fail": 1})
	r.send("site", event(nil))
	r.until(metric("crm_in_doubt_total", ""), 1)
	r.faults(map[string]any{})
	r.until(metric("crm_lookups_total", `, of="contacts", outcome="found"`), 1)
	r.faults(map[string]any{"throttle": 1})
	r.send("site", event(nil))
	r.until(metric("crm_held", `, cause="throttle"`), 1)
	r.faults(map[string]any{})
	r.until(metric("contacts_total", `, how="created"`), 6)

	r.write(r.keyFile, "vibe_live_wrong")
	r.faults(map[string]any{"bad_key": 1})
	r.send("site", event(nil))
	r.until(metric("crm_held", `, cause="credentials"`), 1)
	r.faults(map[string]any{})
	r.write(r.keyFile, "vibe_api_good")
	r.until(metric("contacts_total", `, how="created"`), 7)

	for r.scraped.minutes < 70 { // so far alerts look back
		if err := r.scraped.scrape(r.Context()); err != nil {
			r.Fatal(err)
		}
	}
	r.cluster.Close()
	if status := r.send("site", event(nil)); status != http.StatusServiceUnavailable {
		r.Errorf("a webhook without brokers: %d", status)
	}
	r.until(metric("consumer_held", `, cause="brokers"`), 1)
	r.until(metric("ingest_write_failures_total", ""), 1)
	r.until(metric("ingest_requests_total", `, outcome="503"`), 1)
}
