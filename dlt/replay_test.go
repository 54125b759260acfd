package dlt

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

func goexit() { runtime.Goexit() }

// once fails unless the topic has exactly one event of each of n letters.
func (r *rig) once(n int) {
	r.t.Helper()
	counts := r.events()
	if len(counts) != n {
		r.t.Errorf("%d events are in the topic, want %d", len(counts), n)
	}
	for id, count := range counts {
		if count != 1 {
			r.t.Errorf("%s was replayed %d times", id, count)
		}
	}
}

func TestReplayPutsEventsBackAsTheyWere(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.seed(letters(3, 2)...)
		report := r.replay(options())
		if report.Letters != 3 || report.Replayed != 3 || len(report.Left) != 0 {
			t.Errorf("%+v", report)
		}
		wantRoutes := []Route{{"CRM_REFUSED", "leads", 0, 2}, {"CRM_REFUSED", "leads", 1, 1}}
		if diff := cmp.Diff(wantRoutes, report.Routes); diff != "" {
			t.Errorf("routes (-want +got):\n%s", diff)
		}
		r.once(3)
		got := r.committed(testTopic)[0]
		headers := map[string]string{}
		for _, h := range got.Headers {
			headers[h.Key] = string(h.Value)
		}
		want := map[string]string{
			header.EventID: "ce:/site 0", header.Topic: "leads", header.Partition: "0", header.Offset: "0", header.Timestamp: "2026-03-04T05:06:07.008Z",
			header.FirstFailure: "2026-03-04T05:06:08Z", header.OriginField: "originId", header.Replays: "1", "trace": "1",
		}
		if diff := cmp.Diff(want, headers); diff != "" {
			t.Errorf("headers (-want +got):\n%s", diff)
		}
		if string(got.Key) != "key 0" || !strings.Contains(string(got.Value), "nobody.0@") || got.Partition != 0 {
			t.Errorf("key %q, value %q, partition %d", got.Key, got.Value, got.Partition)
		}
		// What the service makes of it.
		tr, err := transform.New(transform.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if e, _ := tr.Decode(got); e.ID != "ce:/site 0" || e.Replays != 1 {
			t.Errorf("the service reads event %q, replayed %d times", e.ID, e.Replays)
		}
	})
}

func TestReplayTwiceReplaysNothingTwice(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		all := letters(6, 2)
		all[1].reason = "MALFORMED_EVENT"
		r.seed(all...)
		o := options()
		o.Reasons = []string{"malformed_event"}
		if report := r.replay(o); report.Replayed != 1 {
			t.Errorf("%+v", report)
		}
		o = options()
		o.Limit = 3 // beside the one that was replayed already
		if report := r.replay(o); report.Replayed != 3 || report.Already != 1 {
			t.Errorf("%+v", report)
		}
		if report := r.replay(options()); report.Replayed != 2 || report.Already != 4 {
			t.Errorf("%+v", report)
		}
		if report := r.replay(options()); report.Replayed != 0 || report.Already != 6 {
			t.Errorf("%+v", report)
		}
		r.once(6)
	})
}

// A copy of a letter, that a crash writes after the letter was replayed, is the same letter.
func TestReplayKnowsTheLetterByItsEventNotByItsPlace(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		all := letters(1, 1)
		r.seed(all[0], all[0])
		if report := r.replay(options()); report.Replayed != 1 {
			t.Errorf("%+v", report)
		}
		r.seed(all...)
		if report := r.replay(options()); report.Replayed != 0 || report.Already != 1 {
			t.Errorf("after another copy: %+v", report)
		}
		all[0].replays = 1 // it failed again
		r.seed(all...)
		if report := r.replay(options()); report.Replayed != 1 {
			t.Errorf("after it failed again: %+v", report)
		}
		if got := header.Text(r.committed(testTopic)[1].Headers, header.Replays); got != "2" {
			t.Errorf("dlt-replays is %s after the second replay", got)
		}
	})
}

