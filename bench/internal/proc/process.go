// Package proc starts the programs that are measured, asks them for JSON, and asks Linux what they and the machine take.
package proc

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// ExitLimit is how long a process may take to start, and to stop.
const ExitLimit = 40 * time.Second

// keptLines of a process's log are shown when it fails.
const keptLines = 20

// Program is what to start.
type Program struct {
	Name  string   // in errors, such as "leadbridge run"
	File  string   // the executable
	Args  []string // without the program's own name
	Env   []string // NAME=VALUE; of the environment it has PATH and HOME besides
	Ready string   // part of the line of its log that says that it works
}

// Process is a program that was started. Its methods may be called at any time.
type Process struct {
	name  string
	cmd   *exec.Cmd
	end   context.CancelFunc // asks it to stop
	ready chan string        // the line that it was to say; closed at its end
	gone  chan struct{}      // closed when it has ended
	err   error              // why; set before gone is closed

	mu   sync.Mutex
	tail []string // last lines of its log
}

// Start starts a program and waits until its log, which is what it writes to stdout and stderr, has the line that says
// that it works. It returns that line. The program is asked to stop when ctx ends.
func Start(ctx context.Context, program Program) (*Process, string, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &Process{name: program.Name, end: cancel, ready: make(chan string, 1), gone: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, program.File, program.Args...) //nolint:gosec // the program to measure is named by who measures
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, program.Env...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = ExitLimit
	log, err := p.cmd.StdoutPipe()
	p.cmd.Stderr = p.cmd.Stdout
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, "", fmt.Errorf("start %s (%s): %w", program.Name, program.File, err)
	}
	go p.watch(log, program.Ready)
	select {
	case line, ok := <-p.ready:
		if ok {
			return p, line, nil
		}
		return nil, "", p.Stop()
	case <-time.After(ExitLimit):
		return nil, "", errors.Join(fmt.Errorf("%s did not say %q", program.Name, program.Ready), p.Stop())
	}
}

// watch reads the log until the process is gone.
func (p *Process) watch(log io.Reader, marker string) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	said := false
	for lines.Scan() {
		p.keep(lines.Text())
		if !said && strings.Contains(lines.Text(), marker) {
			p.ready <- lines.Text()
			said = true
		}
	}
	p.err = p.cmd.Wait()
	close(p.gone)
	close(p.ready)
}

func (p *Process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tail = append(p.tail[max(0, len(p.tail)-keptLines+1):], line)
}

// errEarly says that a process ended well, but before it was told to.
var errEarly = errors.New("nobody told it to")

// Failed returns the error of a process that ended by itself; nil: it runs.
func (p *Process) Failed() error {
	select {
	case <-p.gone:
		if p.err == nil {
			return p.broken(errEarly)
		}
		return p.broken(p.err)
	default:
		return nil
	}
}

func (p *Process) broken(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("%s ended: %w\n%s", p.name, err, strings.Join(p.tail, "\n"))
}

// Stop ends the process and waits for that. Its error tells that it had to be killed,
// or did not end well. A second call does nothing.
func (p *Process) Stop() error {
	p.end()
	<-p.gone
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return p.broken(exit)
	}
	return nil
}

// Kill ends the process as a crash does and waits for that.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it has ended when it cannot be killed
	<-p.gone
	p.end()
}

// Signal sends the process a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Freeze keeps the process from running until Thaw.
func (p *Process) Freeze() error { return p.Signal(syscall.SIGSTOP) }

// Thaw ends a Freeze.
func (p *Process) Thaw() error { return p.Signal(syscall.SIGCONT) }

// PID is the process's number.
func (p *Process) PID() int { return p.cmd.Process.Pid }
