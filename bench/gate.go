package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/broker"
	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// gatePlan says how a server that receives webhooks is measured.
type gatePlan struct {
	Clients  int           `json:"clients"`                 // how many clients send one webhook after another
	Warm     time.Duration `json:"-"`                       // how long they do so before anything is measured
	Time     time.Duration `json:"nanoseconds"`             // how long is measured
	Slow     int           `json:"slow_clients"`            // how many clients send half a webhook and wait
	SlowTime time.Duration `json:"-"`                       // how long is measured beside the slow clients
	Beside   int           `json:"clients_beside_the_slow"` // how many clients send webhooks beside the slow ones
}

func newGatePlan(short bool) gatePlan {
	if short {
		return gatePlan{Clients: 16, Warm: time.Second, Time: 2 * time.Second, Slow: 500, SlowTime: time.Second, Beside: 4}
	}
	return gatePlan{Clients: 64, Warm: 3 * time.Second, Time: 15 * time.Second, Slow: 10_000, SlowTime: 5 * time.Second, Beside: 8}
}

// gateFigures are the results of a server.
type gateFigures struct {
	Rate     float64 `json:"requests_per_second"`
	P50      float64 `json:"p50_ms"`
	P99      float64 `json:"p99_ms"`
	CPU      float64 `json:"cpu_us_per_request"`
	RestMiB  float64 `json:"memory_mib"`
	SlowMiB  float64 `json:"memory_with_slow_clients_mib"`
	EachKiB  float64 `json:"memory_per_slow_client_kib"`
	SlowP99  float64 `json:"p99_ms_beside_slow_clients"`
	Requests int     `json:"requests"`
}

// gateReport compares the gate with a handler that does nothing.
type gateReport struct {
	Started time.Time    `json:"started"`
	Machine proc.Machine `json:"machine"`
	Broker  string       `json:"broker"`
	Version string       `json:"version"`
	Plan    gatePlan     `json:"plan"`
	Gate    gateFigures  `json:"gate"`
	Bare    gateFigures  `json:"bare_handler"`
}

// measureGate measures leadbridge ingest and, in the same run, a bare handler.
func measureGate(ctx context.Context, o options, stdout, stderr io.Writer) error {
	b, err := broker.Open(o.brokers)
	if err != nil {
		return err
	}
	defer b.Close()
	l := &lab{binary: o.binary, broker: b, env: o.env, progress: stderr}
	r := gateReport{Started: time.Now().UTC().Truncate(time.Second), Machine: proc.ThisMachine(), Broker: b.Kind(), Plan: newGatePlan(o.short)}
	if r.Version, err = l.version(ctx); err != nil {
		return err
	}
	l.say("bare handler")
	if r.Bare, err = l.bareGate(ctx, r.Plan); err != nil {
		return fmt.Errorf("bare handler: %w", err)
	}
	l.say("leadbridge ingest")
	if r.Gate, err = l.gate(ctx, r.Plan); err != nil {
		return fmt.Errorf("leadbridge ingest: %w", err)
	}
	r.print(stdout)
	return r.save(o.out)
}

// bareGate measures a process of this program that answers 202 and does nothing.
func (l *lab) bareGate(ctx context.Context, plan gatePlan) (f gateFigures, err error) {
	self, err := os.Executable()
	if err != nil {
		return f, err
	}
	p, line, err := proc.Start(ctx, proc.Program{Name: "bench " + bareHandlerFlag, File: self, Args: []string{bareHandlerFlag}, Ready: `"http"`})
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	return plan.measure(ctx, line, p.PID())
}

// gate measures leadbridge ingest, with the signatures of Standard Webhooks.
func (l *lab) gate(ctx context.Context, plan gatePlan) (f gateFigures, err error) {
	topic := "leadbridge-bench-gate-" + rand.Text()[:8]
	if err := l.broker.Create(ctx, partitions, topic); err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, l.broker.RemoveTopics(context.WithoutCancel(ctx), topic)) }()
	dir, err := os.MkdirTemp("", "leadbridge-bench")
	if err != nil {
		return f, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	file := filepath.Join(dir, "sources.yaml")
	text := "sources: [{name: bench, verify: {type: standard-webhooks, secrets_env: [GATE_SECRET]}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return f, err
	}
	env := append([]string{
		"KAFKA_BROKERS=" + joined(l.broker.Addrs), "KAFKA_TOPIC=" + topic, "HTTP_ADDR=127.0.0.1:0", "LOG_LEVEL=info",
		"SOURCES_FILE=" + file, "GATE_SECRET=" + gateSecret, "INGEST_BODY_TIMEOUT=5m",
		// All clients have one address, and each slow one sends half a webhook.
		"INGEST_BODY_GRACE=5m", "INGEST_PEER_CONNECTIONS=16384", "MAX_BUFFER=256MiB",
	}, l.env...)
	p, line, err := proc.Start(ctx, leadbridge(l.binary, "ingest", env))
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, p.Stop()) }()
	return plan.measure(ctx, line, p.PID())
}

