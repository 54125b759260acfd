//go:build attack

package attack

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

// binary is what is attacked.
func binary() string {
	if path := os.Getenv("LEADBRIDGE"); path != "" {
		return path
	}
	return filepath.Join("..", "bin", "leadbridge")
}

// rig is a broker and a CRM for the binary.
type rig struct {
	t       *testing.T
	cluster *kfake.Cluster
	client  *kafka.Client
	crm     *crmtest.Simulator
	crmURL  string
}

func newRig(t *testing.T, portal crmtest.Options) *rig {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "leads", "leads.dlt", "results"), kfake.GroupMinSessionTimeout(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	transport := &kafka.Transport{}
	r := &rig{
		t: t, cluster: cluster, crm: crmtest.New(portal),
		client: &kafka.Client{Addr: kafka.TCP(cluster.ListenAddrs()...), Transport: transport, Timeout: 30 * time.Second},
	}
	server := httptest.NewServer(r.crm)
	r.crmURL = server.URL
	t.Cleanup(func() {
		server.Close()
		r.crm.Close()
		transport.CloseIdleConnections()
		cluster.Close()
	})
	return r
}

// process is the running binary.
type process struct {
	t    *testing.T
	cmd  *exec.Cmd
	read sync.WaitGroup

	mu  sync.Mutex
	log bytes.Buffer

	url, admin string // as it said at the start
}

// start runs a command of the binary that serves, and waits until it does. Nothing of the test's
// environment is seen by it.
func (r *rig) start(command string, env map[string]string) *process {
	r.t.Helper()
	p := &process{t: r.t, cmd: exec.CommandContext(r.t.Context(), binary(), command)}
	all := map[string]string{"KAFKA_BROKERS": r.cluster.ListenAddrs()[0], "HTTP_ADDR": "127.0.0.1:0", "HOME": r.t.TempDir()}
	maps.Copy(all, env)
	for name, value := range all {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		r.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatalf("make build makes the binary: %v", err)
	}
	started := make(chan struct{})
	p.read.Go(func() { p.follow(stderr, started) })
	r.t.Cleanup(func() {
		_ = p.cmd.Process.Signal(syscall.SIGKILL)
		p.read.Wait()
		_ = p.cmd.Wait()
	})
	select {
	case <-started:
	case <-time.After(time.Minute):
		r.t.Fatalf("leadbridge %s does not start:\n%s", command, p.logged())
	}
	return p
}

// follow reads the log.
func (p *process) follow(from io.Reader, started chan struct{}) {
	lines := bufio.NewReader(from)
	for said := false; ; {
		line, err := lines.ReadString('\n')
		p.mu.Lock()
		p.log.WriteString(line)
		p.mu.Unlock()
		if !said && strings.Contains(line, `"msg":"started"`) {
			var at struct{ HTTP, Admin string }
			if json.Unmarshal([]byte(line), &at) == nil {
				p.url, p.admin, said = "http://"+at.HTTP, "http://"+at.Admin, true
				close(started)
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *process) logged() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// tail is the end of the log, for a failure's text.
func (p *process) tail() string {
	log := p.logged()
	return log[max(len(log)-4000, 0):]
}

// stop ends the process in order: it must still be there.
func (p *process) stop() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Errorf("the process has ended: %v\n%s", err, p.logged())
	}
	p.read.Wait()
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("%v:\n%s", err, p.logged())
	}
}

// startGate starts the gate with sources.
func (r *rig) startGate(sources string, env map[string]string) *process {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "sources.yaml")
	if err := os.WriteFile(file, []byte(sources), 0o600); err != nil {
		r.t.Fatal(err)
	}
	all := map[string]string{"SOURCES_FILE": file, "DRAIN_DELAY": "0s", "TOKEN": token, "SECRET": secret, "SITE_SECRET": siteSecret, "LOG_LEVEL": "trace"}
	maps.Copy(all, env)
	return r.start("ingest", all)
}

