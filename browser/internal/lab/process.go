package lab

import (
	"bufio"
	"context"
	"encoding/json"
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

// patience is how long a process may take to start or to stop on a busy machine.
const patience = 40 * time.Second

// process is a leadbridge that was started.
type process struct {
	cmd   *exec.Cmd
	end   context.CancelFunc
	ready chan started
	gone  chan struct{} // closed when it has ended
	err   error         // why; set before gone is closed

	mu  sync.Mutex
	log strings.Builder
}

// started is what a service or a gate says when it is up.
type started struct {
	Msg   string `json:"msg"`
	Admin string `json:"admin"` // host:port of the page
	HTTP  string `json:"http"`  // host:port of webhooks, or of metrics
}

// errSilent says that a process did not come up.
var errSilent = errors.New("the process did not say that it has started")

// start runs a command and waits until it says that it has started. It sees no settings but env.
func start(ctx context.Context, binary, command string, env []string) (*process, started, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p := &process{end: cancel, ready: make(chan started, 1), gone: make(chan struct{})}
	p.cmd = exec.CommandContext(ctx, binary, command) //nolint:gosec // who runs the tests names the binary
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, env...)
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = patience
	log, err := p.cmd.StderrPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, started{}, fmt.Errorf("start %s %s: %w", binary, command, err)
	}
	go p.watch(log)
	select {
	case line := <-p.ready:
		return p, line, nil
	case <-p.gone:
		return nil, started{}, fmt.Errorf("%w: it ended: %w\n%s", errSilent, p.err, p.said())
	case <-time.After(patience):
		return nil, started{}, errors.Join(errSilent, p.stop())
	}
}

// watch reads the log until the process is gone.
func (p *process) watch(log io.Reader) {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	said := false
	for lines.Scan() {
		p.mu.Lock()
		p.log.WriteString(lines.Text() + "\n")
		p.mu.Unlock()
		var line started
		if !said && json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "started" {
			said = true
			p.ready <- line
		}
	}
	p.err = p.cmd.Wait()
	close(p.gone)
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// stop ends the process and waits for that; a second call does nothing.
func (p *process) stop() error {
	_ = p.thaw()
	p.end()
	<-p.gone
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return fmt.Errorf("leadbridge ended: %w\n%s", exit, p.said())
	}
	return nil
}

func (p *process) freeze() error { return p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *process) thaw() error { return p.cmd.Process.Signal(syscall.SIGCONT) }
