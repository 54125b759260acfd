package crmclient_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"go.uber.org/goleak"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/logbuffer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	goodKey = "vibe_api_good"
	settle  = 5 * time.Second
	// lifetime is how long an unanswered single request may take effect: queue limit and run time.
	lifetime = 35 * time.Second
	// batchLifetime is the same for the largest batch.
	batchLifetime = lifetime + 49*200*time.Millisecond
)

// world is a portal and a Creator for it, inside a bubble.
type world struct {
	t       *testing.T
	sim     *crmtest.Simulator
	server  *crmtest.Server
	creator *crmclient.Creator
	logs    *logBook
	metrics *prometheus.Registry
	calls   sync.WaitGroup
}

// inBubble runs a test with a portal and a Creator in a bubble of virtual time.
func inBubble(t *testing.T, o crmtest.Options, change func(*crmclient.Config), test func(*world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, o, change)
		defer w.close()
		test(w)
	})
}

func newWorld(t *testing.T, o crmtest.Options, change func(*crmclient.Config)) *world {
	t.Helper()
	w := &world{t: t, sim: crmtest.New(o), logs: &logBook{}, metrics: prometheus.NewRegistry()}
	w.server = crmtest.Serve(w.sim)
	w.creator = w.newCreator(change)
	return w
}

