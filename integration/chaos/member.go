package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	binary  string
	before  string // the first process of each consumer; "": binary
	dir     string
	env     []string // of all consumers
	gateEnv []string
	keys    *keyring
	book    *book
	// creates tells whether a process has sent a create since a time.
	creates func(who string, since time.Time) bool

	mu      sync.Mutex
	running map[*process]bool
}

// alive are the processes that run now.
func (c *crew) alive() []*process {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Collect(maps.Keys(c.running))
}

func (c *crew) count(p *process, runs bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if delete(c.running, p); runs {
		c.running[p] = true
	}
}

// process is one leadbridge from its start to its end.
type process struct {
	name  string // member-0.3: the fourth of member-0; its CRM key ends so
	cmd   *exec.Cmd
	began time.Time
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
	key, err := c.keys.issue(name)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	p := &process{name: name, began: time.Now(), gone: make(chan struct{}), lines: newJournal()}
	binary := c.binary
	if c.before != "" && life == 0 && slot != gate {
		binary = c.before
	}
	command, env := "run", append([]string{"CRM_API_KEY_FILE=" + key, clockVariable + "=" + c.clockFile(slot)}, c.env...)
	if slot == gate {
		command, env = "ingest", c.gateEnv
	}
	p.cmd = exec.Command(binary, command) //nolint:gosec,noctx // it is what is tested; it must outlive contexts
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "KAFKA_BROKERS=" + brokers}, env...)
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	c.count(p, true)
	go func() {
		p.watch(stderr, file, c.book)
		c.count(p, false)
		c.keys.withdraw(name)
		close(p.gone)
	}()
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
}

// diedOf reports whether a signal ended a process, by how it was waited for.
func diedOf(waitErr error, signal syscall.Signal) bool {
	exit, ok := errors.AsType[*exec.ExitError](waitErr)
	if !ok {
		return false
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.Signaled() && status.Signal() == signal
}

// over reports whether it has ended.
func (p *process) over() bool {
	select {
	case <-p.gone:
		return true
	default:
		return false
	}
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
	if p.waitErr != nil && !(p.lines.address() == "" && diedOf(p.waitErr, syscall.SIGTERM)) { // before it could take signals
		return fmt.Errorf("%s: a stop by SIGTERM: %w", p.name, p.waitErr)
	}
	return nil
}
