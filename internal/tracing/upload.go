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

// Endpoint says where spans are posted, by OTLP over HTTP, in protobuf.
type Endpoint struct {
	URL     string            // with its path, such as http://collector:4318/v1/traces
	Headers map[string]string // of each request; may hold secrets
	Timeout time.Duration     // of one export, with its retries
	Gzip    bool              // requests are compressed
	TLS     *tls.Config       // nil: the system's certificates
}

// uploader posts spans. It takes the place of OpenTelemetry's exporter for HTTP, which would bring
// gRPC with it.
type uploader struct {
	endpoint Endpoint
	http     *http.Client
	log      zerolog.Logger
	failing  atomic.Bool // the last upload failed
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

// Start does nothing: the first upload connects.
func (*uploader) Start(context.Context) error { return nil }

// Stop drops the idle connections.
func (u *uploader) Stop(context.Context) error {
	u.http.CloseIdleConnections()
	return nil
}

// UploadTraces sends spans, or drops them. It logs the first failure and the end of a run of failures, and returns no
// error, as the library would print it to standard error.
func (u *uploader) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	// It is encoded like an ExportTraceServiceRequest, whose package would bring gRPC.
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

// send posts a body until the collector takes it, refuses it or the timeout is over. As the protocol says, 429, 502, 503, 504
// and broken connections are tried again.
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
	after  time.Duration // Retry-After; 0: the answer had none
}

func (r *refusal) Error() string { return fmt.Sprintf("the collector answers %d", r.status) }

// again reports whether the same request may be taken later.
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