// A replay is killed in each gap of its transactions, and run again.
func TestReplayKilledInAnyGap(t *testing.T) {
	const n = 4
	o := options()
	o.Rate = 5 // one event a transaction
	for step := range 100 {
		died := false
		bubble(t, 2, func(t *testing.T, r *rig) {
			r.seed(letters(n, 2)...)
			died = r.killed(o, step)
			done := len(r.events())
			report := r.replay(o)
			if report.Replayed+report.Already != n || report.Already != done {
				t.Errorf("killed at step %d with %d done: %+v", step, done, report)
			}
			r.once(n)
			if again := r.replay(o); again.Replayed != 0 {
				t.Errorf("killed at step %d: the third run replays %d", step, again.Replayed)
			}
		})
		if !died {
			if step != 4*n { // enlisted, two partitions written, committed
				t.Errorf("a replay of %d letters has %d steps", n, step)
			}
			return
		}
	}
	t.Error("it never came to the end")
}

// A killed replay holds up what is written behind it only until its
// transaction times out, though nobody runs it again.
func TestKilledReplayFreesTheTopic(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(1, 1)...)
		if !r.killed(options(), 2) { // both are written, not committed
			t.Fatal("not killed")
		}
		r.produce(testTopic, 0, kafka.Record{Value: kafka.NewBytes([]byte("new"))})
		if n := len(r.committed(testTopic)); n != 0 {
			t.Fatalf("%d records can be read behind an open transaction", n)
		}
		time.Sleep(transactionTimeout + 11*time.Second) // virtual; brokers look every ten seconds
		if all := r.committed(testTopic); len(all) != 1 || string(all[0].Value) != "new" {
			t.Errorf("%d records can be read after the transaction's time", len(all))
		}
	})
}

// Of two replays at a time the later one goes on, and none is replayed twice.
func TestTwoReplaysAtATime(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		const n = 20
		r.seed(letters(n, 2)...)
		o := options()
		o.Rate = 5
		var second Report
		var failed error
		o.Progress = func(done, _ int) {
			if done == n/2 && second.Letters == 0 {
				second.Letters = -1
				finished := make(chan struct{})
				go func() {
					defer close(finished)
					second, failed = r.topic.Replay(context.WithoutCancel(t.Context()), options())
				}()
				<-finished
			}
		}
		first, err := r.topic.Replay(t.Context(), o)
		if !errors.Is(err, ErrTakenOver) || failed != nil {
			t.Errorf("errors %v and %v", err, failed)
		}
		if first.Replayed != n/2 || second.Replayed != n/2 {
			t.Errorf("replayed %d and %d", first.Replayed, second.Replayed)
		}
		r.once(n)
	})
}

// A commit whose answer is lost is found again by its markers.
func TestReplayAfterLostAnswers(t *testing.T) {
	for name, key := range map[string]kmsg.Key{"end": kmsg.EndTxn, "enlist": kmsg.AddPartitionsToTxn, "produce": kmsg.Produce, "begin": kmsg.InitProducerID} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, r *rig) {
				r.seed(letters(10, 2)...)
				r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Err: kerr.UnknownServerError, Count: 2})
				if report := r.replay(options()); report.Replayed != 10 {
					t.Errorf("%+v", report)
				}
				r.once(10)
			})
		})
	}
}

func TestReplayStopsAndGoesOn(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(10, 1)...)
		ctx, stop := context.WithCancel(t.Context())
		o := options()
		o.Rate = 1
		o.Progress = func(done, _ int) {
			if done == 4 {
				stop()
			}
		}
		report, err := r.topic.Replay(ctx, o)
		if !errors.Is(err, context.Canceled) || report.Replayed != 4 {
			t.Errorf("%v, %+v", err, report)
		}
		o.Progress = nil
		if report := r.replay(o); report.Replayed != 6 || report.Already != 4 {
			t.Errorf("%+v", report)
		}
		r.once(10)
	})
}

func TestReplayKeepsItsRate(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(100, 1)...)
		o := options()
		o.Rate = 25
		began := time.Now()
		r.replay(o)
		if took := time.Since(began); took < 3*time.Second+700*time.Millisecond || took > 5*time.Second {
			t.Errorf("100 events took %v at 25 a second", took)
		}
	})
}

