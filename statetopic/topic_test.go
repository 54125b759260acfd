package statetopic

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Two replicas work for some minutes, one is killed and starts again on its host, the other one stops in order: what both
// did is there for a third, each event once, and it knows who is there.
func TestHistorySurvivesCrashAndRestart(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic}, func(t *testing.T, r *rig) {
		one, two := r.start("web-1"), r.start("web-2")
		for range 20 { // five minutes
			one.change(func(is *Reading) {
				is.Created, is.Matched, is.Partitions = is.Created+2, is.Matched+1, []int{0, 1}
				is.Lag, is.LagSeconds = new(int64(5)), new(2.5)
			})
			two.change(func(is *Reading) {
				is.Created, is.Found, is.Letters, is.Partitions = is.Created+1, is.Found+1, is.Letters+1, []int{2}
				is.Lag, is.LagSeconds = new(int64(7)), new(1.5)
			})
			time.Sleep(publishEvery)
		}
		synctest.Wait()
		r.kill(one)
		again := r.start("web-1")
		again.change(func(is *Reading) { is.Created = 3 })
		time.Sleep(2 * publishEvery)
		two.change(func(is *Reading) { is.Created++ })
		two.stop()
		again.change(func(is *Reading) { is.Created++ })
		time.Sleep(goneAfter)

		third := r.start("web-3")
		third.refresh(t)
		now := time.Now()
		want := Counts{Created: 20*2 + 20 + 3 + 1 + 1, Matched: 20, Found: 20, Letters: 20}
		for _, name := range []string{"1h", "6h", "24h", "7d", "30d"} {
			points := third.History(rangeOf(name), now)
			if diff := cmp.Diff(want, totals(points)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			if name == "1h" && (len(points) < 5 || points[1].Lag == nil || *points[1].Lag != 12 || *points[1].LagSeconds != 2.5) {
				t.Errorf("the lags are not put together: %+v", points)
			}
		}
		replicas := third.Replicas(now)
		if len(replicas) != 2 || replicas[0].Host != "web-1" || replicas[0].Gone || replicas[1].Host != "web-2" || !replicas[1].Gone ||
			replicas[1].State != stopped || len(replicas[1].Partitions) != 0 {
			t.Errorf("%+v, want web-1 there and web-2 stopped", replicas)
		}
		r.kill(again)
		time.Sleep(2 * time.Minute)
		third.refresh(t)
		replicas = third.Replicas(time.Now())
		if len(replicas) != 3 || !replicas[0].Gone || replicas[0].State != "delivering" || replicas[2].Host != "web-3" || !replicas[2].Here || replicas[2].Version != "v1.2.3" {
			t.Errorf("%+v, want web-1 gone without a word, and this one", replicas)
		}
	})
}

// While the topic is away the process is read as often as ever, and all of it is written afterwards.
func TestTopicAwayLosesNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		topics     []string
		goes, back func(r *rig)
	}{
		"it is missing":     {nil, func(*rig) {}, func(r *rig) { r.create() }},
		"no broker answers": {[]string{testTopic}, func(r *rig) { r.away.Store(true) }, func(r *rig) { r.away.Store(false) }},
		"not allowed":       {[]string{testTopic}, func(r *rig) { r.refuses.Store(true) }, func(r *rig) { r.refuses.Store(false) }},
		"it hangs":          {[]string{testTopic}, func(r *rig) { r.hangs.Store(true) }, func(r *rig) { r.hangs.Store(false) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bubble(t, c.topics, func(t *testing.T, r *rig) {
				r.controlWrites()
				c.goes(r)
				p := r.start("web-1")
				for range 40 {
					p.change(func(is *Reading) { is.Created++ })
					time.Sleep(publishEvery)
				}
				if readings := p.readings.Load(); readings < 39 {
					t.Errorf("it was read %d times, want four times a minute", readings)
				}
				c.back(r)
				time.Sleep(2 * time.Minute)
				synctest.Wait()
				p.refresh(t)
				if got := totals(p.History(rangeOf("1h"), time.Now())); got.Created != 40 {
					t.Errorf("%d events are known, want 40", got.Created)
				}
			})
		})
	}
}

// controlWrites has brokers refuse writes.
func (r *rig) controlWrites() {
	r.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		r.cluster.KeepControl()
		if r.refuses.Load() {
			return refusal(req.(*kmsg.ProduceRequest)), nil, true
		}
		return nil, nil, false
	})
}

