package main

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

// exitLimit is how long a process may take to stop.
const exitLimit = 40 * time.Second

// keptLines of a process's log are shown when it fails.
const keptLines = 20

// process is a leadbridge that was started.
type process struct {
	name  string
	cmd   *exec.Cmd
	end   context.CancelFunc // asks it to stop
	ready chan string        // the line that it was to say; closed at its end
	gone  chan struct{}      // closed when it has ended
	err   error              // why; set before gone is closed

	mu   sync.Mutex
	tail []string // last lines of its log
}

// start starts a program and waits until its log has a line with marker,
// which it gives. The program sees no settings but env.
func start(ctx context.Context, binary, command, marker string, env []string) (*process, string, error) {
	ctx, cancel := context.WithCancel(ctx)
	p := &process{name: command, end: cancel, ready: make(chan string, 1), gone: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, binary, command) //nolint:gosec // the program to measure is named by who measures
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = exitLimit
	log, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, "", fmt.Errorf("start %s %s: %w", binary, command, err)
	}
	go p.watch(log, marker)
	select {
	case line, ok := <-p.ready:
		if ok {
			return p, line, nil
		}
		return nil, "", p.stop()
	case <-time.After(exitLimit):
		return nil, "", errors.Join(fmt.Errorf("%s did not say %q", command, marker), p.stop())
	}
}

// watch reads the log until the process is gone.
func (p *process) watch(log io.Reader, marker string) {
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

func (p *process) keep(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tail = append(p.tail[max(0, len(p.tail)-keptLines+1):], line)
}

// errEarly says that a process ended well, but before it was told to.
var errEarly = errors.New("nobody told it to")

// failed is the error of a process that ended by itself.
func (p *process) failed() error {
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

func (p *process) broken(err error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Errorf("leadbridge %s ended: %w\n%s", p.name, err, strings.Join(p.tail, "\n"))
}

// stop ends the process and waits for that. Its error tells that it had to be killed,
// or did not end well. A second call does nothing.
func (p *process) stop() error {
	p.end()
	<-p.gone
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return p.broken(exit)
	}
	return nil
}

// kill ends the process as a crash does and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it has ended when it cannot be killed
	<-p.gone
	p.end()
}

// pid is the process's number.
func (p *process) pid() int { return p.cmd.Process.Pid }
