package webhook

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/logbuffer"
)

// A sender without the right secret is told in the log, by its source, and the secret that it gave is not.
func TestUnverifiedSendersAreLogged(t *testing.T) {
	t.Parallel()
	r := newRig(t, "sources: [{name: form, verify: {type: none}}, {name: token, verify: {type: token, header: X-Token}, secrets_env: [PLAIN]}]")
	for range 5 {
		if a := r.post("/hooks/token", mediaJSON, testLead, "X-Token", "hunter2"); a.status != http.StatusUnauthorized {
			t.Fatal(a.status)
		}
	}
	r.post("/hooks/form", mediaJSON, testLead).id(t)
	text := r.logs.String()
	if strings.Count(text, "answered 401") != 1 || !strings.Contains(text, `"source":"token"`) || strings.Contains(text, "hunter2") {
		t.Error(text)
	}
	if n := r.counted("leadbridge_ingest_requests_total", "401"); n != 5 {
		t.Errorf("counted %v of them", n)
	}
}

func TestPacedCountIsDueOnceAMinute(t *testing.T) {
	t.Parallel()
	var p pacedCount
	start := time.Unix(1_700_000_000, 0)
	for i, tt := range []struct {
		after time.Duration
		count int // 0: no line is due
	}{{0, 1}, {time.Second, 0}, {59 * time.Second, 0}, {time.Minute, 3}, {90 * time.Second, 0}, {10 * time.Minute, 2}} {
		if count, due := p.due(start.Add(tt.after)); count != tt.count || due != (tt.count > 0) {
			t.Errorf("call %d: %d, %v, want %d", i, count, due, tt.count)
		}
	}
}

// Trouble with the topic is one line, and its end another one, however many partitions it has.
func TestTroubleWithTheTopicIsLoggedOnce(t *testing.T) {
	t.Parallel()
	refused := errors.New("refused")
	for name, trouble := range map[string]func(w *writer){
		"the topic is away": func(w *writer) {
			for partition := range 6 {
				w.noteWrite(partition, kafka.UnknownTopicOrPartition)
			}
			w.noteUpdate(context.Background(), cluster.ErrNoTopic)
			w.noteWrite(3, kafka.UnknownTopicOrPartition)
			w.noteUpdate(context.Background(), nil)
		},
		"writes fail": func(w *writer) {
			for partition := range 6 {
				w.noteWrite(partition, refused)
			}
			w.noteUpdate(context.Background(), refused)
			w.noteUpdate(context.Background(), nil)
			for partition := range 6 {
				w.noteWrite(partition, nil)
			}
		},
	} {
		logs := new(logbuffer.Buffer)
		m, err := newMetrics(prometheus.NewRegistry(), nil)
		if err != nil {
			t.Fatal(err)
		}
		w := newWriter(Config{Log: zerolog.New(logs), Topic: testTopic, AckTimeout: time.Second}, "KAFKA_TOPIC", m)
		w.noteUpdate(context.Background(), nil)
		for range 2 { // the same trouble is told again after its end
			trouble(w)
		}
		if errs, ends := strings.Count(logs.String(), `"level":"error"`), strings.Count(logs.String(), "takes events again"); errs != 2 || ends != 2 {
			t.Errorf("%s: %d errors, %d ends:\n%s", name, errs, ends, logs)
		}
	}
}
