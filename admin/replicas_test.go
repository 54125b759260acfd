package admin

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/statetopic"
)

const testState = "leads.state"

// told is a replica that tells of itself in the state topic.
type told struct {
	*statetopic.Topic
	stop func()
}

// tells starts a replica of a host, which does what a reading says.
func tells(t *testing.T, brokers cluster.Brokers, host string, read func() statetopic.Reading) told {
	t.Helper()
	topic, err := statetopic.New(statetopic.Config{
		Brokers: brokers, Topic: testState, Host: host, Version: "v2", Started: time.Now(), Read: read, Log: zerolog.Nop(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		topic.Run(ctx)
	}()
	return told{topic, func() {
		cancel()
		<-done
		topic.Close()
	}}
}

// makeTopic makes the state topic.
func (r *rig) makeTopic() {
	r.t.Helper()
	res, err := r.client.CreateTopics(r.t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: testState, NumPartitions: 1, ReplicationFactor: 1}}})
	if err != nil || res.Errors[testState] != nil {
		r.t.Fatal(err, res)
	}
}

// TestPageOfAllReplicas shows on one page what two replicas did and do, with the hosts of owners, and what is left of one
// that stopped.
func TestPageOfAllReplicas(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.makeTopic()
		one := tells(t, r.server.cfg.Brokers, "web-1", func() statetopic.Reading {
			return statetopic.Reading{Counts: statetopic.Counts{Created: 40, Matched: 2}, Now: statetopic.Now{State: "delivering", Partitions: []int{0}}}
		})
		defer one.stop()
		two := tells(t, r.server.cfg.Brokers, "web-2", func() statetopic.Reading {
			return statetopic.Reading{
				Counts: statetopic.Counts{Created: 2, Found: 1, Letters: 3, HeldSeconds: map[string]float64{"outage": 20, "throttle": 50, "later_cause": 1}},
				Now:    statetopic.Now{State: "held", Partitions: []int{1}, InFlight: 2, Lag: new(int64(9)), LagSeconds: new(4.0), Holds: []string{"outage"}},
			}
		})
		r.server.cfg.StateTopic = one.Topic
		time.Sleep(90 * time.Second)
		synctest.Wait()
		r.stands(func(s *Situation) { s.Partitions = []consumer.PartitionStatus{{Partition: 0}} })

		got := read[state](r, "GET", "/api/state", "")
		if len(got.Partitions) != 2 || got.Partitions[0].Host != "web-1" || got.Partitions[0].Owner != ownerThis || got.Partitions[1].Host != "web-2" {
			t.Errorf("partitions %+v", got.Partitions)
		}
		all := got.Replicas
		if all == nil || len(all.List) != 2 || !all.List[0].Here || all.List[1].Here || all.List[1].Version != "v2" || all.List[1].InFlight != 2 ||
			*all.List[1].Lag != 9 || strings.Join(all.List[1].HoldTitles, "; ") != "The CRM does not answer as it should" || all.Error != nil || all.AsOf.IsZero() {
			t.Errorf("replicas %+v", all)
		}
		for _, name := range []string{"", "1h", "6h", "24h", "7d", "30d"} {
			was := read[past](r, "GET", "/api/history?range="+name, "")
			if len(was.Points) == 0 || was.Totals.Created != 42 || was.Totals.Matched != 2 || was.Totals.Found != 1 || was.Totals.Letters != 3 {
				t.Errorf("%q: %+v", name, was)
			}
			if len(was.Holds) != 3 || was.Holds[0].Cause != "throttle" || was.Holds[1] != (pastHold{"outage", "The CRM does not answer as it should", 20}) || was.Holds[2].Title != "later_cause" {
				t.Errorf("%q: holds %+v", name, was.Holds)
			}
			if was.Points[0].Held != 20 {
				t.Errorf("%q: held for %v s, want 20: a pause of the CRM is no hold", name, was.Points[0].Held)
			}
		}
		if w := r.ask("GET", "/api/history?range=1y", ""); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "1h, 6h, 24h, 7d, 30d") {
			t.Errorf("a range that there is not: %d %s", w.Code, w.Body)
		}
		two.stop()
		time.Sleep(10 * time.Second)
		got = read[state](r, "GET", "/api/state", "")
		if last := got.Replicas.List[1]; !last.Gone || last.State != "stopped" || got.Partitions[1].Host != "" {
			t.Errorf("a replica that stopped: %+v, %+v", last, got.Partitions[1])
		}
	})
}

// TestPageWithoutStateTopic is as it was before there were state topics.
func TestPageWithoutStateTopic(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		w := r.ask("GET", "/api/state", "")
		for _, absent := range []string{`"replicas"`, `"host"`} {
			if strings.Contains(w.Body.String(), absent) {
				t.Errorf("the state has %s: %s", absent, w.Body)
			}
		}
		if w := r.ask("GET", "/api/history", ""); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "KAFKA_STATE_TOPIC") {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

// TestPageWhileTheStateTopicIsAway: all else is shown, and what is wrong.
func TestPageWhileTheStateTopicIsAway(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		p := tells(t, r.server.cfg.Brokers, "web-1", func() statetopic.Reading {
			return statetopic.Reading{Now: statetopic.Now{State: "delivering"}}
		})
		defer p.stop()
		r.server.cfg.StateTopic = p.Topic
		defer r.run()()
		events, leave, _ := r.look("/api/live")
		defer leave()
		time.Sleep(30 * time.Second)
		synctest.Wait()
		got := read[state](r, "GET", "/api/state", "")
		if got.State != "delivering" || got.Lag == nil || !strings.Contains(got.Replicas.Error.String(), "check --fix") || len(got.Replicas.List) != 0 {
			t.Errorf("%+v, %+v", got, got.Replicas)
		}
		if was := read[past](r, "GET", "/api/history", ""); !strings.Contains(was.Error.String(), "check --fix") || len(was.Points) != 0 {
			t.Errorf("%+v", was)
		}
		if n := len(events); n < 30 {
			t.Errorf("%d events came in 30 seconds", n)
		}
		r.makeTopic()
		time.Sleep(time.Minute)
		if got := read[state](r, "GET", "/api/state", "").Replicas; got.Error != nil || len(got.List) != 1 {
			t.Errorf("%+v, want the replica", got)
		}
	})
}
