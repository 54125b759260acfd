package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/rs/zerolog"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Endpoint is where spans are posted: OTLP over HTTP, in protobuf.
type Endpoint struct {
	URL     string            // whole, such as http://collector:4318/v1/traces
	Headers map[string]string // of each request; may hold secrets
	Timeout time.Duration     // of one export, with its retries
	Gzip    bool              // requests are compressed
	TLS     *tls.Config       // nil: the system's certificates
}

// uploader posts spans. The exporter of OpenTelemetry for HTTP needs gRPC too, of which nothing is used:
// its own part is what is here.
type uploader struct {
	endpoint Endpoint
	http     *http.Client
	log      zerolog.Logger
	failing  atomic.Bool
}

func newUploader(e Endpoint, log zerolog.Logger) *uploader {
	return &uploader{endpoint: e, log: log, http: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: e.TLS, ForceAttemptHTTP2: true, MaxIdleConns: 1, IdleConnTimeout: time.Minute,
		},
		// Following a redirect would send the headers to wherever it points.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Start connects to nothing yet.
func (*uploader) Start(context.Context) error { return nil }

// Stop drops the idle connections.
func (u *uploader) Stop(context.Context) error {
	u.http.CloseIdleConnections()
	return nil
}

// UploadTraces sends spans, or drops them: what fails is logged once until spans pass again, and is no
// error for the library, which would write it to standard error as it likes.
func (u *uploader) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// It has the wire's form of an ExportTraceServiceRequest, whose package needs gRPC.
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans})
	if err == nil && u.endpoint.Gzip {
		body = gzipped(body)
	}
	if err == nil {
		err = u.send(ctx, body)
	}
	switch failed := u.failing.Swap(err != nil); {
	case err != nil && !failed:
		u.log.Warn().Err(err).Msg("spans are dropped, as the collector does not take them; delivery goes on: look at OTEL_EXPORTER_OTLP_ENDPOINT")
	case err == nil && failed:
		u.log.Info().Msg("the collector takes spans again")
	}
	return nil
}

func gzipped(body []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(body) // into memory
	_ = w.Close()
	return b.Bytes()
}

// send tries until the timeout, as the protocol has it: 429, 502, 503, 504 and broken connections are
// worth another try.
//
// Source: OpenTelemetry Protocol, OTLP/HTTP response and retries.
func (u *uploader) send(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, u.endpoint.Timeout)
	defer cancel()
	wait := backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Second), backoff.WithMaxElapsedTime(0))
	for {
		err := u.post(ctx, body)
		refused, isRefused := errors.AsType[*refusal](err)
		if err == nil || isRefused && !refused.again() {
			return err
		}
		pause := wait.NextBackOff()
		if isRefused {
			pause = max(pause, refused.after)
		}
		if deadline, _ := ctx.Deadline(); time.Until(deadline) < pause {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return err
		}
	}
}

// refusal is an answer other than 2xx.
type refusal struct {
	status int
	after  time.Duration // Retry-After; 0: not told
}

func (r *refusal) Error() string { return fmt.Sprintf("the collector answers %d", r.status) }

func (r *refusal) again() bool {
	switch r.status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (u *uploader) post(ctx context.Context, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.endpoint.URL, bytes.NewReader(body))
	if err != nil {
		return errors.New("the endpoint is not a valid address")
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	req.Header.Set("User-Agent", "leadbridge")
	if u.endpoint.Gzip {
		req.Header.Set("Content-Encoding", "gzip")
	}
	for name, value := range u.endpoint.Headers {
		req.Header.Set(name, value)
	}
	res, err := u.http.Do(req)
	if address, ok := errors.AsType[*url.Error](err); ok {
		return address.Err // the address may hold a secret
	}
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // so that the connection is used again
	if res.StatusCode/100 == 2 {
		return nil
	}
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	return &refusal{res.StatusCode, time.Duration(max(seconds, 0)) * time.Second}
}
