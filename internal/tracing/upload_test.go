package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector answers requests one after another; 0 is a broken connection.
type collector struct {
	answers []int
	after   string // Retry-After
	asked   []time.Duration
	began   time.Time
	bodies  [][]byte
}

func (c *collector) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzip, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		body, _ = io.ReadAll(unzip)
	}
	c.bodies = append(c.bodies, body)
	c.asked = append(c.asked, time.Since(c.began).Round(time.Second))
	status := c.answers[min(len(c.asked), len(c.answers))-1]
	if status == 0 {
		return nil, errors.New("connection reset")
	}
	answer := &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}
	if c.after != "" {
		answer.Header.Set("Retry-After", c.after)
	}
	return answer, nil
}

// upload sends one span to a collector that answers so, and returns what was logged.
func upload(t *testing.T, c *collector, zip bool) string {
	t.Helper()
	var log bytes.Buffer
	u := newUploader(Endpoint{URL: "http://user:secret@collector/v1/traces", Timeout: 10 * time.Second, Gzip: zip}, zerolog.New(&log))
	u.http.Transport = c
	c.began = time.Now()
	spans := []*tracepb.ResourceSpans{{ScopeSpans: []*tracepb.ScopeSpans{{Spans: []*tracepb.Span{{Name: "planted"}}}}}}
	if err := u.UploadTraces(context.Background(), spans); err != nil {
		t.Errorf("error %v, which the library would write to standard error", err)
	}
	for _, body := range c.bodies {
		var data tracepb.TracesData
		if err := proto.Unmarshal(body, &data); err != nil || data.ResourceSpans[0].ScopeSpans[0].Spans[0].Name != "planted" {
			t.Errorf("body %q: %v", body, err)
		}
	}
	return log.String()
}

// TestUploadTriesAgain tries again what the protocol calls worth it, as late as the collector asks, and never
// beyond the timeout.
func TestUploadTriesAgain(t *testing.T) {
	for name, test := range map[string]struct {
		answers []int
		after   string
		tries   int
		fails   bool
	}{
		"taken":              {[]int{200}, "", 1, false},
		"overloaded once":    {[]int{503, 200}, "", 2, false},
		"connection lost":    {[]int{0, 200}, "", 2, false},
		"asked to wait":      {[]int{429, 200}, "4", 2, false},
		"asked for too long": {[]int{429, 200}, "60", 1, true},
		"wrong request":      {[]int{400}, "", 1, true},
		"a redirect":         {[]int{302}, "", 1, true},
		"wrong key":          {[]int{401}, "", 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := &collector{answers: test.answers, after: test.after}
				log := upload(t, c, name == "taken")
				if len(c.asked) != test.tries || (log != "") != test.fails || strings.Contains(log, "secret") {
					t.Errorf("asked at %v, log %q; want %d tries", c.asked, log, test.tries)
				}
				if test.after == "4" && !slices.Equal(c.asked, []time.Duration{0, 4 * time.Second}) {
					t.Errorf("asked at %v, want 4 s apart", c.asked)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		c := &collector{answers: []int{503}}
		upload(t, c, false)
		if took := time.Since(c.began); took > 10*time.Second || len(c.asked) < 3 {
			t.Errorf("gave up after %s and %d tries, want several within 10 s", took, len(c.asked))
		}
	})
}