func TestReplayStopsAtWhatWasThereWhenItBegan(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(3, 1)...)
		o := options()
		o.Rate = 1
		added := false
		o.Progress = func(done, _ int) {
			if done == 1 && !added {
				added = true
				r.produce(testLetters, 0, aLetter{id: "late", reason: "CRM_REFUSED", value: "{}"}.record())
				// The next pass must not see it either.
				r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Err: kerr.UnknownServerError, Count: 1})
			}
		}
		if report := r.replay(o); report.Replayed != 3 {
			t.Errorf("%+v", report)
		}
		if r.events()["late"] != 0 {
			t.Error("a letter that was written meanwhile was replayed")
		}
	})
}

func TestReplayDryRunWritesNothing(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.seed(letters(5, 2)...)
		before := len(r.committed(testLetters))
		o := options()
		o.DryRun = true
		report := r.replay(o)
		if report.Replayed != 0 || report.Letters != 5 || len(report.Routes) != 2 || report.Routes[0].Letters != 3 {
			t.Errorf("%+v", report)
		}
		if len(r.events()) != 0 || len(r.committed(testLetters)) != before {
			t.Error("a dry run wrote something")
		}
	})
}

func TestReplayLeavesWhatItMustNotReplay(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		all := letters(6, 1)
		all[0].replays = 3
		all[1].more = map[string]string{header.Topic: "payments"}
		all[2].more = map[string]string{header.Value: header.Omitted}
		all[3].replays = 2
		all[5].replays, all[5].more = 1, map[string]string{header.Value: header.Omitted}
		r.seed(all...)
		r.produce(testLetters, 0, kafka.Record{Value: kafka.NewBytes([]byte("not a letter"))})
		report := r.replay(options())
		var why []string
		for _, l := range report.Left {
			why = append(why, l.Place+" "+l.Why)
		}
		want := []string{"0:0 " + LeftReplays, "0:1 " + LeftTopic, "0:2 " + LeftValueGone, "0:5 " + LeftValueGone, "0:6 " + LeftNotOurs}
		if diff := cmp.Diff(want, why); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
		if m := report.Left[3].Message; !strings.Contains(m, "an earlier replay may have edited") {
			t.Errorf("a letter whose event was replayed: %s", m)
		}
		if report.Replayed != 2 || report.Failed() != 3 {
			t.Errorf("%+v", report)
		}
		o := options()
		o.MaxReplays = 4
		if report := r.replay(o); report.Replayed != 1 {
			t.Errorf("with a larger limit: %+v", report)
		}
	})
}

func TestReplayFindsAnOmittedValueWhereItCameFrom(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		at := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
		r.produce(testTopic, 0, kafka.Record{Time: at, Key: kafka.NewBytes([]byte("large")), Value: kafka.NewBytes([]byte("whole")), Headers: []kafka.Header{{Key: "own", Value: []byte("x")}}})
		all := letters(1, 1)
		all[0].value, all[0].more = "", map[string]string{header.Value: header.Omitted, header.Key: header.Assigned}
		r.seed(all...)
		r.replay(options())
		got := r.committed(testTopic)[1]
		if string(got.Value) != "whole" || string(got.Key) != "large" || header.Text(got.Headers, "own") != "x" ||
			header.Text(got.Headers, header.EventID) != "ce:/site 0" || header.Text(got.Headers, header.Value) != "" {
			t.Errorf("key %q, value %q, headers %v", got.Key, got.Value, got.Headers)
		}
	})
}

// A value that is too long to be kept when it is read is not put back as an empty one, wherever it is: in the letter, or where the
// letter says that it came from.
func TestReplayPutsNoValueBackThatWasTooLong(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		at := time.Date(2026, 3, 4, 5, 6, 7, 8e6, time.UTC)
		long := kafka.NewBytes(bytes.Repeat([]byte(" "), 5<<20))
		res, err := r.client.Produce(t.Context(), &kafka.ProduceRequest{
			Topic: testTopic, RequiredAcks: kafka.RequireAll, Compression: kafka.Gzip, Records: kafka.NewRecordReader(kafka.Record{Time: at, Value: long}),
		})
		if err != nil || res.Error != nil {
			t.Fatal(err, res)
		}
		all := letters(1, 1)
		all[0].value, all[0].more = "", map[string]string{header.Value: header.Omitted}
		r.seed(all...)
		if report := r.replay(options()); report.Replayed != 0 || len(report.Left) != 1 || report.Left[0].Why != LeftValueGone {
			t.Errorf("%+v", report)
		}
		if got := r.committed(testTopic); len(got) != 1 {
			t.Errorf("%d records are in the topic", len(got))
		}
		read := newLetter(transform.Record{Value: []byte{}, Missing: transform.MissingTooLong, Headers: []transform.Header{{Key: header.EventID, Value: []byte("x")}}})
		if !read.ValueOmitted() || read.EventID != "x" {
			t.Error("a letter whose own value is too long does not say so")
		}
	})
}

