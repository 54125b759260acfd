package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/rs/zerolog"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/logbuffer"
	"github.com/leadbridge/leadbridge/transform"
)

// rig is an embedded broker and a CRM in memory, in one bubble of virtual time.
type rig struct {
	t       *testing.T
	network *kfake.VirtualNetwork
	cluster *kfake.Cluster
	client  *kafka.Client
	crm     *fakeCRM
	logs    *logbuffer.Buffer
}

const (
	testTopic   = "leads"
	testLetters = "leads.dlt"
	testGroup   = "leadbridge"
)

// bubble runs a test in virtual time against a broker whose topics have
// the given number of partitions (0: the topics do not exist).
func bubble(t *testing.T, partitions int32, test func(t *testing.T, r *rig), more ...kfake.Opt) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, network: new(kfake.VirtualNetwork), crm: newFakeCRM(), logs: new(logbuffer.Buffer)}
		options := []kfake.Opt{
			kfake.NumBrokers(1), kfake.Ports(9092), kfake.ListenFn(r.network.Listen),
			kfake.GroupMinSessionTimeout(time.Millisecond),
		}
		options = append(options, more...)
		if partitions > 0 {
			options = append(options, kfake.SeedTopics(partitions, testTopic, testLetters))
		}
		cluster, err := kfake.NewCluster(options...)
		if err != nil {
			t.Fatal(err)
		}
		r.cluster = cluster
		ctx, end := context.WithCancel(t.Context())
		transport := &kafka.Transport{Dial: r.network.DialContext, Context: ctx, MetadataTTL: 100 * time.Millisecond}
		r.client = &kafka.Client{Addr: kafka.TCP("localhost:9092"), Transport: transport, Timeout: 10 * time.Second}
		defer func() {
			end()
			transport.CloseIdleConnections()
			cluster.Close()
		}()
		test(t, r)
	})
}

func (r *rig) config() Config {
	return Config{
		Brokers:         cluster.Brokers{Addresses: []string{"localhost:9092"}, Dial: r.network.DialContext},
		Topic:           testTopic,
		DeadLetterTopic: testLetters,
		GroupID:         testGroup,
		SessionTimeout:  30 * time.Second,
		DrainTimeout:    20 * time.Second,
		Window:          256,
		MaxBuffer:       64 << 20,
		DedupeWindow:    10000,
		Version:         "test",
		Log:             zerolog.New(r.logs),
		Metrics:         prometheus.NewRegistry(),
	}
}

// process is a running consumer.
type process struct {
	*Consumer
	stop context.CancelFunc
	done chan error
}

// start runs a consumer; adjust may change its configuration.
func (r *rig) start(adjust ...func(*Config)) *process {
	r.t.Helper()
	return r.startWith(r.crm, adjust...)
}

func (r *rig) startWith(crm Creator, adjust ...func(*Config)) *process {
	r.t.Helper()
	return r.startReading(fakeTransformer{}, crm, adjust...)
}

func (r *rig) startReading(by Transformer, crm Creator, adjust ...func(*Config)) *process {
	r.t.Helper()
	cfg := r.config()
	for _, a := range adjust {
		a(&cfg)
	}
	c, err := New(cfg, by, crm)
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(r.t.Context())
	p := &process{Consumer: c, stop: stop, done: make(chan error, 1)}
	go func() { p.done <- c.Run(ctx) }()
	return p
}

