package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/internal/await"
	"github.com/leadbridge/leadbridge/internal/logbuffer"
)

// processMode tells the test binary to be another program.
const processMode = "LEADBRIDGE_TEST_PROCESS"

func TestMain(m *testing.M) {
	switch os.Getenv(processMode) {
	case "main":
		main()
	case "hang": // its deadline comes soon
		hang(exitReserve + 100*time.Millisecond)
	case "slow": // its deadline never comes
		hang(time.Hour)
	}
	goleak.VerifyTestMain(m)
}

// hang is a program that does not end by itself after a signal.
func hang(grace time.Duration) {
	say := func(word string) { _, _ = fmt.Fprintln(os.Stderr, word) }
	ctx, stop := untilSignal(grace, onStop{signal: say, deadline: func() { say("deadline") }})
	defer stop()
	say("ready")
	<-ctx.Done()
	say("stopping")
	select {}
}

// program is a started process.
type program struct {
	cmd    *exec.Cmd
	stdout logbuffer.Buffer
	lines  chan string // of stderr, as they come
	read   sync.WaitGroup

	mu  sync.Mutex
	all []string // of stderr
}

// start runs this binary as another program. Nothing of the test's environment is seen by it.
func start(t *testing.T, mode string, env map[string]string, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.CommandContext(t.Context(), os.Args[0], args...), lines: make(chan string, 10_000)}
	p.cmd.Env = []string{processMode + "=" + mode, "HOME=" + t.TempDir()}
	for name, value := range env {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.Stdout = &p.stdout
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.read.Go(func() {
		defer close(p.lines)
		scanner := bufio.NewScanner(stderr)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			p.mu.Lock()
			p.all = append(p.all, scanner.Text())
			p.mu.Unlock()
			p.lines <- scanner.Text()
		}
	})
	t.Cleanup(func() { // of a test that does not wait for its end: the end of the test's context has killed it
		if p.cmd.ProcessState == nil {
			p.read.Wait()
			_ = p.cmd.Wait()
		}
	})
	return p
}

// stderr is what came so far.
func (p *program) stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.all, "\n")
}

// await gives the next line of stderr that holds text.
func (p *program) await(t *testing.T, text string) string {
	t.Helper()
	for line := range p.lines {
		if strings.Contains(line, text) {
			return line
		}
	}
	t.Fatalf("no %q on stderr:\n%s", text, p.stderr())
	return ""
}

func (p *program) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// exit waits for the end and gives the exit code.
func (p *program) exit(t *testing.T) int {
	t.Helper()
	p.read.Wait()
	err := p.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0
}

// inProcess runs a command line in this process.
func inProcess(env map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = run(args, process{
		lookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		environ:   func() []string { return entries(env) },
		stdin:     strings.NewReader(stdin),
		stdout:    &out,
		stderr:    &errs,
	})
	return code, out.String(), errs.String()
}

// entries returns an environment as NAME=value.
func entries(env map[string]string) []string {
	var all []string
	for name, value := range env {
		all = append(all, name+"="+value)
	}
	return all
}

// eventually polls what only another process can make true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	await.Until(t, time.Minute, 10*time.Millisecond, what, ok)
}
