package consumer

import (
	"bytes"
	"context"
	"errors"
	"net"
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

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

func held() error { return nil }

// writeInTheEnd tries to write a letter until the topic accepts it, as parking does.
func (l *letterWriter) writeInTheEnd(ctx context.Context, d letter) error {
	for {
		_, err := l.write(ctx, d)
		u, ok := errors.AsType[*unwritable](err)
		if !ok {
			return err
		}
		select {
		case <-time.After(time.Until(u.until)):
		case <-u.over:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// letters returns a letter writer with a lease, and with a status board of its own.
func (r *rig) letters(lease func() error) *letterWriter {
	r.t.Helper()
	cfg := r.config()
	l := newLetterWriter(cfg, lease, newStatusBoard(cfg.Log))
	r.t.Cleanup(l.close)
	return l
}

func aLetter() letter {
	return letter{
		partition: 1, eventID: "ce:/site 1", key: []byte("k"), value: []byte("v"),
		headers: []kafka.Header{{Key: "trace", Value: []byte("1")}, {Key: header.Reason, Value: []byte("CRM_REFUSED")}},
	}
}

// refuseLetters makes the broker answer the next n letters, or all for n < 0, with an error.
func (r *rig) refuseLetters(err *kerr.Error, n int) *kfake.FaultHandle {
	return r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testLetters, Err: err, Count: n})
}

func headerOf(rec record, key string) string { return header.Text(rec.Headers, key) }

// heldFor returns the causes of the holds that a letter writer has noted.
func (r *rig) heldFor(l *letterWriter) []crmclient.Cause {
	var causes []crmclient.Cause
	for _, h := range l.writer.board.status(time.Now()).Holds {
		causes = append(causes, h.Cause)
	}
	return causes
}

func TestLetterKeepsKeyValueHeadersAndPartition(t *testing.T) {
	bubble(t, 3, func(t *testing.T, r *rig) {
		var acks []int16
		r.cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
			r.cluster.KeepControl()
			acks = append(acks, req.(*kmsg.ProduceRequest).Acks)
			return nil, nil, false
		})
		for _, tt := range []struct{ key, value []byte }{{[]byte("k"), []byte("v")}, {nil, []byte("v")}, {[]byte{}, []byte{}}} {
			d := aLetter()
			d.key, d.value = tt.key, tt.value
			if _, err := r.letters(held).write(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			got := r.deadLetters()[len(r.deadLetters())-1]
			if got.Partition != 1 || !got.Time.Equal(time.Now().Truncate(time.Millisecond)) {
				t.Errorf("partition %d, time %s", got.Partition, got.Time)
			}
			if diff := cmp.Diff([][]byte{tt.key, tt.value}, [][]byte{got.Key, got.Value}); diff != "" {
				t.Errorf("key and value (-want +got):\n%s", diff)
			}
			if len(got.Headers) != 2 || got.Headers[0].Key != "trace" || headerOf(got, header.Reason) != "CRM_REFUSED" {
				t.Errorf("headers %+v", got.Headers)
			}
		}
		if !slices.Equal(acks, []int16{-1, -1, -1}) {
			t.Errorf("letters were sent with acks %v, want all in-sync replicas (-1)", acks)
		}
	})
}

func TestLetterFoldsAPartitionThatIsNotThere(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		d := aLetter()
		d.partition = 7
		if _, err := r.letters(held).write(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got := r.deadLetters()[0].Partition; got != 1 {
			t.Errorf("partition %d, want 7 modulo 2", got)
		}
	})
}

