//go:build integration

package integration

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
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/internal/await"
)

// member is a leadbridge process.
type member struct {
	t    *testing.T
	name string
	url  string
	cmd  *exec.Cmd
	gone chan struct{} // closed when the process has ended
	err  error         // with which the process ended; set before gone is closed

	mu    sync.Mutex
	lines []string // its log
}

// exitLimit is how long a process may take to stop: DRAIN_TIMEOUT and a little.
const exitLimit = 30 * time.Second

// program starts a command of leadbridge with no settings but those of env.
func program(t *testing.T, name, command string, env map[string]string, args ...string) *member {
	t.Helper()
	m := &member{t: t, name: name, gone: make(chan struct{})}
	m.cmd = exec.Command(bench.binary, append([]string{command}, args...)...)
	m.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for _, k := range slices.Sorted(maps.Keys(env)) {
		m.cmd.Env = append(m.cmd.Env, k+"="+env[k])
	}
	r, w := io.Pipe()
	m.cmd.Stdout, m.cmd.Stderr = w, w
	if err := m.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	read := make(chan struct{})
	go func() { defer close(read); m.read(r) }()
	go func() {
		m.err = m.cmd.Wait()
		_ = w.Close() // a pipe in memory
		<-read
		close(m.gone)
	}()
	t.Cleanup(m.cleanUp)
	return m
}

func (m *member) cleanUp() {
	m.signal(syscall.SIGKILL)
	<-m.gone
	if m.t.Failed() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.t.Logf("last of the log of %s:\n%s", m.name, strings.Join(m.lines[max(0, len(m.lines)-shownLines):], "\n"))
	}
}

// shownLines is how many of the last lines of a process's log are shown when its test fails.
const shownLines = 60

func (m *member) read(r io.Reader) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		m.mu.Lock()
		m.lines = append(m.lines, lines.Text())
		m.mu.Unlock()
	}
}

// logged returns the lines of the log that contain all the texts.
func (m *member) logged(texts ...string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	var found []string
	for _, line := range m.lines {
		if !slices.ContainsFunc(texts, func(s string) bool { return !strings.Contains(line, s) }) {
			found = append(found, line)
		}
	}
	return found
}

func (m *member) signal(s syscall.Signal) { _ = m.cmd.Process.Signal(s) } // it fails only when the process has ended

// kill ends the process as a crash does, and waits until it is gone.
func (m *member) kill() {
	m.t.Helper()
	m.signal(syscall.SIGKILL)
	m.awaitExit()
}

// freeze stops the process where it is, until thaw.
func (m *member) freeze() { m.signal(syscall.SIGSTOP) }

func (m *member) thaw() { m.signal(syscall.SIGCONT) }

// stop asks the process to stop. The test fails if its exit code is not 0.
func (m *member) stop() {
	m.t.Helper()
	m.signal(syscall.SIGTERM)
	if code := m.awaitExit(); code != 0 {
		m.t.Errorf("%s: exit code %d after SIGTERM, want 0", m.name, code)
	}
}

// awaitExit waits for the end of the process, and returns its exit code.
func (m *member) awaitExit() int {
	m.t.Helper()
	select {
	case <-m.gone:
	case <-time.After(exitLimit):
		m.signal(syscall.SIGQUIT) // which makes it log its goroutines
		m.t.Fatalf("%s did not stop within %v", m.name, exitLimit)
	}
	return m.cmd.ProcessState.ExitCode()
}

// status is a part of /statusz.
type status struct {
	Ready      bool
	Healthy    bool
	Generation int
	Member     string
	Lag        int64
	Holds      []hold
	Partitions []struct {
		Partition            int32
		Committed, Next      int64
		Unfinished, Suspects int
		LagSeconds           float64
	}
}

// hold is why a process waits, and what to do about it.
type hold struct{ Cause, Advice string }

func (s status) held(cause string) bool {
	return slices.ContainsFunc(s.Holds, func(h hold) bool { return h.Cause == cause })
}

// owned returns the partitions that the process has, ascending.
func (s status) owned() []int32 {
	var ids []int32
	for _, p := range s.Partitions {
		ids = append(ids, p.Partition)
	}
	slices.Sort(ids)
	return ids
}

// get sends a GET request to the process, and returns status and body; the status is 0 if it does not answer.
func (m *member) get(path string) (int, string) {
	return await.Get(context.Background(), m.url+path)
}

// status returns the process's /statusz; the zero status when it does not answer.
func (m *member) status() status {
	var s status
	if code, body := m.get("/statusz"); code == http.StatusOK {
		if err := json.Unmarshal([]byte(body), &s); err != nil {
			m.t.Errorf("/statusz of %s: %v", m.name, err)
		}
	}
	return s
}

// metric returns the sum of a metric's series that have all the labels, which are given as name="value".
func (m *member) metric(name string, labels ...string) float64 {
	_, body := m.get("/metrics")
	sum := 0.0
	for line := range strings.Lines(body) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if series != name && !strings.HasPrefix(series, name+"{") {
			continue
		}
		if slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(series, l) }) {
			continue
		}
		number, err := strconv.ParseFloat(value, 64)
		if err != nil {
			m.t.Errorf("/metrics of %s: %v", m.name, err)
		}
		sum += number
	}
	return sum
}

// awaitStart waits until the process has started, and reads its address from the log.
func (m *member) awaitStart() {
	m.t.Helper()
	eventually(m.t, m.name+" has started", func() bool {
		lines := m.logged(`"msg":"started"`)
		if len(lines) == 0 {
			return false
		}
		var line struct{ HTTP string }
		if err := json.Unmarshal([]byte(lines[0]), &line); err != nil {
			m.t.Fatal(err)
		}
		m.url = "http://" + line.HTTP
		return true
	})
}

// patience is how long a test waits for anything.
const patience = 90 * time.Second

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	await.Until(t, patience, 50*time.Millisecond, what, holds)
}

// must ends the test if err is not nil.
func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", what, err))
	}
}

// assignedAt returns when the process was first assigned a partition after a time, by its log.
func (m *member) assignedAt(partition int32, after time.Time) time.Time {
	m.t.Helper()
	for _, text := range m.logged("partitions assigned") {
		var line struct {
			Time       time.Time
			Partitions []int32
		}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			m.t.Fatalf("%v: %s", err, text)
		}
		if line.Time.After(after) && slices.Contains(line.Partitions, partition) {
			return line.Time
		}
	}
	m.t.Fatalf("%s was not given partition %d", m.name, partition)
	return time.Time{}
}
