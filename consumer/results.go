package consumer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/transform"
)

// Result is the value of a record in the result topic: which event became
// which contact. A crash may write one twice: fold by EventID.
type Result struct {
	EventID    string `json:"eventId"`
	ContactID  int64  `json:"contactId"`
	ContactURL string `json:"contactUrl"` // "" while the portal's name is unknown
	// CreatedAt is when the CRM's answer came; of a contact that was looked up, when it was found.
	CreatedAt time.Time `json:"createdAt"`
	Attempts  int       `json:"attempts"` // creates that were sent, by this process
	HowKnown  string    `json:"howKnown"` // "created" or "lookedUp"
	// Where the event was first written; a replay keeps it.
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
}

// tell writes the result of a record whose contact exists; false says that it
// was cut short, so that the next owner looks the contact up and tells it.
func (p *partition) tell(f *flight, made crmclient.Result) bool {
	if p.results == nil {
		return true
	}
	rec, err := p.resultRecord(f, made)
	if err == nil {
		err = p.results.write(p.work, f.Partition, rec)
	}
	if err != nil {
		if errors.Is(err, errLeaseLapsed) {
			p.fail(err)
		}
		p.leftUnsettled() // the next owner must find what was created: it takes its time
		return false
	}
	p.metrics.results.Inc()
	return true
}

func (p *partition) resultRecord(f *flight, made crmclient.Result) (resultRecord, error) {
	r := Result{
		EventID:    f.event.ID,
		ContactID:  made.ContactID,
		ContactURL: p.creator.ContactURL(made.ContactID),
		CreatedAt:  time.Now().UTC().Truncate(time.Millisecond),
		Attempts:   made.Attempts,
		HowKnown:   "created",
		Topic:      f.Topic,
		Partition:  f.Partition,
		Offset:     f.Offset,
	}
	if made.Found {
		r.HowKnown = "lookedUp"
	}
	if topic := header.Text(f.Headers, header.Topic); topic != "" {
		r.Topic = topic
		r.Partition = int(max(number(header.Text(f.Headers, header.Partition)), 0))
		r.Offset = max(number(header.Text(f.Headers, header.Offset)), 0)
	}
	value, err := json.Marshal(r)
	return resultRecord{eventID: r.EventID, key: f.Key, value: value, headers: traceHeaders(f.Record)}, err
}

// resultRecord is a result before it is written.
type resultRecord struct {
	eventID string
	key     []byte
	value   []byte
	headers []kafka.Header
}

func (r resultRecord) record() kafka.Record {
	rec := kafka.Record{Time: time.Now(), Value: kafka.NewBytes(r.value), Headers: r.headers}
	if r.key != nil {
		rec.Key = kafka.NewBytes(r.key)
	}
	return rec
}

func (r resultRecord) size() int {
	n := len(r.key) + len(r.value) + 64
	for _, h := range r.headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// The trace context of W3C.
const (
	traceParent = "traceparent"
	traceState  = "tracestate"
)

// traceHeaders are those of the hop that brought the event, and else those that
// it was born with: CloudEvents' distributed tracing extension, in either mode.
func traceHeaders(rec transform.Record) []kafka.Header {
	var hop, born [2][]byte // parent and state
	for _, h := range rec.Headers {
		switch strings.ToLower(h.Key) {
		case traceParent:
			hop[0] = h.Value
		case traceState:
			hop[1] = h.Value
		case "ce_" + traceParent:
			born[0] = h.Value
		case "ce_" + traceState:
			born[1] = h.Value
		}
	}
	if len(hop[0]) == 0 {
		hop = born
	}
	if len(hop[0]) == 0 {
		hop = structuredTrace(rec.Value)
	}
	if len(hop[0]) == 0 {
		return nil // a state without a parent means nothing
	}
	headers := []kafka.Header{{Key: traceParent, Value: hop[0]}}
	if len(hop[1]) > 0 {
		headers = append(headers, kafka.Header{Key: traceState, Value: hop[1]})
	}
	return headers
}

// structuredTrace reads the extension's attributes in a structured event. Most
// values do not hold them, and are not parsed.
func structuredTrace(value []byte) (trace [2][]byte) {
	if !bytes.Contains(value, []byte(`"`+traceParent+`"`)) {
		return trace
	}
	var event struct {
		SpecVersion string `json:"specversion"`
		Parent      string `json:"traceparent"`
		State       string `json:"tracestate"`
	}
	if err := json.Unmarshal(value, &event); err != nil || event.SpecVersion == "" {
		return trace
	}
	return [2][]byte{[]byte(event.Parent), []byte(event.State)}
}

// What one produce of results may hold.
const (
	maxResults     = 500
	maxResultBytes = 256 << 10
)

// results writes results under one generation's lease, as letters does, but
// many at a time: while one produce to a partition is under way the next ones wait
// for it together, so that a busy process has few produces and an idle one no wait.
type results struct {
	client    *kafka.Client
	transport *kafka.Transport
	topic     string
	lease     func() error
	board     *board

	mu     sync.Mutex
	queues map[int][]*pendingResult // by the event's partition; an entry says that a sender is at work
}

// pendingResult is a result whose worker waits.
type pendingResult struct {
	resultRecord
	done chan error
}

// newResults is nil when no results are wanted.
func newResults(cfg Config, lease func() error, b *board) *results {
	if cfg.ResultTopic == "" {
		return nil
	}
	transport := newTransport(cfg, leasedDial(cfg.dialer(), lease), cfg.ResultTopic)
	return &results{
		client:    &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport, Timeout: callTimeout},
		transport: transport,
		topic:     cfg.ResultTopic,
		lease:     lease,
		board:     b,
		queues:    map[int][]*pendingResult{},
	}
}