// create makes the topic.
func (r *rig) create() {
	client, transport := r.brokers().Client()
	defer transport.CloseIdleConnections()
	res, err := client.CreateTopics(r.t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: testTopic, NumPartitions: 1, ReplicationFactor: 1}}})
	if err != nil || res.Errors[testTopic] != nil {
		r.t.Fatal(err, res)
	}
}

// refusal answers that nothing may be written.
func refusal(req *kmsg.ProduceRequest) kmsg.Response {
	res := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, t := range req.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic = t.Topic
		for _, p := range t.Partitions {
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.Partition, partition.ErrorCode = p.Partition, kerr.TopicAuthorizationFailed.Code
			topic.Partitions = append(topic.Partitions, partition)
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}

// A right that is missing is named.
func TestAdviceNamesTheRight(t *testing.T) {
	t.Parallel()
	p := Topic{cfg: Config{Topic: "state"}}
	for _, test := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{fmt.Errorf("writing: %w", kafka.TopicAuthorizationFailed), "grant READ, WRITE and DESCRIBE"},
		{kafka.NotEnoughReplicas, "leadbridge check says more"},
		{errors.New("refused"), "look at its brokers"},
	} {
		if got := p.Advice(test.err); !strings.Contains(got.String(), test.want) || (got == nil) != (test.err == nil) {
			t.Errorf("%v: %q, want %q in it", test.err, got, test.want)
		}
	}
}

// An outage is logged at its begin and at its end, and what was not written is counted. Errors say what to do.
func TestOutageIsToldOnce(t *testing.T) {
	t.Parallel()
	bubble(t, nil, func(t *testing.T, r *rig) {
		p := r.start("web-1")
		time.Sleep(10 * time.Minute)
		if err := p.Refresh(t.Context()); err == nil || !strings.Contains(p.Advice(err).String(), "check --fix") {
			t.Errorf("%v: %s", err, p.Advice(err))
		}
		r.create()
		time.Sleep(time.Minute)
		if n := strings.Count(p.log.String(), "takes no records"); n != 1 {
			t.Errorf("the outage is told %d times:\n%s", n, p.log)
		}
		if n := strings.Count(p.log.String(), "takes records again"); n != 1 {
			t.Errorf("its end is told %d times:\n%s", n, p.log)
		}
		if p.counter("leadbridge_state_records_total", "outcome", failed) == 0 || p.counter("leadbridge_state_records_total", "outcome", written) == 0 {
			t.Error("nothing is counted")
		}
	})
}

// Whatever else is in the topic is skipped, counted and left alone; what comes after it is read.
func TestStrangeRecordsAreSkipped(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic}, func(t *testing.T, r *rig) {
		now := time.Now()
		key := process{"web-1", "0123456789abcdef"}.bucketKey(fineWidth, now.Truncate(time.Minute).Unix())
		own := process{"web-1", "0123456789abcdef"}.key()
		deep := strings.Repeat("[", 50_000)
		strange := []kafka.Record{
			{Time: now, Value: kafka.NewBytes([]byte("{}"))}, // without a key
			text("", "{}"), text("garbage", "garbage"), text("v2/now/web-1/0123456789abcdef", `{"at":1}`), text(strings.Repeat("v", 2000), "{}"),
			text(key, "garbage"), text(key, `{"created":-1}`), text(key, `{"created":1e300}`), text(key, `{"created":"1"}`), text(key, `{"lagSeconds":-1}`),
			text(key, `{"heldSeconds":{"<b>":1}}`), text(key, strings.Repeat(" ", maxValue)+"{}"), text(key, deep), text(key, ""),
			text("v1/61/61/web-1/0123456789abcdef", "{}"), text("v1/60/61/web-1/0123456789abcdef", "{}"), text("v1/60/-60/web-1/0123456789abcdef", "{}"),
			text("v1/60/60/web<1/0123456789abcdef", "{}"), text("v1/60/60/web-1/x", "{}"), text("v1/60/60/web-1", "{}"),
			text(own, `{}`), text(own, `{"at":"2026-01-01T00:00:00Z","state":"<script>"}`), text(own, `{"at":"2026-01-01T00:00:00Z","state":"held","holds":["the CRM says no"]}`),
			text(own, `{"at":"2026-01-01T00:00:00Z","state":"held","open":[{"seconds":7,"start":7}]}`), text(own, `{"at":"2026-01-01T00:00:00Z","state":"held","partitions":[-1]}`),
		}
		r.write(strange...)
		r.write(text(key, `{"created":3,"laterField":{"a":1}}`))
		before := r.all()
		p := r.start("web-2")
		p.refresh(t)
		if n := p.skipped(); n != float64(len(strange)) {
			t.Errorf("%v records are skipped, want %d", n, len(strange))
		}
		if got := totals(p.History(rangeOf("1h"), time.Now())); got.Created != 3 {
			t.Errorf("%+v, want the three events after them", got)
		}
		p.sweep(t.Context())
		after := r.all()
		for k, v := range before {
			if after[k] != v {
				t.Errorf("%.40q was changed", k)
			}
		}
	}, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "2000000"}))
}