// shutdown stops a consumer in order and waits for it.
func (p *process) shutdown(t *testing.T) {
	t.Helper()
	p.stop()
	if err := <-p.done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// message is a record to produce.
type message struct {
	partition int
	key       string
	value     string
	null      bool
	headers   []kafka.Header
}

// eventOf is an event of the person with the phones.
func eventOf(id string, phones ...string) message {
	text, _ := json.Marshal(map[string]any{"id": id, "phones": phones})
	return message{value: string(text)}
}

func event(id string) message { return message{value: fmt.Sprintf(`{"id":%q}`, id)} }

func (r *rig) produce(messages ...message) {
	r.t.Helper()
	byPartition := map[int][]kafka.Record{}
	for _, m := range messages {
		rec := kafka.Record{Time: time.Now(), Headers: m.headers}
		if m.key != "" {
			rec.Key = kafka.NewBytes([]byte(m.key))
		}
		if !m.null {
			rec.Value = kafka.NewBytes([]byte(m.value))
		}
		byPartition[m.partition] = append(byPartition[m.partition], rec)
	}
	for partition, records := range byPartition {
		res, err := r.client.Produce(r.t.Context(), &kafka.ProduceRequest{
			Topic: testTopic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
		})
		if err != nil || res.Error != nil {
			r.t.Fatalf("producing: %v, %v", err, res)
		}
	}
}

func events(prefix string, n int) []message {
	var all []message
	for i := range n {
		all = append(all, event(fmt.Sprintf("%s%d", prefix, i)))
	}
	return all
}

// awaitLimit is for how long await waits, in virtual time.
const awaitLimit = 1000 * time.Second

// await waits in virtual time until done is true. It looks often at first, and seldom in a long wait, as done may ask the
// broker.
func (r *rig) await(what string, done func() bool) {
	r.t.Helper()
	for began := time.Now(); time.Since(began) < awaitLimit; time.Sleep(max(10*time.Millisecond, time.Since(began)/100)) {
		synctest.Wait()
		if done() {
			return
		}
	}
	r.t.Fatalf("never came: %s\ncreated %v\nlogs:\n%s", what, r.crm.createdIDs(), r.logs)
}

func (r *rig) awaitCreated(ids ...string) {
	r.t.Helper()
	r.await(fmt.Sprintf("contacts for %v", ids), func() bool {
		created := r.crm.createdIDs()
		for _, id := range ids {
			if !slices.Contains(created, id) {
				return false
			}
		}
		return true
	})
}

// deadLetters reads all partitions of the dead-letter topic.
func (r *rig) deadLetters() []record {
	r.t.Helper()
	return r.records(testLetters)
}

// records reads all partitions of a topic.
func (r *rig) records(topic string) []record {
	r.t.Helper()
	cfg := r.config()
	cfg.Topic = topic
	b := newBroker(cfg)
	defer b.reset()
	ids, err := b.partitions(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	var letters []record
	for _, id := range ids {
		for at := int64(0); ; {
			got, err := b.fetch(r.t.Context(), id, at, 1<<20, 0)
			if err != nil {
				r.t.Fatal(err)
			}
			letters = append(letters, got.records...)
			if got.next == at {
				break
			}
			at = got.next
		}
	}
	return letters
}

func (r *rig) commits() map[int]committed {
	r.t.Helper()
	b := newBroker(r.config())
	defer b.reset()
	ids, err := b.partitions(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	found, err := b.fetchCommits(r.t.Context(), ids)
	if err != nil {
		r.t.Fatal(err)
	}
	return found
}

// fakeTransformer knows {"id":"…","phones":["…"]}; the id is the event's and the origin's.
type fakeTransformer struct{}

func (fakeTransformer) Decode(r transform.Record) (transform.Event, error) {
	var v struct {
		ID     string
		Phones []string
	}
	at := fmt.Sprintf("%d/%d", r.Partition, r.Offset)
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return transform.Event{ID: at, OriginID: at}, &transform.Rejection{Reason: transform.ReasonMalformed, Message: "not JSON"}
	}
	if v.ID == "panic" || v.ID == "another panic" {
		panic("a secret value")
	}
	event := transform.Event{ID: v.ID, OriginID: v.ID, Time: r.Time, RecordedAt: r.Time}
	// The phones go to Contact by the name of a time zone: an event has no other field for them.
	event.Time = event.Time.In(time.FixedZone(strings.Join(v.Phones, ","), 0))
	return withHeaders(event, r), nil
}

// withHeaders has the event say what a real one does about the headers of a letter.
func withHeaders(e transform.Event, r transform.Record) transform.Event {
	whole, err := transform.New(transform.Options{})
	if err == nil {
		told, _ := whole.Decode(r)
		e.Replays, e.Distrusted = told.Replays, told.Distrusted
	}
	return e
}

// skippedID is that of an event that the mapping leaves out.
const skippedID = "skipped"

func (fakeTransformer) Contact(e transform.Event) (crmclient.Contact, error) {
	if e.ID == skippedID {
		return crmclient.Contact{}, &transform.Rejection{Reason: transform.ReasonSkipped}
	}
	c := crmclient.Contact{Name: e.ID}
	for phone := range strings.SplitSeq(e.Time.Location().String(), ",") {
		if phone != "" {
			c.Phones = append(c.Phones, crmclient.Multifield{Value: phone})
		}
	}
	return c, nil
}

// fakeCRM is a Creator. By default it creates at once and finds what a
// suspect already has.
type fakeCRM struct {
	mu       sync.Mutex
	contacts map[string]int
	order    []string
	requests []crmclient.Request
	shares   []float64
	paused   []bool
	inFlight map[string]int
	overlap  bool // two creates of one id were in flight together
	opened   chan struct{}

	// answer, when set, decides instead; ok false falls through to the default.
	answer func(ctx context.Context, r crmclient.Request) (crmclient.Result, error, bool)
}

func newFakeCRM() *fakeCRM {
	return &fakeCRM{contacts: map[string]int{}, inFlight: map[string]int{}, opened: make(chan struct{})}
}

func (*fakeCRM) Forget(*crmclient.Pending) {}

// ready is closed when creates pass again: see open.
func (f *fakeCRM) ready() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

// open tells those who wait for ready that creates pass again.
func (f *fakeCRM) open() {
	f.mu.Lock()
	defer f.mu.Unlock()
	close(f.opened)
	f.opened = make(chan struct{})
}

func (f *fakeCRM) Create(ctx context.Context, r crmclient.Request) (crmclient.Result, error) {
	f.mu.Lock()
	f.requests = append(f.requests, r)
	f.inFlight[r.OriginID]++
	f.overlap = f.overlap || f.inFlight[r.OriginID] > 1
	answer := f.answer
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.inFlight[r.OriginID]--
	}()
	if answer != nil {
		if result, err, ok := answer(ctx, r); ok {
			return result, err
		}
	}
	if err := ctx.Err(); err != nil {
		return crmclient.Result{}, err
	}
	return f.apply(r)
}

// apply creates, or finds a suspect.
func (f *fakeCRM) apply(r crmclient.Request) (crmclient.Result, error) {
	if r.Lease != nil && r.Lease() != nil {
		return crmclient.Result{}, crmclient.ErrLeaseLost
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if r.LookUpOnly {
		return crmclient.Result{}, &crmclient.Deferred{Pending: new(crmclient.Pending), Why: crmclient.WaitOrder, Sent: f.contacts[r.OriginID] > 0}
	}
	if r.Suspect && f.contacts[r.OriginID] > 0 {
		return crmclient.Result{ContactID: 1, Found: true}, nil
	}
	f.contacts[r.OriginID]++
	f.order = append(f.order, r.OriginID)
	return crmclient.Result{ContactID: int64(len(f.order)), Attempts: 1}, nil
}

func (f *fakeCRM) SetShare(part float64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.shares = append(f.shares, part)
}

func (f *fakeCRM) SetPaused(paused bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.paused = append(f.paused, paused)
}

func (f *fakeCRM) ContactURL(int64) string  { return "" }
func (f *fakeCRM) Status() crmclient.Status { return crmclient.Status{OriginField: "originId"} }

func (f *fakeCRM) setAnswer(a func(context.Context, crmclient.Request) (crmclient.Result, error, bool)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = a
}

func (f *fakeCRM) createdIDs() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.order)
}

