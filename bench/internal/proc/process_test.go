package proc

import (
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// programMode tells the test binary to be another program.
const programMode = "BENCH_TEST_PROGRAM"

func TestMain(m *testing.M) {
	if mode := os.Getenv(programMode); mode != "" {
		os.Exit(program(mode)) //nolint:forbidigo // here it is a main
	}
	goleak.VerifyTestMain(m)
}

// program says that it listens and ends as its mode wants.
func program(mode string) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	_, _ = fmt.Fprintln(os.Stderr, "listens on http://nowhere\nlast words")
	if mode == "serve" {
		<-stop
		return 0
	}
	return 3
}

// tester is the test binary as another program, which is to say something.
func tester(mode, ready string) Program {
	return Program{Name: "tester", File: os.Args[0], Env: []string{programMode + "=" + mode}, Ready: ready}
}

func TestProcess(t *testing.T) {
	t.Parallel()
	p, line, err := Start(t.Context(), tester("serve", "listens on"))
	if err != nil {
		t.Fatal(err)
	}
	if line != "listens on http://nowhere" || p.Failed() != nil {
		t.Errorf("it says %q, %v", line, p.Failed())
	}
	for range 2 {
		if err := p.Stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestProcessThatIsKilled(t *testing.T) {
	t.Parallel()
	p, _, err := Start(t.Context(), tester("serve", "listens on"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.Kill()
		if err := p.Failed(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("it ended with %v", err)
		}
	}
}

func TestProcessThatFails(t *testing.T) {
	t.Parallel()
	p, _, err := Start(t.Context(), tester("fail", "listens on"))
	if err != nil {
		t.Fatal(err)
	}
	<-p.gone
	if err := p.Failed(); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "last words") {
		t.Errorf("it failed with %v", err)
	}
	if err := p.Stop(); err == nil {
		t.Error("a failed process stopped well")
	}
	if _, _, err := Start(t.Context(), tester("fail", "never said")); err == nil || !strings.Contains(err.Error(), "last words") {
		t.Errorf("a program that ends before it is ready: %v", err)
	}
}
