package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/open-telemetry/opentelemetry-collector-contrib/pkg/translator/zipkin/zipkinv2"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/leadbridge/leadbridge/browser/internal/lab"
	"github.com/leadbridge/leadbridge/browser/internal/screen"
)

// tracedLeads come by the gate while no service runs, so that they share requests to the CRM.
const tracedLeads = 8

// trace makes the picture of one lead's trace by a Zipkin server, which is at an address or in a jar.
func trace(ctx context.Context, binary, server, out string) (err error) {
	z, err := openZipkin(ctx, server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, z.Close()) }()
	collector := httptest.NewServer(collect(z.URL))
	defer collector.Close()
	id, err := traceLeads(ctx, binary, collector.URL, z.URL)
	if err != nil {
		return err
	}
	b, err := screen.Start(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	tab, err := b.Open(screen.View{Width: 1240, Height: 800})
	if err != nil {
		return err
	}
	defer tab.Close()
	return steps(
		func() error { return tab.Go(z.URL + "/zipkin/traces/" + id) },
		comes(tab, text("body", "wait topic")),
		func() error {
			png, err := tab.Shot()
			if err != nil {
				return err
			}
			return save(out, "trace", png)
		},
	)
}

// traceLeads sends leads by a gate to a service that starts afterwards, waits until Zipkin has all of them from the webhook to
// the result, and returns the id of the trace that has the most spans: it holds requests to which the others have links.
func traceLeads(ctx context.Context, binary, collector, zipkin string) (id string, err error) {
	dir, err := os.MkdirTemp("", "leadbridge-trace")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	sources := filepath.Join(dir, "sources.yaml")
	if err := os.WriteFile(sources, []byte("sources: [{name: site, verify: {type: none}}]"), 0o600); err != nil {
		return "", err
	}
	l, err := lab.Start(binary, "SOURCES_FILE="+sources, "DRAIN_DELAY=0s", "KAFKA_RESULT_TOPIC="+lab.Results,
		"OTEL_EXPORTER_OTLP_ENDPOINT="+collector, "OTEL_EXPORTER_OTLP_COMPRESSION=none", "OTEL_BSP_SCHEDULE_DELAY=200")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	gate, err := l.Gate(ctx)
	if err != nil {
		return "", err
	}
	for i := range tracedLeads {
		if err := send(ctx, gate, fmt.Sprintf("customer%d@example.com", i)); err != nil {
			return "", err
		}
	}
	if err := l.Serve(ctx); err != nil {
		return "", err
	}
	err = await(ctx, zipkin+"/api/v2/traces?serviceName=leadbridge&limit=100", func(body string) bool {
		id = largest(body, tracedLeads)
		return id != ""
	})
	return id, err
}

// largest returns the id of the trace with the most spans, when so many traces are whole; else "".
func largest(body string, want int) (id string) {
	var traces [][]struct{ TraceID, Name string }
	if json.Unmarshal([]byte(body), &traces) != nil {
		return ""
	}
	whole, most := 0, 0
	for _, spans := range traces {
		names := map[string]bool{}
		for _, s := range spans {
			names[s.Name] = true
		}
		if names["post /hooks/{source}"] && names["process "+lab.Leads] && names["send "+lab.Results] {
			whole++
		}
		if len(spans) > most {
			id, most = spans[0].TraceID, len(spans)
		}
	}
	if whole < want {
		return ""
	}
	return id
}

// send sends the gate a lead.
func send(ctx context.Context, gate, email string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, gate+"/hooks/site", strings.NewReader(`{"email":"`+email+`"}`))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := exchange(r)
	if err != nil {
		return err
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusAccepted {
		return fmt.Errorf("the gate answers %s", answer.Status)
	}
	return nil
}

// collect takes spans by OTLP over HTTP and hands them on in the form of Zipkin, as the exporter of OpenTelemetry's collector
// does.
func collect(zipkin string) http.HandlerFunc {
	handOn := func(r *http.Request) error {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		traces, err := new(ptrace.ProtoUnmarshaler).UnmarshalTraces(body)
		if err != nil {
			return err
		}
		spans, err := zipkinv2.FromTranslator{}.FromTraces(traces)
		if err != nil {
			return err
		}
		text, err := json.Marshal(spans)
		if err != nil {
			return err
		}
		to, err := http.NewRequestWithContext(r.Context(), http.MethodPost, zipkin+"/api/v2/spans", bytes.NewReader(text))
		if err != nil {
			return err
		}
		to.Header.Set("Content-Type", "application/json")
		answer, err := exchange(to)
		if err != nil {
			return err
		}
		_ = answer.Body.Close()
		if answer.StatusCode != http.StatusAccepted {
			return fmt.Errorf("zipkin answers %s", answer.Status)
		}
		return nil
	}
	return func(w http.ResponseWriter, r *http.Request) {
		if err := handOn(r); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, "spans are lost:", err)
			w.WriteHeader(http.StatusBadRequest)
		}
	}
}

// errMissing says that something did not come.
var errMissing = errors.New("what was awaited never came")

// await asks an address until its answer is good.
func await(ctx context.Context, address string, good func(body string) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	last := ""
	for {
		body, err := get(ctx, address)
		if err == nil && good(body) {
			return nil
		}
		if err == nil {
			last = body
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w; the last answer was\n%s", address, errMissing, last)
		}
	}
}

// exchangeLimit is how long an exchange with a program of this machine may take.
const exchangeLimit = time.Minute

// exchange sends a request and returns the answer. It follows no redirect.
func exchange(r *http.Request) (*http.Response, error) {
	client := http.Client{Timeout: exchangeLimit, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return client.Do(r)
}

func get(ctx context.Context, address string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	answer, err := exchange(r)
	if err != nil {
		return "", err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", address, answer.Status)
	}
	return string(body), err
}