// asked are the requests for an event, in their order.
func (f *fakeCRM) asked(id string) []crmclient.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var found []crmclient.Request
	for _, r := range f.requests {
		if r.OriginID == id {
			found = append(found, r)
		}
	}
	return found
}

// suspects counts the requests that asked for a look-up.
func (f *fakeCRM) suspects() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, r := range f.requests {
		if r.Suspect {
			n++
		}
	}
	return n
}

// once fails the test for every event that became more than one contact.
func (f *fakeCRM) once(t *testing.T) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, n := range f.contacts {
		if n != 1 {
			t.Errorf("event %q became %d contacts", id, n)
		}
	}
	if f.overlap {
		t.Error("two creates of one event were in flight together")
	}
}

var errHang = errors.New("hang")

// hang blocks until ctx ends.
func hang(ctx context.Context) (crmclient.Result, error, bool) { //nolint:revive // the shape of fakeCRM.answer
	<-ctx.Done()
	return crmclient.Result{Unsettled: true}, ctx.Err(), true
}

// faultCommits lets n commits be applied and answered as timed out.
func (r *rig) faultCommits(n int) *kfake.FaultHandle {
	return r.cluster.Fault(kfake.Fault{
		Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: testGroup, Err: kerr.RequestTimedOut, Count: n,
	})
}

func counterValue(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	var m dto.Metric
	if err := c.Write(&m); err != nil {
		t.Fatal(err)
	}
	return m.GetCounter().GetValue()
}

// request sends a raw request by a client of its own.
func (r *rig) request(req kmsg.Request) {
	r.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers("localhost:9092"), kgo.Dialer(r.network.DialContext))
	if err != nil {
		r.t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Request(r.t.Context(), req); err != nil {
		r.t.Fatal(err)
	}
}