// close ends the hold too: the next owner of the partitions finds out anew.
func (r *results) close() {
	if r == nil {
		return
	}
	r.transport.CloseIdleConnections()
	r.board.clear(HoldResults)
}

// write returns when the result is in the topic, acknowledged by all in-sync
// replicas, or ctx, which is that of the generation, or the lease has ended.
func (r *results) write(ctx context.Context, partition int, rec resultRecord) error {
	p := &pendingResult{resultRecord: rec, done: make(chan error, 1)}
	r.mu.Lock()
	queue, sending := r.queues[partition]
	r.queues[partition] = append(queue, p)
	r.mu.Unlock()
	if !sending {
		go r.send(ctx, partition)
	}
	select {
	case err := <-p.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// send writes what waits for a partition until nothing does.
func (r *results) send(ctx context.Context, partition int) {
	for {
		batch := r.take(partition)
		if len(batch) == 0 {
			return
		}
		err := r.writeBatch(ctx, partition, batch)
		for _, p := range batch {
			p.done <- err
		}
	}
}

// take takes the next batch; without one the sender's work is over.
func (r *results) take(partition int) []*pendingResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	queue := r.queues[partition]
	if len(queue) == 0 {
		delete(r.queues, partition)
		return nil
	}
	n, size := 0, 0
	for n < len(queue) && n < maxResults && (n == 0 || size+queue[n].size() <= maxResultBytes) {
		size += queue[n].size()
		n++
	}
	r.queues[partition] = queue[n:]
	return slices.Clone(queue[:n])
}

// writeBatch does not give up before ctx or the lease ends.
func (r *results) writeBatch(ctx context.Context, partition int, batch []*pendingResult) error {
	wait := newBackOff()
	for {
		err := r.try(ctx, partition, batch)
		if err == nil {
			r.board.clear(HoldResults)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if lapsed := r.lease(); lapsed != nil {
			return lapsed
		}
		if refusedForGood(err) && len(batch) > 1 { // one of them is the culprit: each alone
			for _, p := range batch {
				if err := r.writeBatch(ctx, partition, []*pendingResult{p}); err != nil {
					return err
				}
			}
			return nil
		}
		if refusedForGood(err) && batch[0].lessen() {
			continue
		}
		r.board.hold(HoldResults, resultAdvice(r.topic, err))
		r.transport.CloseIdleConnections()
		pause(ctx, wait.NextBackOff())
	}
}

// lessen makes a result that the broker refuses for ever acceptable; false
// says that there is no step left.
func (p *pendingResult) lessen() bool {
	switch {
	case len(p.headers) > 0:
		p.headers = nil
	case string(p.key) != p.eventID: // too large, or a compacted topic that takes none without a key
		p.key = []byte(p.eventID)
	default:
		return false
	}
	return true
}

func (r *results) try(ctx context.Context, partition int, batch []*pendingResult) error {
	if err := r.lease(); err != nil {
		return err
	}
	ids, err := partitionsOf(ctx, r.client, r.topic)
	if err != nil {
		return err
	}
	if !slices.Contains(ids, partition) {
		partition = ids[partition%len(ids)]
	}
	records := make([]kafka.Record, len(batch))
	for i, p := range batch {
		records[i] = p.record()
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := r.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: r.topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return err
	}
	return res.Error
}

func resultAdvice(topic string, err error) string {
	if errors.Is(err, errNoTopic) {
		return fmt.Sprintf("the result topic %q does not exist: create it (leadbridge check --fix does), or mend KAFKA_RESULT_TOPIC", topic)
	}
	if code, ok := errors.AsType[kafka.Error](err); ok {
		return fmt.Sprintf("the result topic %q refuses results (%s): look at its settings and our rights", topic, code.Title())
	}
	return fmt.Sprintf("the result topic %q cannot be written: look at its brokers", topic)
}