// What is older than it is kept is deleted, of processes that are gone too, and nothing else.
func TestOldBucketsAreDeleted(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic}, func(t *testing.T, r *rig) {
		began, old := time.Now(), process{"web-1", "0123456789abcdef"}
		var records []kafka.Record
		for age := time.Duration(0); age < fineKept+5*time.Hour; age += fineWidth {
			records = append(records, text(old.bucketKey(fineWidth, began.Add(-age).Truncate(fineWidth).Unix()), `{"created":1}`))
		}
		for age := time.Duration(0); age < coarseKept+24*time.Hour; age += coarseWidth {
			records = append(records, text(old.bucketKey(coarseWidth, began.Add(-age).Truncate(coarseWidth).Unix()), `{"created":30}`))
		}
		records = append(records, text(process{"web-0", "00000000000000aa"}.key(), `{"at":"`+began.Add(-coarseKept-time.Hour).Format(time.RFC3339)+`","state":"held"}`))
		r.write(records...)
		r.start("web-2")
		one, two := r.start("web-2"), r.start("web-3")
		time.Sleep(sweepEvery + time.Minute)
		all := r.all()
		if n := count(all, "v1/60/"); n-3*60 > 26*60+5 || n-3*60 < 25*60-5 {
			t.Errorf("%d minutes are kept, want those of 26 hours, or an hour less, and three hours of the processes that run", n)
		}
		if n := count(all, "v1/1800/"); n > 30*48+8 || n < 30*48-3 {
			t.Errorf("%d half hours are kept, want those of 30 days", n)
		}
		if n := count(all, "v1/now/"); n != 3 {
			t.Errorf("%d processes are kept, want those that run", n)
		}
		one.refresh(t)
		two.refresh(t)
		for _, p := range []*replicaUnderTest{one, two} {
			if got := totals(p.History(rangeOf("30d"), time.Now())); got.Created < 30*(30*48-5) {
				t.Errorf("%+v, want what was created in 30 days", got)
			}
			if n := len(p.reader.expired(time.Now(), p.own())); n > 65 { // an hour's
				t.Errorf("%d old buckets are still remembered", n)
			}
		}
	})
}

// A topic that was deleted and made again is read from its beginning.
func TestTopicMadeAgain(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic}, func(t *testing.T, r *rig) {
		p := r.start("web-1")
		p.change(func(is *Reading) { is.Created = 100 })
		time.Sleep(10 * time.Minute)
		p.refresh(t)
		client, transport := r.brokers().Client()
		defer transport.CloseIdleConnections()
		if res, err := client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{testTopic}}); err != nil || res.Errors[testTopic] != nil {
			t.Fatal(err, res)
		}
		r.create()
		p.change(func(is *Reading) { is.Created += 5 })
		time.Sleep(2 * time.Minute)
		p.refresh(t)
		if got := totals(p.History(rangeOf("1h"), time.Now())); got.Created != 5 {
			t.Errorf("%+v, want what the new topic has", got)
		}
	})
}

// So is one that has grown beyond the old one's end before anybody looked.
func TestTopicMadeAgainAndGrown(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic}, func(t *testing.T, r *rig) {
		p := r.start("web-1")
		p.change(func(is *Reading) { is.Created = 100 })
		time.Sleep(10 * time.Minute)
		p.refresh(t)
		client, transport := r.brokers().Client()
		defer transport.CloseIdleConnections()
		if res, err := client.DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{testTopic}}); err != nil || res.Errors[testTopic] != nil {
			t.Fatal(err, res)
		}
		r.create()
		p.change(func(is *Reading) { is.Created += 5 })
		time.Sleep(2 * time.Minute)
		records := make([]kafka.Record, 200)
		for i := range records {
			records[i] = text("strange", "record")
		}
		r.write(records...)
		p.refresh(t)
		if got := totals(p.History(rangeOf("1h"), time.Now())); got.Created != 5 {
			t.Errorf("%+v, want what the new topic has", got)
		}
	})
}

