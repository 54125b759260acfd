package lab

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// Playground is a demo that was kept.
type Playground struct {
	URL string

	end  context.CancelFunc
	gone chan error
}

// StartPlayground starts a demo of the built leadbridge that sends so many leads of its own, and waits for its playground.
func StartPlayground(ctx context.Context, binary string, events int) (*Playground, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	cmd := exec.CommandContext(ctx, binary, "demo", "--keep", fmt.Sprintf("--events=%d", events)) //nolint:gosec // who runs the tests names the binary
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = patience
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start %s demo: %w", binary, err)
	}
	p := &Playground{end: cancel, gone: make(chan error, 1)}
	ready := make(chan string, 1)
	go func() {
		var said strings.Builder
		for lines := bufio.NewScanner(out); lines.Scan(); {
			said.WriteString(lines.Text() + "\n")
			if found := openAt.FindStringSubmatch(lines.Text()); found != nil {
				ready <- found[1]
			}
		}
		err := cmd.Wait()
		if _, failed := errors.AsType[*exec.ExitError](err); failed { // else it is the context, of whose end we know
			p.gone <- fmt.Errorf("the demo ended: %w\n%s", err, said.String())
			return
		}
		p.gone <- nil
	}()
	select {
	case p.URL = <-ready:
		return p, nil
	case err := <-p.gone:
		cancel()
		return nil, errors.Join(errNoPlayground, err)
	case <-time.After(3 * patience):
		return nil, errors.Join(errNoPlayground, p.Close())
	}
}

// openAt matches the line that says where the playground is.
var openAt = regexp.MustCompile(`Open (http://\S+)/ and play`)

var errNoPlayground = errors.New("the demo did not say where its playground is")

// Close ends the demo as Ctrl-C does, and waits for that.
func (p *Playground) Close() error {
	p.end()
	return <-p.gone
}