func TestReplayEdits(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		all := letters(3, 1)
		all[1].value = `name=Nobody`
		all[2].value = `{"email":"as it is"}`
		r.seed(all...)
		editor, err := transform.NewEditor(`if .name then .email |= sub("example.com"; "example.org") else . end`)
		if err != nil {
			t.Fatal(err)
		}
		o := options()
		o.Edit = editor
		report := r.replay(o)
		if report.Replayed != 2 || report.Edited != 1 || len(report.Left) != 1 || report.Left[0].Why != LeftEdit || report.Failed() != 1 {
			t.Errorf("%+v", report)
		}
		got := r.committed(testTopic)
		if string(got[0].Value) != `{"email":"nobody.0@example.org","name":"Nobody"}` || string(got[1].Value) != `{"email":"as it is"}` {
			t.Errorf("%s, %s", got[0].Value, got[1].Value)
		}
		if header.Text(got[0].Headers, header.EventID) != "ce:/site 0" {
			t.Error("the identity was lost")
		}
		if open := ids(r.list(Filter{States: []State{StateOpen}})); len(open) != 1 || open[0] != "ce:/site 1" {
			t.Errorf("open are %v", open)
		}
	})
}

// A value that a schema registry frames keeps its bytes when the edit leaves its JSON as it is.
func TestReplayKeepsAFrameThatIsNotEdited(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		const frame = "\x00\x00\x00\x00\x07"
		all := letters(2, 1)
		for i := range all {
			all[i].value = frame + all[i].value
		}
		r.seed(all...)
		editor, err := transform.NewEditor(`if .email == "nobody.0@example.com" then .email = "nobody@example.org" else . end`)
		if err != nil {
			t.Fatal(err)
		}
		o := options()
		o.Edit = editor
		o.Unframe = func(l Letter) ([]byte, string) { return l.Value[len(frame):], "" }
		if report := r.replay(o); report.Replayed != 2 || report.Edited != 1 {
			t.Errorf("%+v, want one of two edited", report)
		}
		got := r.committed(testTopic)
		if string(got[0].Value) != `{"email":"nobody@example.org","name":"Nobody"}` || string(got[1].Value) != all[1].value {
			t.Errorf("%q, %q", got[0].Value, got[1].Value)
		}
	})
}

// What the topic refuses for good is left; the others of its batch are replayed.
func TestReplayLeavesWhatTheTopicRefuses(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		all := letters(5, 1)
		all[2].value = "refuse me"
		r.seed(all...)
		r.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			p := req.(*kmsg.ProduceRequest)
			if p.Topics[0].Topic != testTopic || !strings.Contains(string(p.Topics[0].Partitions[0].Records), "refuse me") {
				return nil, nil, false
			}
			res := p.ResponseKind().(*kmsg.ProduceResponse)
			topic := kmsg.NewProduceResponseTopic()
			topic.Topic = testTopic
			partition := kmsg.NewProduceResponseTopicPartition()
			partition.ErrorCode = kerr.MessageTooLarge.Code
			topic.Partitions = append(topic.Partitions, partition)
			res.Topics = append(res.Topics, topic)
			return res, nil, true
		})
		report := r.replay(options())
		if report.Replayed != 4 || len(report.Left) != 1 || report.Left[0].Why != LeftRefused || report.Left[0].Place != "0:2" {
			t.Errorf("%+v", report)
		}
		r.once(4)
	})
}

func TestReplayNeedsItsTopics(t *testing.T) {
	bubble(t, 0, func(t *testing.T, r *rig) {
		_, err := r.topic.Replay(t.Context(), options())
		if !errors.Is(err, cluster.ErrNoTopic) {
			t.Errorf("%v", err)
		}
		info := r.cluster.TopicInfo(testTopic)
		if info != nil {
			t.Error("the topic was made")
		}
	})
}

