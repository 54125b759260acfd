//go:build k8s

package k8s

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/internal/await"
)

// patience is how long anything may take that a test waits for. The kubelet takes
// up to 90 s to bring a changed Secret into a pod.
const patience = 4 * time.Minute

// tool is a program of the outside, as a command line.
type tool []string

// toolOf takes the command line that a variable names, else the program.
func toolOf(variable, program string) tool {
	if line := strings.Fields(os.Getenv(variable)); len(line) > 0 {
		return line
	}
	return tool{program}
}

// try runs the tool; the error has what it wrote to stderr.
func (p tool) try(stdin string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	line := append(append([]string{}, p...), args...)
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return stdout.String(), fmt.Errorf("%s: %w\n%s", strings.Join(line, " "), err, stderr.Bytes())
	}
	return strings.TrimSpace(stdout.String()), nil
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	await.Until(t, patience, 250*time.Millisecond, what, holds)
}

// must ends the test for an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
