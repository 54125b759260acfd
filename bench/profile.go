package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// profileVariable is the environment variable with the file to which a profiled program writes its profile.
const profileVariable = "LEADBRIDGE_BENCH_PROFILE"

// profilerSource is compiled into the program that is profiled, and only there: SIGUSR1
// begins the profile, SIGUSR2 ends it.
const profilerSource = `package main

import (
	"os"
	"os/signal"
	"runtime/pprof"
	"syscall"
)

func init() {
	name := os.Getenv("` + profileVariable + `")
	if name == "" {
		return
	}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for s := range signals {
			if s == syscall.SIGUSR2 {
				pprof.StopCPUProfile()
			} else if file, err := os.Create(name); err == nil {
				_ = pprof.StartCPUProfile(file)
			}
		}
	}()
}
`

const mainPackage = "github.com/leadbridge/leadbridge/cmd/leadbridge"

// buildProfiled builds a leadbridge with a profiler into the directory, from the source tree in which the benchmark runs.
func buildProfiled(ctx context.Context, dir string) (binary string, err error) {
	where, err := exec.CommandContext(ctx, "go", "list", "-f", "{{.Dir}}", mainPackage).Output()
	if err != nil {
		return "", fmt.Errorf("find the source to profile: %w", err)
	}
	temp, err := os.MkdirTemp("", "leadbridge-bench-")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temp)) }()
	source, overlay, binary := filepath.Join(temp, "profiler.go"), filepath.Join(temp, "overlay.json"), filepath.Join(dir, "leadbridge")
	added := filepath.Join(strings.TrimSpace(string(where)), "profiler_of_the_benchmark.go")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{added: source}})
	if err != nil {
		return "", err
	}
	if err := errors.Join(os.MkdirAll(dir, 0o750), os.WriteFile(source, []byte(profilerSource), 0o600), os.WriteFile(overlay, replace, 0o600)); err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", binary, mainPackage).CombinedOutput() //nolint:gosec // all of it is ours
	if err != nil {
		return "", fmt.Errorf("build what is profiled: %w\n%s", err, out)
	}
	return binary, nil
}

// profileName returns the file for the profile of the n-th service; "" if there is to be none.
func (t *trial) profileName(n int) string {
	if t.profiles == "" {
		return ""
	}
	return filepath.Join(t.profiles, fmt.Sprintf("%s-%d.pprof", t.c.Name, n+1))
}

// profile begins the profiles when the part of the run that counts begins, and ends them with it.
func (t *trial) profile(counts bool) error {
	if t.profiles == "" || counts == t.profiling {
		return nil
	}
	t.profiling = counts
	signal := syscall.SIGUSR2
	if counts {
		signal = syscall.SIGUSR1
	}
	for _, p := range t.services {
		if err := p.Signal(signal); err != nil {
			return fmt.Errorf("profile: %w", err)
		}
	}
	return nil
}

// profileLimit is how long a profile may take to be written.
const profileLimit = 10 * time.Second

// profiled ends the profiles, and waits until they are written.
func (t *trial) profiled(ctx context.Context) error {
	if err := t.profile(false); err != nil || t.profiles == "" {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, profileLimit, errors.New("a profile was not written"))
	defer cancel()
	for n := range t.services {
		for {
			if info, err := os.Stat(t.profileName(n)); err == nil && info.Size() > 0 {
				break
			}
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		t.say("  profile %s", t.profileName(n))
	}
	return nil
}
