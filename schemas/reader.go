package schemas

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// A format reads the payloads of one schema.
type format interface {
	// json decodes a payload; indexes are those of a header, nil for none. Errors hold no value of the event.
	json(payload, indexes []byte) ([]byte, error)
}

// Reader makes JSON of framed values. It is safe for concurrent use.
type Reader struct {
	registry *registry     // nil: there is none
	patience time.Duration // longest wait of a read for its schema
	delivery bool          // other records wait behind a read that waits: see wait

	ctx    context.Context //nolint:containedctx // ends what is fetched in the background
	cancel context.CancelFunc

	mu        sync.Mutex
	shelf     shelf                    // guarded by mu
	waitAgain time.Time                // guarded by mu; until then no read waits
	timer     *time.Timer              // guarded by mu; calls probe; nil: nothing is to be probed
	reported  string                   // guarded by mu; what watcher was last called with
	watcher   func(advice phrase.Text) // guarded by mu
}

// deliveryPatience is how long a record may keep those behind it waiting for its schema.
const deliveryPatience = 250 * time.Millisecond

// restAfterWait is how many times as long as a wait took the next records do not wait: so they lose at most a tenth of the
// time to schemas.
const restAfterWait = 9

// New makes a Reader; it asks for nothing yet.
func New(c Config) (*Reader, error) {
	r := &Reader{patience: c.Patience, shelf: shelf{entries: map[ref]*entry{}}, watcher: func(phrase.Text) {}}
	if r.patience == 0 {
		r.patience, r.delivery = deliveryPatience, true
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	if len(c.URLs) == 0 {
		return r, nil
	}
	var err error
	r.registry, err = newRegistry(c)
	return r, err
}

// Close ends what is fetched in the background.
func (r *Reader) Close() {
	r.cancel()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer != nil {
		r.timer.Stop()
	}
}

// Watch sets the function that is called with what to do when schemas begin to be missing because the registry does not
// answer, and with nil when that is over. It must not call the Reader.
func (r *Reader) Watch(f func(advice phrase.Text)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.watcher = f
}

// Unread is the error for a record whose schema is not known yet.
type Unread struct {
	ref    ref
	advice phrase.Text // while the registry does not answer
	ready  <-chan struct{}
}

func (u *Unread) Error() string {
	return fmt.Sprintf("the value is framed, and its schema (%s) is not known yet: %s", u.ref, cmp.Or(u.advice.String(), "the schema registry is being asked"))
}

// Ready returns a channel that is closed when the record can be read; nil when it is not known when that is, as too many
// schemas are being asked for already.
func (u *Unread) Ready() <-chan struct{} { return u.ready }

// JSON returns the JSON of a framed value; nil when the value is not framed. The error is a *Fault when
// it can never be read, else *Unread.
func (r *Reader) JSON(rec *transform.Record) ([]byte, error) {
	if !looksFramed(rec) {
		return nil, nil
	}
	f, err := readFrame(rec)
	if f == nil || err != nil {
		return nil, err
	}
	if f.plain() {
		return f.payload, nil
	}
	if r.registry == nil {
		return nil, fault("the value is framed by a schema registry (" + f.ref.String() + "), and none is set: set SCHEMA_REGISTRY_URL, then replay the letter")
	}
	if len(f.payload) > maxJSON {
		return nil, &Fault{Reason: transform.ReasonTooLarge, Message: "the value is longer than 1 MiB"}
	}
	e, err := r.await(f.ref)
	if err != nil {
		return nil, err
	}
	if e.format == nil {
		return nil, fault(e.fault)
	}
	text, err := decode(e.format, f)
	if errors.Is(err, errTooLong) {
		return nil, &Fault{Reason: transform.ReasonTooLarge, Message: fmt.Sprintf("%s (schema %s)", err, f.ref)}
	}
	if err != nil {
		return nil, fault(fmt.Sprintf("%s (schema %s)", err, f.ref))
	}
	return text, nil
}

// decode decodes a payload. A panic of the decoder is an error: schemas come from outside.
func decode(by format, f *frame) (text []byte, err error) {
	defer func() {
		if recover() != nil {
			err = errors.New("the value cannot be read by its schema")
		}
	}()
	return by.json(f.payload, f.indexes)
}

// await returns the entry of a schema once it is known, unless that takes too long.
func (r *Reader) await(wanted ref) (*entry, error) {
	now := time.Now()
	r.mu.Lock()
	e := r.shelf.find(wanted, now)
	if e == nil {
		r.mu.Unlock()
		return nil, &Unread{ref: wanted}
	}
	known := e.state == stateKnown
	registryAnswers := e.state != stateFailed && r.shelf.outage() == nil
	worthWaiting := !known && registryAnswers && !now.Before(r.waitAgain)
	r.fetchDue(now)
	r.mu.Unlock()
	if worthWaiting {
		known = r.wait(e, now)
	}
	if !known {
		return nil, r.unread(e)
	}
	return e, nil
}

// unread returns the error for a record of a schema that is not known yet.
func (r *Reader) unread(e *entry) *Unread {
	r.mu.Lock()
	defer r.mu.Unlock()
	return &Unread{ref: e.ref, advice: r.shelf.outage(), ready: e.known}
}

// wait waits for a schema, and reports whether it came in time.
func (r *Reader) wait(e *entry, began time.Time) bool {
	timer := time.NewTimer(r.patience)
	defer timer.Stop()
	known := false
	select {
	case <-e.known:
		known = true
	case <-timer.C:
	case <-r.ctx.Done():
	}
	if r.delivery {
		now := time.Now()
		r.mu.Lock()
		r.waitAgain = now.Add(restAfterWait * now.Sub(began))
		r.mu.Unlock()
	}
	return known
}

// fetchDue begins to fetch what is due, and sets the timer for what will be. Called with mu held.
func (r *Reader) fetchDue(now time.Time) {
	if r.ctx.Err() != nil {
		return
	}
	for _, e := range r.shelf.takeDue(now) {
		go r.fetch(e)
	}
	if r.timer != nil {
		r.timer.Stop()
		r.timer = nil
	}
	if len(r.shelf.failed) > 0 && !r.shelf.probing {
		r.timer = time.AfterFunc(r.shelf.nextProbe.Sub(now), r.probe)
	}
}

// probe is called by the timer: a schema that failed may be due.
func (r *Reader) probe() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fetchDue(time.Now())
}

