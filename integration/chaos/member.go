package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// errEarly says that a process ended that nobody had told to.
var errEarly = errors.New("it ended by itself")

// errSlow says that a process was too slow to stop.
var errSlow = errors.New("it did not stop within its limit")

// A crew starts leadbridge processes.
type crew struct {
	binary string
	dir    string
	env    []string // of all
	book   *book
	// creates tells whether a process has sent a create since a time.
	creates func(who string, since time.Time) bool
}

// process is one leadbridge from its start to its end.
type process struct {
	name  string // member-0.3: the fourth of member-0; its CRM key ends so
	cmd   *exec.Cmd
	lines *journal
	gone  chan struct{}

	mu       sync.Mutex
	expected bool  // its end was asked for
	waitErr  error // set before gone is closed
}

// begin starts a process whose way to the brokers begins at brokers.
func (c *crew) begin(slot string, life int, brokers string) (*process, error) {
	name := fmt.Sprintf("%s.%d", slot, life)
	file, err := os.OpenFile(filepath.Join(c.dir, slot+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("log of %s: %w", name, err)
	}
	p := &process{name: name, gone: make(chan struct{}), lines: newJournal()}
	p.cmd = exec.Command(c.binary, "run") //nolint:gosec,noctx // it is what is tested; it must outlive contexts
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"KAFKA_BROKERS=" + brokers, "CRM_API_KEY=" + keyOf(name)}, c.env...)
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go p.watch(stderr, file, c.book)
	return p, nil
}

// watch copies the log to its file until the process is gone.
func (p *process) watch(stderr io.Reader, file *os.File, b *book) {
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		p.lines.read(lines.Bytes())
		_, _ = file.Write(append(lines.Bytes(), '\n')) // the log is for people
	}
	err := p.cmd.Wait()
	file.Close()
	p.mu.Lock()
	p.waitErr = err
	expected := p.expected
	p.mu.Unlock()
	if !expected {
		b.breach("%s: %v: %v", p.name, errEarly, err)
	}
	close(p.gone)
}

func (p *process) pid() int { return p.cmd.Process.Pid }

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) } // one that is gone needs none

// expect says that the process is about to be ended.
func (p *process) expect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expected = true
}

// kill ends it at once, frozen or not.
func (p *process) kill() {
	p.expect()
	p.signal(syscall.SIGKILL)
	<-p.gone
}

// terminate asks it to stop, whatever has become of broker and CRM: it must be gone
// within limit, with the exit code 0.
func (p *process) terminate(ctx context.Context, limit time.Duration) error {
	p.expect()
	p.signal(syscall.SIGTERM)
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-p.gone:
	case <-timer.C:
		p.signal(syscall.SIGQUIT) // its goroutines go to the log
		p.kill()
		return fmt.Errorf("%s: %w of %v", p.name, errSlow, limit)
	case <-ctx.Done():
		p.kill()
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.waitErr != nil {
		return fmt.Errorf("%s: a stop by SIGTERM: %w", p.name, p.waitErr)
	}
	return nil
}

// keyPrefix of each process's CRM key: the CRM tells by it who asks.
const keyPrefix = "vibe_api_"

func keyOf(name string) string { return keyPrefix + name }
