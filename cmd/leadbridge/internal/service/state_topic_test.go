package service

import (
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
)

const testState = "leads.state"

// withState keeps what replicas do.
func withState(host string) func(*Config) {
	return func(c *Config) { c.Consumer.StateTopic, c.Host = testState, host }
}

// history is what the page says of the last hour, and who is there.
type history struct {
	Totals struct{ Created, Found, Letters int }
	Holds  []struct {
		Cause   string
		Seconds float64
	}
	Replicas struct {
		List []struct {
			Host, State string
			Gone        bool
			Partitions  []int
		}
	}
	Partitions []struct{ Host string }
}

func historyOf(t *testing.T, s *running) (h history) {
	t.Helper()
	for _, path := range []string{"/api/history?range=1h", "/api/state"} {
		req := httptest.NewRequest(http.MethodGet, path, nil)
		req.Header.Set("Authorization", "Bearer "+testToken)
		w := httptest.NewRecorder()
		s.admin.Handler().ServeHTTP(w, req)
		var one history
		if err := json.Unmarshal(w.Body.Bytes(), &one); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %v %s", path, w.Code, err, w.Body)
		}
		if path == "/api/state" {
			h.Replicas, h.Partitions = one.Replicas, one.Partitions
			continue
		}
		h.Totals, h.Holds = one.Totals, one.Holds
	}
	return h
}

// A service delivers, is held, writes letters, and stops; its successor's page shows all of it, and its own.
func TestHistorySurvivesARestart(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic, testLetters, testState}, func(r *rig) {
		first := r.start(withState("web-1"))
		later(2)
		r.produce(append(leads(0, 4), `{"name":"nobody"}`)...)
		later(5)
		r.sim.Script(every(crmtest.Action{Status: 401, Code: "INVALID_API_KEY"}))
		r.produce(leads(4, 1)...)
		later(60)
		r.sim.Script(nil)
		later(60)
		first.stop()

		second := r.start(withState("web-2"))
		defer second.stop()
		later(30)
		r.produce(leads(5, 2)...)
		later(30)
		h := historyOf(r.t, second)
		if h.Totals.Created+h.Totals.Found != 7 || h.Totals.Letters != 1 {
			r.t.Errorf("%+v, want seven contacts and a letter", h.Totals)
		}
		if len(h.Holds) != 1 || h.Holds[0].Cause != "credentials" || h.Holds[0].Seconds < 50 || h.Holds[0].Seconds > 120 {
			r.t.Errorf("holds %+v, want the key's for a minute", h.Holds)
		}
		if all := h.Replicas.List; len(all) != 2 || all[0].Host != "web-1" || !all[0].Gone || all[0].State != "stopped" || all[1].Host != "web-2" || all[1].Gone || len(all[1].Partitions) != 1 {
			r.t.Errorf("replicas %+v", all)
		}
		if len(h.Partitions) != 1 || h.Partitions[0].Host != "web-2" {
			r.t.Errorf("partitions %+v", h.Partitions)
		}
	})
}

// Events are delivered in the same virtual time whatever the state topic does, and nothing holds them.
func TestStateTopicDelaysNoDelivery(t *testing.T) {
	t.Parallel()
	took := func(topics []string, control func(r *rig), change ...func(*Config)) (done time.Duration) {
		bubble(t, topics, func(r *rig) {
			control(r)
			s := r.start(change...)
			defer s.stop()
			later(60) // so that it tells of itself in the middle of the events
			began := time.Now()
			for i := range 40 {
				r.produce(leads(5*i, 5)...)
				time.Sleep(time.Second)
			}
			for s.total("leadbridge_contacts_total") < 200 && time.Since(began) < 10*time.Minute {
				time.Sleep(time.Millisecond)
			}
			done = time.Since(began)
			if is := s.Status(); !is.Ready || !is.Healthy || len(is.Holds) > 0 || s.total("leadbridge_consumer_hold_seconds_total") > 0 {
				r.t.Errorf("%+v", is)
			}
		})
		return done
	}
	usual := took([]string{testTopic, testLetters}, func(*rig) {})
	with := []string{testTopic, testLetters, testState}
	for name, c := range map[string]struct {
		topics  []string
		control func(r *rig)
	}{
		"it works":      {with, func(*rig) {}},
		"it is missing": {with[:2], func(*rig) {}},
		"writes fail":   {with, func(r *rig) { r.refuse(kmsg.Produce, writesTo(testState)) }},
		"it hangs":      {with, func(*rig) {}},
	} {
		change := []func(*Config){withState("web-1")}
		if name == "it hangs" {
			hangs := &atomic.Bool{}
			hangs.Store(true)
			change = append(change, losesState(hangs))
		}
		if got := took(c.topics, c.control, change...); got > usual+10*time.Millisecond {
			t.Errorf("%s: 200 events took %v, and %v without it", name, got, usual)
		}
	}
}

// losesState has connections for the state topic lose what is written to them from then on.
func losesState(now *atomic.Bool) func(*Config) {
	return func(c *Config) {
		c.Consumer.Brokers = c.Consumer.Brokers.Through(func(conn net.Conn) net.Conn { return &forgetful{Conn: conn, now: now} })
	}
}

// forgetful is a connection that loses all behind the first request that names the state topic.
type forgetful struct {
	net.Conn
	now  *atomic.Bool
	lost atomic.Bool
}

func (c *forgetful) Write(b []byte) (int, error) {
	if c.now.Load() && bytes.Contains(b, []byte(testState)) {
		c.lost.Store(true)
	}
	if c.lost.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// A stop waits for the state topic no longer than a second.
func TestStateTopicDelaysNoStop(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic, testLetters, testState}, func(r *rig) {
		hangs := &atomic.Bool{}
		s := r.start(withState("web-1"), losesState(hangs))
		later(20)
		hangs.Store(true)
		later(17)
		began := time.Now()
		s.stop()
		if took := time.Since(began); took > 1100*time.Millisecond {
			r.t.Errorf("the stop took %v", took)
		}
	})
}

// Without the setting there is no trace of it in the metrics.
func TestNoStateTopicCostsNothing(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic, testLetters}, func(r *rig) {
		s := r.start()
		defer s.stop()
		families, err := s.registry.Gather()
		if err != nil {
			r.t.Fatal(err)
		}
		names := make([]string, 0, len(families))
		for _, f := range families {
			names = append(names, f.GetName())
		}
		if slices.Contains(names, "leadbridge_state_records_total") {
			r.t.Error("its metrics are there")
		}
	})
}