// After its clock was put back, a process writes under new keys, because the keys of the hours that come again are written already.
func TestClockThatIsPutBackOverwritesNothing(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic}, func(t *testing.T, r *rig) {
		p := r.start("web-1")
		p.stop()
		first := p.own()
		now := time.Now()
		rec := recorder{at: now.Add(24 * time.Hour), open: map[int64]bucket{}}
		for width := range widths() {
			rec.open[int64(width/time.Second)] = openBucket(width, now.Add(24*time.Hour))
		}
		p.publish(t.Context(), &rec, Reading{Counts: Counts{Created: 3}, Now: Now{State: "delivering"}})
		second := p.own()
		all := r.all()
		if first == second || !strings.Contains(all[first.key()], `"state":"stopped"`) || !strings.Contains(all[second.key()], `"state":"delivering"`) {
			t.Errorf("%s is %s, %s is %s", first.key(), all[first.key()], second.key(), all[second.key()])
		}
		if ahead := first.bucketKey(fineWidth, now.Add(24*time.Hour).Unix()/60*60); !strings.Contains(all[ahead], `"created":3`) {
			t.Errorf("%s is %q of %v", ahead, all[ahead], all)
		}
	})
}

// A topic that takes small requests only gets what waited in parts; a record that it never takes is given up.
func TestSmallTopicTakesParts(t *testing.T) {
	t.Parallel()
	bubble(t, nil, func(t *testing.T, r *rig) {
		p := r.start("web-1")
		for range 4 * 60 {
			p.change(func(is *Reading) { is.Created++ })
			time.Sleep(publishEvery)
		}
		r.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			produce := req.(*kmsg.ProduceRequest)
			if len(produce.Topics[0].Partitions[0].Records) <= 2000 {
				return nil, nil, false
			}
			res := refusal(produce).(*kmsg.ProduceResponse)
			res.Topics[0].Partitions[0].ErrorCode = kerr.MessageTooLarge.Code
			return res, nil, true
		})
		r.create()
		time.Sleep(2 * time.Minute)
		p.refresh(t)
		if got := totals(p.History(rangeOf("6h"), time.Now())); got.Created != 240 {
			t.Errorf("%+v, want all", got)
		}
		p.change(func(is *Reading) { is.Partitions = slices.Repeat([]int{12345}, 1000) })
		time.Sleep(2 * publishEvery)
		if p.counter("leadbridge_state_records_total", "outcome", dropped) == 0 {
			t.Error("a record that is too large is tried for ever")
		}
		p.change(func(is *Reading) { is.Created, is.Partitions = 1000, nil })
		time.Sleep(2 * publishEvery)
		p.refresh(t)
		if got := totals(p.History(rangeOf("6h"), time.Now())); got.Created != 1000 {
			t.Errorf("%+v, want what came after it too", got)
		}
	})
}

// The topic holds names of hosts, versions, states and numbers.
func TestNothingElseIsWritten(t *testing.T) {
	t.Parallel()
	bubble(t, []string{testTopic}, func(t *testing.T, r *rig) {
		p := r.start("Anna's Mac/Book")
		p.change(func(is *Reading) {
			is.hold("outage", 3)
			is.Holds, is.Partitions = []string{"outage"}, []int{0}
		})
		time.Sleep(2 * time.Minute)
		for key, value := range r.all() {
			if !strings.Contains(key, "/Anna-s-Mac-Book/") {
				t.Errorf("key %s", key)
			}
			if _, err := decode([]byte(key), []byte(value)); err != nil {
				t.Errorf("%s %s: %v", key, value, err)
			}
		}
		p.refresh(t)
		if got := totals(p.History(rangeOf("1h"), time.Now())); got.HeldSeconds["outage"] != 3 {
			t.Errorf("%+v", got)
		}
	})
}

func ExampleRanges() {
	for _, r := range Ranges() {
		fmt.Println(r.Name, r.Span, r.Step)
	}
	// Output:
	// 1h 1h0m0s 1m0s
	// 6h 6h0m0s 2m0s
	// 24h 24h0m0s 5m0s
	// 7d 168h0m0s 30m0s
	// 30d 720h0m0s 2h0m0s
}
