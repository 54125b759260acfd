package consumer

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// fakeSchemas is a transformer that can read events whose value contains "framed" only while their schema is known.
type fakeSchemas struct {
	fakeTransformer

	mu    sync.Mutex
	ready chan struct{} // closed when the schema becomes known; nil when it is known
	lost  bool          // Decode's error does not say when the schema will be known
	tell  func(advice phrase.Text)
}

type fakeUnread struct{ ready <-chan struct{} }

func (fakeUnread) Error() string            { return "not read" }
func (u fakeUnread) Ready() <-chan struct{} { return u.ready }

func (s *fakeSchemas) Decode(r transform.Record) (transform.Event, error) {
	event, err := s.fakeTransformer.Decode(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ready == nil || !strings.Contains(string(r.Value), "framed") {
		return event, err
	}
	at := fmt.Sprintf("%d/%d", r.Partition, r.Offset)
	u := fakeUnread{s.ready}
	if s.lost {
		u.ready = nil
	}
	return transform.Event{ID: at, OriginID: at, Time: r.Time, RecordedAt: r.Time}, u
}

func (s *fakeSchemas) Watch(f func(advice phrase.Text)) { s.tell = f }

func newFakeSchemas() *fakeSchemas { return &fakeSchemas{ready: make(chan struct{})} }

// come makes the schema known.
func (s *fakeSchemas) come() {
	s.mu.Lock()
	defer s.mu.Unlock()
	close(s.ready)
	s.ready = nil
}

// goAway makes the schema unknown again.
func (s *fakeSchemas) goAway() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ready = make(chan struct{})
}

func TestLiveEventsWithoutASchemaHoldNobody(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		s := newFakeSchemas()
		p := r.startReading(s, r.crm)
		s.tell(phrase.Verbatim("look at the registry"))
		began := time.Now()
		var batch []message
		for i := range 400 { // more than the window
			batch = append(batch, eventOf(fmt.Sprint("framed", i), fmt.Sprintf("+79%04d", i)))
		}
		r.produce(append(batch, eventOf("plain", "+7800"))...)
		r.awaitCreated("plain")
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("an event behind those without a schema took %v", took)
		}
		r.await("all parked", func() bool { return p.parkedWhy()[waitSchema] == 400 })
		time.Sleep(time.Minute)
		if holds := p.Status().Holds; len(holds) != 1 || holds[0].Cause != HoldSchemas || holds[0].Advice.String() != "look at the registry" {
			t.Errorf("holds: %+v", holds)
		}
		if waiting := p.Status().Waiting; len(waiting) != 1 || waiting[0].Why != Why(waitSchema) || *waiting[0].Events != 400 {
			t.Errorf("waiting: %+v", waiting)
		}
		s.come()
		s.tell(nil)
		r.await("all", func() bool { return len(r.crm.createdIDs()) == 401 })
		r.await("all committed", func() bool { return r.commits()[0].offset == 401 })
		if holds := p.Status().Holds; len(holds) > 0 {
			t.Errorf("holds: %+v", holds)
		}
		r.crm.once(t)
		p.shutdown(t)
	})
}

func TestUnreadEventsAreRecognisedWhenTheyAreRead(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		s := newFakeSchemas()
		p := r.startReading(s, r.crm)
		r.produce(eventOf("framed", "+7900"), eventOf("framed", "+7900"), eventOf("framed", "+7901"), message{value: `{"id":"` + skippedID + `","framed":true}`}, event("framed-x"))
		r.await("parked", func() bool { return p.parkedWhy()[waitSchema] == 5 })
		s.come()
		r.await("all committed", func() bool { return r.commits()[0].offset == 5 })
		r.crm.once(t)
		if n := len(p.deps.board.current.lines.lines); n > 0 {
			t.Errorf("%d records are left in line", n)
		}
		p.shutdown(t)
	})
}

func TestUnreadEventOfAFullRegistryIsTriedAgain(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		s := newFakeSchemas()
		s.lost = true
		p := r.startReading(s, r.crm)
		r.produce(event("framed"))
		r.await("parked", func() bool { return p.parkedWhy()[waitSchema] == 1 })
		time.Sleep(3 * unreadPause)
		s.come()
		r.awaitCreated("framed")
		r.crm.once(t)
		p.shutdown(t)
	})
}

// A parked record in doubt, whose schema is forgotten meanwhile, still counts as sent.
func TestSchemaThatIsForgottenMeanwhileForgetsNothingElse(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		s := newFakeSchemas()
		s.come()
		r.crm.setAnswer(deferring("framed", crmclient.Deferred{Why: crmclient.WaitDoubt, Sent: true}, time.Minute))
		p := r.startReading(s, r.crm)
		r.produce(event("framed"))
		r.await("in doubt", func() bool { return p.parkedWhy()[crmclient.WaitDoubt] == 1 })
		s.goAway()
		r.await("unread", func() bool { return p.parkedWhy()[waitSchema] == 1 })
		if !p.deps.board.current.partitions[0].records.state.parking.records[0].sent() {
			t.Error("it is forgotten that a create was sent")
		}
		r.crm.setAnswer(nil)
		s.come()
		r.awaitCreated("framed")
		r.crm.once(t)
		p.shutdown(t)
	})
}

// Events that wait for their schema when a process stops are untouched, and are not looked up by the next owner.
func TestUnreadEventsAreNewToTheNextOwner(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		s := newFakeSchemas()
		p := r.startReading(s, r.crm)
		r.produce(event("framed"), event("plain"))
		r.awaitCreated("plain")
		r.await("committed", func() bool { return r.commits()[0].offset == 0 && p.parkedWhy()[waitSchema] == 1 })
		p.shutdown(t)
		s.come()
		next := r.startReading(s, r.crm)
		r.awaitCreated("framed")
		r.crm.once(t)
		if n := r.crm.suspects(); n > 0 {
			t.Errorf("%d were looked up", n)
		}
		next.shutdown(t)
	})
}

var _ unread = fakeUnread{}

func TestUnreadIsNoRejection(t *testing.T) {
	if _, ok := errors.AsType[unread](&transform.Rejection{}); ok {
		t.Error("a rejection is taken for an unread record")
	}
}