// fetch asks the registry for a schema and compiles it.
func (r *Reader) fetch(e *entry) {
	ctx, cancel := context.WithTimeout(r.ctx, fetchTime)
	defer cancel()
	by, size, err := r.load(ctx, e.ref)
	if r.ctx.Err() != nil {
		return
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if down, ok := errors.AsType[*unavailable](err); ok {
		r.shelf.unanswered(e, down.advice, now)
	} else {
		e.size = size
		r.shelf.answered(e, by, faultText(e.ref, err), now)
	}
	r.fetchDue(now)
	r.reportOutage()
}

// fetchTime is the longest time to fetch a schema with all that it refers to.
const fetchTime = 30 * time.Second

// load fetches and compiles a schema, and returns the size of its texts in bytes. A panic of the compiler is an error:
// schemas come from outside.
func (r *Reader) load(ctx context.Context, wanted ref) (by format, size int, err error) {
	s, err := r.registry.fetch(ctx, wanted)
	if err != nil {
		return nil, 0, err
	}
	defer func() {
		if recover() != nil {
			by, err = nil, errors.New("it cannot be compiled")
		}
	}()
	by, err = compile(ctx, s)
	return by, s.size(), err
}

func compile(ctx context.Context, s source) (format, error) {
	switch s.kind {
	case "AVRO":
		return compileAvro(s)
	case "PROTOBUF":
		return compileProtobuf(ctx, s)
	case "JSON":
		return jsonFormat{}, nil
	}
	return nil, fmt.Errorf("it is of the type %q, and Avro, Protobuf and JSON Schema can be read", s.kind)
}

// jsonFormat is the format of JSON Schema: the payload is JSON. Whether it is valid, package transform checks.
type jsonFormat struct{}

func (jsonFormat) json(payload, _ []byte) ([]byte, error) { return payload, nil }

// faultText says why a schema cannot be used; "": it can.
func faultText(r ref, err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, errUnknown):
		return fmt.Sprintf("the schema registry has no schema of %s: look whether the producer writes to the registry of SCHEMA_REGISTRY_URL, then replay the letter", r)
	}
	return fmt.Sprintf("the schema of %s cannot be used: %s", r, err)
}

// reportOutage calls the watcher when an outage has begun, changed or ended. Called with mu held, so that changes are
// reported in their order.
func (r *Reader) reportOutage() {
	if advice := r.shelf.outage(); advice.String() != r.reported {
		r.reported = advice.String()
		r.watcher(advice)
	}
}