// newCreator makes another process's Creator for the same portal.
func (w *world) newCreator(change func(*crmclient.Config)) *crmclient.Creator {
	w.t.Helper()
	cfg := crmclient.Config{
		BaseURL: w.server.URL, APIKey: crmclient.Secret{Value: goodKey},
		Timeout: 35 * time.Second, QueueLimit: 30 * time.Second, Settle: settle,
		Slots: 2, BatchSize: 1, RequestsPerMinute: 0, RequestsPerSecond: 0,
		OriginField: "auto", Originator: "leadbridge",
		MaxAttempts: 6, BackoffInitial: 500 * time.Millisecond, BackoffMax: time.Minute, FloodLimit: 100,
		Log: zerolog.New(w.logs), Metrics: w.metrics, Dial: w.server.Dial,
	}
	if change != nil {
		change(&cfg)
	}
	c, err := crmclient.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

func (w *world) close() {
	w.calls.Wait()
	w.creator.Close()
	w.server.Close()
}

// portalWithField returns the options of a portal that answers at once and has our user field.
func portalWithField() crmtest.Options {
	return crmtest.Options{ExistingUserField: true, Portal: "sim.bitrix24.ru"}
}

// originID returns the valid origin id of event n.
func originID(n int) string { return fmt.Sprintf("lb-%032x", n) }

// lead returns the request for event n, which has a person of its own.
func lead(n int) crmclient.Request {
	return crmclient.Request{
		OriginID: originID(n), RecordedAt: time.Now(),
		Contact: &crmclient.Contact{
			Name: fmt.Sprintf("Name%d", n), LastName: "Surname",
			Phones: []crmclient.Multifield{{Value: fmt.Sprintf("+7916%07d", n), TypeID: "MOBILE"}},
			Emails: []crmclient.Multifield{{Value: fmt.Sprintf("person%d@example.ru", n), TypeID: "WORK"}},
		},
	}
}

// suspect returns the request for event n as a suspect.
func suspect(n int) crmclient.Request {
	r := lead(n)
	r.Suspect = true
	return r
}

// ended is how a delivery ended.
type ended struct {
	result crmclient.Result
	err    error
	took   time.Duration
}

func (w *world) create(r crmclient.Request) ended { return w.createUntil(context.Background(), r) }

func (w *world) createUntil(ctx context.Context, r crmclient.Request) ended {
	begun := time.Now()
	res, err := w.deliver(ctx, r)
	return ended{res, err, time.Since(begun)}
}

// wantThroughput checks how many events a second are delivered, within the portal's limits, while as many calls of Create
// run as InFlight says. Events begin at uneven times, so that they do not stay in step by chance.
func (w *world) wantThroughput(perSecond float64, event func(n int) crmclient.Request) {
	w.t.Helper()
	w.prepare()
	later(time.Minute) // a new process may send some requests at once, which must not be measured
	var next, done atomic.Int64
	ctx, stop := context.WithCancel(w.t.Context())
	for range w.creator.InFlight() {
		w.calls.Go(func() {
			for ctx.Err() == nil {
				n := int(next.Add(1))
				time.Sleep(time.Duration(n*7919%40) * time.Millisecond)
				if e := w.createUntil(ctx, event(n)); e.err == nil {
					done.Add(1)
				}
			}
		})
	}
	later(10 * time.Second)
	before := done.Load()
	const measured = 40 * time.Second
	later(measured)
	if rate := float64(done.Load()-before) / measured.Seconds(); rate < perSecond {
		w.t.Errorf("%.1f a second, want %.1f", rate, perSecond)
	}
	stop()
	w.calls.Wait()
	if s := w.sim.Stats(); s.Throttled != 0 || s.OverPerSecond != 0 || s.Duplicates != 0 {
		w.t.Errorf("stats %+v", s)
	}
}

// deliver calls Create until the event is not deferred any more, as the consumer does.
func (w *world) deliver(ctx context.Context, r crmclient.Request) (crmclient.Result, error) {
	for {
		res, err := w.creator.Create(ctx, r)
		wait, ok := errors.AsType[*crmclient.Deferred](err)
		if !ok {
			return res, err
		}
		timer := time.NewTimer(time.Until(wait.Until))
		select {
		case <-timer.C:
		case <-wait.Ready:
		case <-r.Stop:
			err = crmclient.ErrStopped
		case <-ctx.Done():
			err = ctx.Err()
		}
		timer.Stop()
		if !errors.Is(err, wait) {
			w.creator.Forget(wait.Pending)
			res.Unsettled = wait.Why == crmclient.WaitDoubt
			return res, err
		}
		r.Resume = wait.Pending
	}
}

// untilEnded creates other contacts, from event 5000 on, at the given interval, until a delivery has
// ended. It returns how many it created, and fails the test after a thousand.
func (w *world) untilEnded(done <-chan ended, every time.Duration) int {
	w.t.Helper()
	for n := range 1000 {
		if len(done) > 0 {
			return n
		}
		w.mustCreate(lead(5000 + n))
		later(every)
	}
	w.t.Fatal("a thousand others passed, and it has not ended")
	return 0
}

// start runs a delivery in a goroutine.
func (w *world) start(ctx context.Context, r crmclient.Request) <-chan ended {
	done := make(chan ended, 1)
	w.calls.Go(func() { done <- w.createUntil(ctx, r) })
	return done
}

// mustCreate delivers an event, and fails the test if that fails.
func (w *world) mustCreate(r crmclient.Request) ended {
	w.t.Helper()
	e := w.create(r)
	if e.err != nil {
		w.t.Fatalf("Create = %v", e.err)
	}
	return e
}

// script decides the calls of one method and path by their number. Other calls are answered normally.
func (w *world) script(methodPath string, f func(n int, c crmtest.Call) crmtest.Action) {
	n := 0
	w.sim.Script(func(c crmtest.Call) crmtest.Action {
		if !c.Is(methodPath) {
			return crmtest.Action{}
		}
		n++
		return f(n, c)
	})
}

const (
	createCall = "POST /v1/contacts"
	searchCall = "POST /v1/contacts/search"
	fieldsCall = "GET /v1/contacts/fields"
)

// concerns reports whether a call is about event n.
func concerns(c crmtest.Call, n int) bool { return bytes.Contains(c.Body, []byte(originID(n))) }

// wantContacts checks that the portal holds n contacts and no duplicates.
func (w *world) wantContacts(n int) {
	w.t.Helper()
	s := w.sim.Stats()
	if s.Contacts != n || s.Duplicates != 0 {
		w.t.Errorf("portal holds %d contacts with %d duplicates, want %d and none", s.Contacts, s.Duplicates, n)
	}
}

// holds returns the causes for which creates are held.
func (w *world) holds() string { return w.causes(true) }

// causes returns the causes of the holds whose Held has the given value.
func (w *world) causes(held bool) string {
	var causes []string
	for _, h := range w.creator.Status().Holds {
		if h.Held != held {
			continue
		}
		if h.Advice == nil {
			w.t.Errorf("hold %s has no advice", h.Cause)
		}
		causes = append(causes, string(h.Cause))
	}
	return strings.Join(causes, " ")
}

func (w *world) wantHolds(causes string) {
	w.t.Helper()
	if got := w.holds(); got != causes {
		w.t.Errorf("holds are %q, want %q", got, causes)
	}
}

// wantFailing checks that creates are not held, and that something fails for the cause.
func (w *world) wantFailing(cause string) {
	w.t.Helper()
	if got := w.causes(false); got != cause {
		w.t.Errorf("what fails without a hold is %q, want %q", got, cause)
	}
	w.wantHolds("")
}

// rejection returns the Rejection in an error; nil if there is none.
func rejection(err error) *crmclient.Rejection {
	r, _ := errors.AsType[*crmclient.Rejection](err)
	return r
}

// later waits for a time, in virtual time, and then until all goroutines wait.
func later(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// logBook keeps what was logged.
type logBook struct{ logbuffer.Buffer }

func (b *logBook) Write(p []byte) (int, error) {
	if os.Getenv("SHOW_LOGS") != "" {
		fmt.Fprintf(os.Stderr, "%s %s", time.Now().Format("15:04:05.000"), p)
	}
	return b.Buffer.Write(p)
}

// count returns how many lines have all of the texts.
func (b *logBook) count(texts ...string) int {
	n := 0
lines:
	for line := range strings.Lines(b.String()) {
		for _, t := range texts {
			if !strings.Contains(line, t) {
				continue lines
			}
		}
		n++
	}
	return n
}

func (w *world) setFaults(f crmtest.Faults) {
	w.t.Helper()
	if err := w.sim.SetFaults(f); err != nil {
		w.t.Fatal(err)
	}
}

// prepare has the portal asked for its description.
func (w *world) prepare() {
	w.t.Helper()
	if err := w.creator.Prepare(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}