// startService starts the service, with short times.
func (r *rig) startService(env map[string]string) *process {
	r.t.Helper()
	all := map[string]string{
		"CRM_BASE_URL": r.crmURL, "CRM_API_KEY": "vibe_api_good", "CRM_SETTLE": "50ms", "CRM_QUEUE_LIMIT": "100ms", "CRM_TIMEOUT": "2s",
		"CRM_BACKOFF_INITIAL": "20ms", "CRM_BACKOFF_MAX": "100ms", "CRM_REQUESTS_PER_MINUTE": "0", "CRM_REQUESTS_PER_SECOND": "0", "LOG_LEVEL": "trace",
	}
	maps.Copy(all, env)
	return r.start("run", all)
}

// answer is what an attacker gets.
type answer struct {
	status int
	header http.Header
	body   string
}

// id is the event's, of what was taken.
func (a answer) id() string {
	var taken struct{ ID string }
	_ = json.Unmarshal([]byte(a.body), &taken)
	return taken.ID
}

// send makes a request by a connection of its own; headers are names and values in turn. Host is set as such.
func send(t *testing.T, method, url, body string, headers ...string) answer {
	t.Helper()
	a, err := trySend(t.Context(), method, url, body, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func trySend(ctx context.Context, method, url, body string, headers ...string) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(text)}, err
}

// raw writes bytes on a connection and gives what comes back until the server closes or waits for more.
func raw(t *testing.T, p *process, text string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_, _ = io.WriteString(conn, text) // the server may have hung up already
	return conn
}

// statuses are those of the answers that come on a connection until its end.
func statuses(t *testing.T, conn net.Conn) (all []int) {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	in := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return all
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		all = append(all, resp.StatusCode)
	}
}

// record is one of a topic.
type record struct {
	key, value string
	headers    map[string]string
	offset     int64
}

// produce writes a record to a topic; headers are names and values in turn.
func (r *rig) produce(topic, value string, headers ...string) {
	r.t.Helper()
	rec := kafka.Record{Value: kafka.NewBytes([]byte(value)), Time: time.Now()}
	for i := 0; i+1 < len(headers); i += 2 {
		rec.Headers = append(rec.Headers, kafka.Header{Key: headers[i], Value: []byte(headers[i+1])})
	}
	answer, err := r.client.Produce(r.t.Context(), &kafka.ProduceRequest{Topic: topic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(rec)})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// records are all of a topic.
func (r *rig) records(topic string) (all []record) {
	r.t.Helper()
	end := r.cluster.PartitionInfo(topic, 0).HighWatermark
	for next := int64(0); next < end; {
		res, err := r.client.Fetch(r.t.Context(), &kafka.FetchRequest{Topic: topic, Offset: next, MinBytes: 1, MaxBytes: 8 << 20, MaxWait: time.Second})
		if err != nil || res.Error != nil {
			r.t.Fatal(err, res)
		}
		for {
			rec, err := res.Records.ReadRecord()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				r.t.Fatal(err)
			}
			if rec.Offset < next {
				continue
			}
			one := record{headers: map[string]string{}, offset: rec.Offset}
			for _, h := range rec.Headers {
				one.headers[h.Key] = string(h.Value)
			}
			key, _ := kafka.ReadAll(rec.Key)
			value, _ := kafka.ReadAll(rec.Value)
			one.key, one.value = string(key), string(value)
			all, next = append(all, one), rec.Offset+1
		}
	}
	return all
}

// delivered waits until the group has committed all of the topic.
func (r *rig) delivered(p *process) {
	r.t.Helper()
	end := r.cluster.PartitionInfo("leads", 0).HighWatermark
	eventually(r.t, "all is delivered", p, func() bool {
		info := r.cluster.GroupInfo("leadbridge")
		return info != nil && info.Commits["leads"][0].Offset >= end
	})
}

// eventually asks until something holds.
func eventually(t *testing.T, what string, p *process, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("never: %s\n%s", what, p.tail())
		}
	}
}

// run runs a command of the binary to its end.
func (r *rig) run(env map[string]string, args ...string) (stdout, stderr string, code int) {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), binary(), args...)
	cmd.Env = []string{"KAFKA_BROKERS=" + r.cluster.ListenAddrs()[0], "HOME=" + r.t.TempDir()}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		r.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}
