package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be the naive consumer, as the program is for itself.
func TestMain(m *testing.M) {
	if slices.Equal(os.Args[1:], []string{naiveCommand}) {
		os.Exit(status(os.Args[1:], os.Stdout, os.Stderr)) //nolint:forbidigo // here it is a main
	}
	goleak.VerifyTestMain(m)
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"--case", "refused,kills", "--peer", "bento=/bin/bento", "--short", "--only", "naive"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.cases) != 2 || o.cases[0].Name != "refused" || o.peers["bento"] != "/bin/bento" || !o.short || len(o.only) != 1 {
		t.Errorf("%+v", o)
	}
	if all, err := parse(nil, io.Discard); err != nil || len(all.cases) != len(troubles()) || len(all.peers) != 0 {
		t.Errorf("without flags: %+v, %v", all, err)
	}
	for name, bad := range map[string][]string{
		"a case that is not there": {"--case", "weather"},
		"a peer without a file":    {"--peer", "bento"},
		"a peer of another kind":   {"--peer", "flume=/bin/flume"},
		"a peer twice":             {"--peer", "bento=/a,bento=/b"},
		"no scenes at a time":      {"--parallel", "0"},
		"an argument":              {"refused"},
	} {
		if _, err := parse(bad, io.Discard); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestWithoutABinary(t *testing.T) {
	t.Parallel()
	var said strings.Builder
	if code := status([]string{"--binary", "/no/such/file", "--out", t.TempDir()}, io.Discard, &said); code != 1 || !strings.Contains(said.String(), "make build") {
		t.Errorf("it ends with %d and says %s", code, said.String())
	}
}

// TestScenes plays the smallest case with leadbridge and with the naive consumer, with the binary of this tree.
func TestScenes(t *testing.T) {
	t.Parallel()
	binary := filepath.Join(t.TempDir(), "leadbridge")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "../../cmd/leadbridge").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	few := trouble{Name: "few", Title: "nine leads at once", Grace: time.Minute, play: func(ctx context.Context, s *scene) error {
		return errors.Join(s.burst(ctx, 9), s.measure(ctx, time.Second))
	}}
	o := options{binary: binary, out: t.TempDir(), parallel: 2, cases: []trouble{few}}
	var said strings.Builder
	if err := o.compare(t.Context(), &said, t.Output()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"leadbridge", "naive"} {
		if !slices.ContainsFunc(strings.Split(said.String(), "\n"), func(line string) bool {
			cells := strings.Fields(strings.ReplaceAll(line, "|", " "))
			// 13 good leads, as 4 are sent at the start: one contact each, no second one, none lost, no wrong letter, all delivered.
			return len(cells) > 7 && slices.Equal(cells[:8], []string{"few", name, "13", "13", "0", "0", "0", "0"})
		}) {
			t.Errorf("%s has no such row:\n%s", name, said.String())
		}
	}
}
