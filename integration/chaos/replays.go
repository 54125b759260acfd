package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// mend is an edit by which the CRM takes what it refused.
const mend = `if .data.post? then .data.post = "" else . end | if .data.deal.title? then .data.deal.title = "" else . end`

// replays are runs of dlt replay, of which some are killed in their midst.
type replays struct {
	binary string
	dir    string
	env    []string
	book   *book

	mu     sync.Mutex
	counts map[string]int // by how they ended
}

func newReplays(binary, dir string, addrs []string, b *book) *replays {
	return &replays{
		binary: binary, dir: dir, book: b, counts: map[string]int{},
		env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "KAFKA_BROKERS=" + strings.Join(addrs, ","),
			"KAFKA_TOPIC=" + topic, "KAFKA_DLT_TOPIC=" + letters},
	}
}

// replayLimit is how long one run may take: one that finds the brokers away tries for a while.
const replayLimit = 90 * time.Second

// run replays letters. A blow that mends edits what the CRM refused, so that it becomes what it should;
// one that kills ends the run after its time.
func (r *replays) run(ctx context.Context, a action) {
	args := []string{"dlt", "replay", "--max-replays", "2"}
	if a.blow != replayKilled { // which takes its time, so that there is a midst
		args = append(args, "--rate", "0")
	}
	if a.blow == replayMended || a.blow == replayKilled {
		args = append(args, "--reason", "CRM_REFUSED,RETRIES_EXHAUSTED", "--edit", mend)
	}
	ctx, cancel := context.WithTimeout(ctx, replayLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.binary, args...) //nolint:gosec // it is what is tested
	cmd.Env = r.env
	out := filepath.Join(r.dir, "replays.log")
	file, err := os.OpenFile(out, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.book.note("log of the replays: %v", err)
		return
	}
	defer file.Close()
	cmd.Stdout, cmd.Stderr = file, file
	if err := cmd.Start(); err != nil {
		r.book.breach("start a replay: %v", err)
		return
	}
	if a.blow == replayKilled {
		timer := time.AfterFunc(a.lasts, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
		defer timer.Stop()
	}
	err = cmd.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err == nil:
		r.counts["done"]++
	case cmd.ProcessState.ExitCode() < 0:
		r.counts["killed"]++
		r.book.killed()
	default:
		r.counts["failed"]++ // with the brokers away, or letters that cannot be edited
	}
}

func (r *replays) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return fmt.Sprintf("replays of letters:%s", counted(r.counts))
}
