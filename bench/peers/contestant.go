package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// contestant is one of the programs that are compared, as it is set up.
type contestant struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	How     string `json:"how"` // it delivers, in a few words

	program func(world) (proc.Program, error)
	// owned returns how many partitions it has, given the line that it was ready with. Nil: it does not tell.
	owned func(ctx context.Context, ready string) (int, error)
}

// world is what a contestant finds.
type world struct {
	brokers            []string
	topic, dlt, group  string
	url                string // of the CRM
	requests           sim.Portal
	dir                string // for a file of its configuration
	leadbridge, itself string // executables
}

// apiKey is one that the simulator takes until it is revoked.
const apiKey = "vibe_api_bench" //nolint:gosec // no secret: the simulator takes any

// env is what every contestant is told.
func (w world) env() []string {
	return []string{
		"KAFKA_BROKERS=" + strings.Join(w.brokers, ","), "KAFKA_TOPIC=" + w.topic, "KAFKA_DLT_TOPIC=" + w.dlt, "KAFKA_GROUP_ID=" + w.group,
		"CRM_BASE_URL=" + w.url, "CRM_API_KEY=" + apiKey, "CRM_REQUESTS_PER_MINUTE=" + strconv.Itoa(w.requests.PerMinute),
	}
}

// ourselves are leadbridge with default settings, and the naive consumer.
func ourselves(version string) []contestant {
	return []contestant{
		{Name: "leadbridge", Version: version, How: "default settings", program: leadbridgeProgram, owned: leadbridgeOwned},
		{Name: "naive", Version: version, How: "one request an event, 5 attempts, then a dead letter", program: naiveProgram},
	}
}

func leadbridgeProgram(w world) (proc.Program, error) {
	env := append(w.env(), "CRM_REQUESTS_PER_SECOND="+strconv.Itoa(w.requests.PerSecond), "HTTP_ADDR=127.0.0.1:0")
	return proc.Program{Name: "leadbridge run", File: w.leadbridge, Args: []string{"run"}, Env: env, Ready: `"msg":"started"`}, nil
}

// leadbridgeOwned asks a leadbridge, whose address is in the line.
func leadbridgeOwned(ctx context.Context, ready string) (int, error) {
	var started struct{ HTTP string }
	if err := json.Unmarshal([]byte(ready), &started); err != nil {
		return 0, fmt.Errorf("the log of leadbridge: %w", err)
	}
	client := proc.NewClient("http://" + started.HTTP)
	defer client.Close()
	var status struct{ Partitions []struct{} }
	err := client.Get(ctx, "/statusz", &status)
	return len(status.Partitions), err
}

// naiveCommand tells this program to be the naive consumer.
const naiveCommand = "naive"

func naiveProgram(w world) (proc.Program, error) {
	return proc.Program{Name: naiveCommand, File: w.itself, Args: []string{naiveCommand}, Env: w.env(), Ready: naiveReady}, nil
}

// The configurations of Bento and Redpanda Connect, which read the same.
var (
	//go:embed config/bento.yaml
	bentoConfig []byte
	//go:embed config/bento-batches.yaml
	bentoBatchesConfig []byte
)

// peers are the programs of others that can be measured.
func peers() []string { return []string{"bento", "rpconnect"} }

// peer is a program of others, in the two ways in which it is set up. Its version is what it says itself.
func peer(ctx context.Context, name, file string) ([]contestant, error) {
	out, err := exec.CommandContext(ctx, file, "--version").CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("--peer %s: %s --version: %w", name, file, err)
	}
	version := peerVersion(string(out))
	return []contestant{
		{Name: name, Version: version, How: "one request an event, 4 attempts, then a dead letter (bento.yaml)", program: bentoProgram(name, file, bentoConfig)},
		{Name: name + "-batches", Version: version, How: "batches of 50, refused items become dead letters, else sent again (bento-batches.yaml)", program: bentoProgram(name, file, bentoBatchesConfig)},
	}, nil
}

// peerVersion finds the version in what a program says of itself.
func peerVersion(text string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, "Version:"); ok {
			return strings.TrimSpace(v)
		}
	}
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return first
}

func bentoProgram(name, file string, config []byte) func(world) (proc.Program, error) {
	return func(w world) (proc.Program, error) {
		path := filepath.Join(w.dir, name+".yaml")
		if err := os.WriteFile(path, config, 0o600); err != nil {
			return proc.Program{}, err
		}
		return proc.Program{Name: name, File: file, Args: []string{"run", path}, Env: append(w.env(), bentoLimit(w.requests)...), Ready: "use CTRL+C to close"}, nil
	}
}

// bentoLimit paces requests as the CRM allows. Without a limit it is one that is never met.
func bentoLimit(p sim.Portal) []string {
	count, interval := 1, p.Pace()
	if interval == 0 {
		count, interval = 1_000_000, time.Second
	}
	return []string{"CRM_LIMIT_COUNT=" + strconv.Itoa(count), "CRM_LIMIT_INTERVAL=" + interval.String()}
}

// peerFiles reads the value of --peer: name=file,…
func peerFiles(text string) (map[string]string, error) {
	files := map[string]string{}
	for part := range strings.SplitSeq(text, ",") {
		name, file, ok := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case !ok || file == "":
			return nil, fmt.Errorf("%q is not name=file", part)
		case !slices.Contains(peers(), name):
			return nil, fmt.Errorf("%q is not a peer; there are %s", name, strings.Join(peers(), ", "))
		case files[name] != "":
			return nil, errors.New(name + " is given twice")
		}
		files[name] = file
	}
	return files, nil
}
