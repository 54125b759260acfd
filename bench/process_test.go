package main

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

func TestProcess(t *testing.T) {
	t.Parallel()
	p, line, err := start(t.Context(), os.Args[0], "x", "listens on", []string{programMode + "=serve"})
	if err != nil {
		t.Fatal(err)
	}
	if line != "listens on http://nowhere" || p.failed() != nil {
		t.Errorf("it says %q, %v", line, p.failed())
	}
	for range 2 {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	}
}

func TestProcessThatIsKilled(t *testing.T) {
	t.Parallel()
	p, _, err := start(t.Context(), os.Args[0], "x", "listens on", []string{programMode + "=serve"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.kill()
		if err := p.failed(); err == nil || !strings.Contains(err.Error(), "killed") {
			t.Errorf("it ended with %v", err)
		}
	}
}

func TestProcessThatFails(t *testing.T) {
	t.Parallel()
	p, _, err := start(t.Context(), os.Args[0], "x", "listens on", []string{programMode + "=fail"})
	if err != nil {
		t.Fatal(err)
	}
	<-p.gone
	if err := p.failed(); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "last words") {
		t.Errorf("it failed with %v", err)
	}
	if err := p.stop(); err == nil {
		t.Error("a failed process stopped well")
	}
	if _, _, err := start(t.Context(), os.Args[0], "x", "never said", []string{programMode + "=fail"}); err == nil || !strings.Contains(err.Error(), "last words") {
		t.Errorf("a program that ends before it is ready: %v", err)
	}
}