// measure measures the server whose address is in its log line.
func (p gatePlan) measure(ctx context.Context, line string, pid int) (gateFigures, error) {
	var started struct{ HTTP string }
	if err := json.Unmarshal([]byte(line), &started); err != nil {
		return gateFigures{}, fmt.Errorf("its log is not understood: %w", err)
	}
	l := &loader{addr: started.HTTP}
	if _, err := l.load(ctx, p.Clients, p.Warm); err != nil {
		return gateFigures{}, err
	}
	before, err := proc.UsageOf(pid)
	if err != nil {
		return gateFigures{}, err
	}
	began := time.Now()
	took, err := l.load(ctx, p.Clients, p.Time)
	if err != nil {
		return gateFigures{}, err
	}
	elapsed := time.Since(began)
	after, err := proc.UsageOf(pid)
	if err != nil {
		return gateFigures{}, err
	}
	f := gateFigures{
		Requests: len(took),
		Rate:     rounded(float64(len(took))/elapsed.Seconds(), 0),
		P50:      milliseconds(quantile(took, 0.5)),
		P99:      milliseconds(quantile(took, 0.99)),
		CPU:      rounded(part(float64((after.CPU-before.CPU).Microseconds()), float64(len(took))), 1),
		RestMiB:  rounded(mebibytes(after.RSS), 1),
	}
	err = p.slow(ctx, l, pid, after, &f)
	return f, err
}

// slow measures the server while slow clients wait in the middle of a webhook, and others send whole ones.
func (p gatePlan) slow(ctx context.Context, l *loader, pid int, before proc.Usage, f *gateFigures) error {
	held, err := l.hold(ctx, p.Slow)
	defer held.close()
	if err != nil {
		return err
	}
	took, err := l.load(ctx, p.Beside, p.SlowTime)
	if err != nil {
		return err
	}
	during, err := proc.UsageOf(pid)
	if err != nil {
		return err
	}
	f.SlowP99 = milliseconds(quantile(took, 0.99))
	f.SlowMiB = rounded(mebibytes(during.RSS), 1)
	f.EachKiB = rounded(float64(during.RSS-before.RSS)/1024/float64(p.Slow), 1)
	return nil
}

func (r gateReport) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "\nleadbridge %s, %s; broker: %s\n\n", r.Version, r.Machine.Processor, r.Broker)
	_, _ = fmt.Fprintf(w, "%-44s %12s %12s %8s\n", "", "ingest", "bare", "share")
	row := func(name string, gate, bare float64) {
		_, _ = fmt.Fprintf(w, "%-44s %12.1f %12.1f %7.0f%%\n", name, gate, bare, 100*part(gate, bare))
	}
	row(fmt.Sprintf("requests a second, %d clients, acks=all", r.Plan.Clients), r.Gate.Rate, r.Bare.Rate)
	row("p50 ms", r.Gate.P50, r.Bare.P50)
	row("p99 ms", r.Gate.P99, r.Bare.P99)
	row("CPU µs a request", r.Gate.CPU, r.Bare.CPU)
	row("memory after the load, MiB", r.Gate.RestMiB, r.Bare.RestMiB)
	row(fmt.Sprintf("memory with %d slow clients, MiB", r.Plan.Slow), r.Gate.SlowMiB, r.Bare.SlowMiB)
	row("memory a slow client, KiB", r.Gate.EachKiB, r.Bare.EachKiB)
	row("p99 ms beside the slow clients", r.Gate.SlowP99, r.Bare.SlowP99)
}

func (r gateReport) save(dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "gate.json"), append(text, '\n'), 0o600)
}