// A letter that the broker refuses permanently loses no more than needed. If it loses its key or its headers, it says that its
// value is omitted, even an empty one: a replay then reads all of them where the event came from.
func TestRefusedLetterIsReduced(t *testing.T) {
	type result struct{ key, value, noted string }
	keyless := func(d *letter) { d.key = nil }
	empty := func(d *letter) { d.value = []byte{} }
	largeKey := func(d *letter) { d.key, d.value = bytes.Repeat([]byte("k"), 100), []byte{} }
	for name, tt := range map[string]struct {
		err     *kerr.Error
		change  func(*letter)
		refused int // how many writes the broker refuses
		want    result
	}{
		"too large once":                 {kerr.MessageTooLarge, nil, 1, result{"k", "", "dlt-value=omitted trace=1"}},
		"too large twice":                {kerr.MessageTooLarge, nil, 2, result{"k", "", "dlt-headers=omitted dlt-value=omitted"}},
		"a list too large":               {kerr.RecordListTooLarge, nil, 1, result{"k", "", "dlt-value=omitted trace=1"}},
		"too large without a key":        {kerr.MessageTooLarge, keyless, 1, result{"", "", "dlt-value=omitted trace=1"}},
		"no key into a compacted topic":  {kerr.InvalidRecord, keyless, 1, result{"ce:/site 1", "v", "dlt-key=assigned trace=1"}},
		"invalid although it has a key":  {kerr.InvalidRecord, nil, 1, result{"k", "", "dlt-value=omitted trace=1"}},
		"against a policy":               {kerr.PolicyViolation, keyless, 2, result{"ce:/site 1", "", "dlt-key=assigned dlt-value=omitted trace=1"}},
		"against a policy to the bottom": {kerr.PolicyViolation, keyless, 3, result{"ce:/site 1", "", "dlt-headers=omitted dlt-key=assigned dlt-value=omitted"}},
		"no value, large headers":        {kerr.MessageTooLarge, empty, 1, result{"k", "", "dlt-headers=omitted dlt-value=omitted"}},
		"no value, a large key":          {kerr.MessageTooLarge, largeKey, 2, result{"ce:/site 1", "", "dlt-headers=omitted dlt-key=assigned dlt-value=omitted"}},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, r *rig) {
				d := aLetter()
				if tt.change != nil {
					tt.change(&d)
				}
				r.refuseLetters(tt.err, tt.refused)
				l := r.letters(held)
				if _, err := l.write(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				all := r.deadLetters()
				if len(all) != 1 {
					t.Fatalf("%d letters", len(all))
				}
				var noted []string
				for _, h := range all[0].Headers {
					if h.Key != header.Reason {
						noted = append(noted, h.Key+"="+string(h.Value))
					}
				}
				slices.Sort(noted)
				got := result{string(all[0].Key), string(all[0].Value), strings.Join(noted, " ")}
				if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(result{})); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
				if all[0].Value == nil {
					t.Error("the letter became a tombstone")
				}
				if len(d.headers) != 2 {
					t.Error("the caller's headers were changed")
				}
			})
		})
	}
}

func TestLetterOfALargestRecordIsWritten(t *testing.T) {
	bubble(t, 0, func(t *testing.T, r *rig) {
		limit := "20000"
		if err := r.cluster.CreateTopic(testLetters, 2, map[string]string{"max.message.bytes": limit}); err != nil {
			t.Fatal(err)
		}
		d := aLetter()
		d.value = []byte(strings.Repeat("x", 19_900))
		d.headers = append(d.headers, kafka.Header{Key: header.Message, Value: []byte(strings.Repeat("m", 500))})
		if _, err := r.letters(held).write(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		got := r.deadLetters()[0]
		if headerOf(got, header.Value) != "omitted" || len(got.Value) != 0 || len(headerOf(got, header.Message)) != 500 {
			t.Errorf("value of %d bytes, headers %+v", len(got.Value), got.Headers)
		}
	})
}

// A letter that is refused for a temporary reason is tried until it is written, and loses nothing.
func TestLetterThatIsRefusedForNowIsHeld(t *testing.T) {
	for name, err := range map[string]*kerr.Error{
		"too few replicas": kerr.NotEnoughReplicas, "no right": kerr.TopicAuthorizationFailed, "unknown": kerr.UnknownServerError,
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, 2, func(t *testing.T, r *rig) {
				fault := r.refuseLetters(err, -1)
				l := r.letters(held)
				done := make(chan error, 1)
				go func() { done <- l.writeInTheEnd(t.Context(), aLetter()) }()
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if len(done) > 0 {
					t.Fatalf("gave up: %v", <-done)
				}
				if got := r.heldFor(l); !slices.Equal(got, []crmclient.Cause{HoldDeadLetters}) {
					t.Errorf("held for %v", got)
				}
				if hits := fault.Hits(); hits > 300 {
					t.Errorf("%d tries in five minutes", hits)
				}
				fault.Remove()
				if err := <-done; err != nil {
					t.Fatal(err)
				}
				if got := r.heldFor(l); len(got) > 0 {
					t.Errorf("still held for %v", got)
				}
				if got := r.deadLetters()[0]; string(got.Value) != "v" || len(got.Headers) != 2 {
					t.Errorf("the letter lost something on its way: %+v", got)
				}
			})
		})
	}
}

func TestLetterWaitsForItsTopic(t *testing.T) {
	bubble(t, 0, func(t *testing.T, r *rig) {
		l := r.letters(held)
		done := make(chan error, 1)
		go func() { done <- l.writeInTheEnd(t.Context(), aLetter()) }()
		time.Sleep(time.Minute)
		synctest.Wait()
		holds := l.writer.board.status(time.Now()).Holds
		if len(done) > 0 || len(holds) != 1 || !strings.Contains(holds[0].Advice.String(), "does not exist") {
			t.Fatalf("done %v, holds %+v", len(done) > 0, holds)
		}
		if r.cluster.TopicInfo(testLetters) != nil {
			t.Fatal("the topic was created by asking for it")
		}
		if err := r.cluster.CreateTopic(testLetters, 1, nil); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil || len(r.deadLetters()) != 1 {
			t.Errorf("%v, %d letters", err, len(r.deadLetters()))
		}
	})
}