func TestReplayByPlaces(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		all := letters(4, 2)
		r.seed(append(all, all[0])...) // the first one twice
		o := options()
		o.Places = []Position{{0, 2}, {1, 1}}
		if report := r.replay(o); report.Replayed != 2 {
			t.Errorf("%+v", report)
		}
		if counts := r.events(); counts["ce:/site 0"] != 1 || counts["ce:/site 3"] != 1 {
			t.Errorf("%v", counts)
		}
		o.Places = []Position{{0, 77}, {5, 0}}
		if _, err := r.topic.Replay(t.Context(), o); err == nil || !strings.Contains(err.Error(), "0:77, 5:0") {
			t.Errorf("%v", err)
		}
	})
}

// cutting drops the connection on which the next bytes come, once it is armed.
type cutting struct {
	net.Conn
	armed *atomic.Bool
}

func (c cutting) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil && c.armed.CompareAndSwap(true, false) {
		c.Close()
		return 0, io.ErrUnexpectedEOF
	}
	return n, err
}

// A commit that worked, but whose answer never came, is found by its markers.
func TestReplayWhoseCommitIsNotAnswered(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(10, 1)...)
		var armed atomic.Bool
		ends := 0
		r.cluster.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			if ends++; ends == 2 {
				armed.Store(true)
			}
			return nil, nil, false
		})
		cfg := r.config()
		cfg.Brokers.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := r.network.DialContext(ctx, network, address)
			return cutting{conn, &armed}, err
		}
		topic := Open(cfg)
		defer topic.Close()
		o := options()
		o.Rate = 25
		report, err := topic.Replay(t.Context(), o)
		if err != nil || report.Replayed != 10 || report.Already != 0 || ends != 2 || armed.Load() {
			t.Errorf("%v, %+v, %d commits", err, report, ends)
		}
		r.once(10)
	})
}

// Who asks to stop in the middle of a transaction waits for its end.
func TestReplayStoppedInATransaction(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.seed(letters(3, 1)...)
		ctx, stop := context.WithCancel(t.Context())
		w := newWriter(r.config())
		w.afterStep = func(step string) {
			if step == "produced" {
				stop()
			}
		}
		o := options()
		o.Rate = 1
		report, err := r.topic.replayWith(ctx, o, w)
		if !errors.Is(err, context.Canceled) || report.Replayed != 1 {
			t.Errorf("%v, %+v", err, report)
		}
		r.once(1)
	})
}

// What only the operator can mend is told at once, with what to do.
func TestReplayWithoutTheRight(t *testing.T) {
	for name, tt := range map[string]struct {
		key  kmsg.Key
		err  *kerr.Error
		text string
	}{
		"transactional id": {kmsg.InitProducerID, kerr.TransactionalIDAuthorizationFailed, `transactional id "leadbridge-replay-leads.dlt": grant WRITE`},
		"topic":            {kmsg.AddPartitionsToTxn, kerr.TopicAuthorizationFailed, "grant WRITE on the topics"},
		"no coordinator":   {kmsg.InitProducerID, kerr.CoordinatorNotAvailable, "transaction.state.log.replication.factor"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 1, func(t *testing.T, r *rig) {
				r.seed(letters(1, 1)...)
				r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{tt.key}, Err: tt.err, Count: -1})
				began := time.Now()
				_, err := r.topic.Replay(t.Context(), options())
				if err == nil || !strings.Contains(err.Error(), tt.text) || time.Since(began) > 2*patience {
					t.Errorf("%v after %v", err, time.Since(began))
				}
			})
		})
	}
}

// A replay of so many letters goes on behind the last one when it runs again.
func TestReplayWithALimitGoesOn(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.seed(letters(5, 2)...)
		o := options()
		o.Limit = 2
		for run, want := range []int{2, 2, 1, 0} {
			if report := r.replay(o); report.Replayed != want || report.Letters != want {
				t.Errorf("run %d: %+v, want %d replayed", run+1, report, want)
			}
		}
		if counts := r.events(); len(counts) != 5 || counts["ce:/site 4"] != 1 {
			t.Errorf("%v", counts)
		}
	})
}