func TestLapsedLeaseWritesNoLetter(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		produced := r.cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Topic: testLetters, Observe: true, Count: -1})
		l := newLease(30 * time.Second)
		if _, err := r.letters(l.err).write(t.Context(), aLetter()); !errors.Is(err, errLeaseLapsed) {
			t.Errorf("written without a lease: %v", err)
		}
		l.renew(time.Now())
		refused := r.refuseLetters(kerr.NotEnoughReplicas, -1)
		err := r.letters(l.err).writeInTheEnd(t.Context(), aLetter())
		if !errors.Is(err, errLeaseLapsed) {
			t.Errorf("tried on after the lease: %v", err)
		}
		refused.Remove()
		if produced.Hits() > refused.Hits() || len(r.deadLetters()) > 0 {
			t.Error("a letter left without a lease")
		}
	})
}

// A process that froze after it checked the lease sends nothing when it thaws, as the connection checks the lease once more.
func TestLeaseIsAskedInTheConnectionsWrite(t *testing.T) {
	broker, ours := net.Pipe()
	defer broker.Close()
	var lapsed error
	conn := &leasedConn{ours, func() error { return lapsed }}
	defer conn.Close()
	read := make(chan byte, 1)
	go func() {
		b := make([]byte, 1)
		_, _ = broker.Read(b)
		read <- b[0]
	}()
	if _, err := conn.Write([]byte("a")); err != nil || <-read != 'a' {
		t.Fatal(err)
	}
	lapsed = errLeaseLapsed
	if n, err := conn.Write([]byte("b")); n != 0 || !errors.Is(err, errLeaseLapsed) {
		t.Errorf("%d bytes left: %v", n, err)
	}
}

func TestLetterIsAskedForItsLeaseAtTheWire(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		asked := 0
		lease := func() error { // held at the first check, and lapsed when the connection writes
			if asked++; asked > 1 {
				return errLeaseLapsed
			}
			return nil
		}
		if _, err := r.letters(lease).write(t.Context(), aLetter()); !errors.Is(err, errLeaseLapsed) {
			t.Errorf("write: %v", err)
		}
		if n := len(r.deadLetters()); n > 0 {
			t.Errorf("%d letters", n)
		}
	})
}

func TestLetterEndsWithItsContext(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		defer r.refuseLetters(kerr.NotEnoughReplicas, -1).Remove()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		l := r.letters(held)
		results := make(chan error, 3*maxLetterWrites)
		for range cap(results) {
			go func() { results <- l.writeInTheEnd(ctx, aLetter()) }()
		}
		for range cap(results) {
			if err := <-results; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("ended with %v", err)
			}
		}
		if len(l.slots) > 0 {
			t.Errorf("%d slots are never given back", len(l.slots))
		}
	})
}

// Nearly all of the largest record is its key: the letter is too large even without the value.
func TestLetterWithAHugeKeyIsWritten(t *testing.T) {
	bubble(t, 0, func(t *testing.T, r *rig) {
		if err := r.cluster.CreateTopic(testLetters, 2, map[string]string{"max.message.bytes": "20000"}); err != nil {
			t.Fatal(err)
		}
		d := aLetter()
		d.key = []byte(strings.Repeat("k", 19_950))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := r.letters(held).write(ctx, d); err != nil {
			t.Fatal(err)
		}
		got := r.deadLetters()[0]
		if string(got.Key) != d.eventID || headerOf(got, header.Key) != "assigned" {
			t.Errorf("key of %d bytes, headers %+v", len(got.Key), got.Headers)
		}
	})
}

// The headers that a letter keeps from a replayed one can be written by anybody. They do not make it too large for the
// broker.
func TestForgedSurvivingHeadersAreBounded(t *testing.T) {
	rec := original()
	for _, key := range []string{header.Topic, header.Partition, header.Offset, header.Timestamp, header.EventID, header.FirstFailure, header.Replays, header.OriginField} {
		rec.Headers = append(rec.Headers, transform.Header{Key: key, Value: []byte(strings.Repeat("x", 100_000))})
	}
	l := letterOf(t, "1", rec, rejection{reason: "CRM_REFUSED", code: strings.Repeat("C", 100_000)})
	for _, h := range l.headers {
		if len(h.Value) > 4*maxMessage {
			t.Errorf("%s has %d bytes", h.Key, len(h.Value))
		}
	}
}
