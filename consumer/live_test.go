package consumer

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/internal/kafkaauth"
)

// jitter delays each read from a broker by 10 to 100 ms at random, so that answers overtake those on other connections.
type jitter struct {
	dial kafkaauth.Dial

	mu     sync.Mutex
	random *rand.Rand
}

func (r *rig) jitter() *jitter {
	return &jitter{dial: r.network.DialContext, random: rand.New(rand.NewPCG(7, 7))}
}

func (j *jitter) use(cfg *Config) { cfg.Brokers.Dial = j.Dial }

func (j *jitter) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := j.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &slowConn{Conn: conn, jitter: j, closed: make(chan struct{})}, nil
}

func (j *jitter) delay() time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return 10*time.Millisecond + time.Duration(j.random.Int64N(int64(90*time.Millisecond)))
}

type slowConn struct {
	net.Conn
	jitter *jitter
	once   sync.Once
	closed chan struct{}
}

func (c *slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err == nil {
		select {
		case <-time.After(c.jitter.delay()):
		case <-c.closed:
		}
	}
	return n, err
}

func (c *slowConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// generations returns how many generations have ended by the log.
func (r *rig) generations() int { return strings.Count(r.logs.String(), "generation ended") }

// An answer about the log's end may be older than a later fetch, and does not end the generation.
func TestLiveSlowBrokersEndNoGeneration(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		p := r.start(r.jitter().use)
		r.await("the assignment", func() bool { return p.Status().Ready })
		before := r.generations()
		const n = 3000
		for i := range n { // 60 a second
			r.produce(event(fmt.Sprint("a", i)))
			time.Sleep(16 * time.Millisecond)
		}
		r.await("all committed", func() bool { return r.commits()[0].offset == n })
		if got := r.generations(); got != before {
			t.Errorf("%d generations ended\n%s", got-before, r.logs)
		}
		if n := r.crm.suspects(); n != 0 {
			t.Errorf("%d look-ups", n)
		}
		r.crm.once(t)
		p.shutdown(t)
		time.Sleep(time.Second) // so that delayed answers arrive: a bubble's clock stands still once its test has returned
	})
}

// An end of the log below the records that were delivered before it was asked for ends the generation only when it is read
// maxShortReadings times in a row.
func TestLogsEndIsComparedWithWhatWasKnownWhenItWasAskedFor(t *testing.T) {
	p := must(ownPartition(t))
	p.records.state.progress.skip(154)
	for range 10 {
		if err := p.records.noteBounds(bounds{0, 151}, 151); err != nil {
			t.Fatalf("an older answer was taken for a shorter log: %v", err)
		}
	}
	for range maxShortReadings - 1 {
		if err := p.records.noteBounds(bounds{0, 151}, 154); err != nil {
			t.Fatalf("too few readings: %v", err)
		}
	}
	if err := p.records.noteBounds(bounds{0, 154}, 154); err != nil {
		t.Fatal(err)
	}
	for i := range maxShortReadings {
		if err := p.records.noteBounds(bounds{0, 151}, 154); (err != nil) != (i == maxShortReadings-1) {
			t.Errorf("reading %d in a row: %v", i+1, err)
		}
	}
}

// ownPartition returns a partition whose generation does not run.
func ownPartition(t *testing.T) (*partition, error) {
	t.Helper()
	w := newWorld(t, 1)
	o := w.own(16)
	if o == nil {
		return nil, fmt.Errorf("seed 1 has no first owner")
	}
	return o.p, nil
}

// Kills while the topic is idle do not make its next records suspects.
func TestLiveIdleKillsMakeNobodyCareful(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.primed()
		r.produce(events("before", 3)...)
		first := r.start()
		r.await("all committed", func() bool { return r.commits()[0].offset == 3 })
		first.shutdown(t)
		var killed []*process
		for range 5 {
			link := r.line()
			p := r.start(link.use)
			r.await("the assignment", func() bool { return p.Status().Ready })
			time.Sleep(time.Minute)
			link.sever()
			killed = append(killed, p)
		}
		p := r.start()
		r.await("the assignment", func() bool { return p.Status().Ready })
		r.produce(events("a", 20)...)
		r.awaitCreated("a19")
		if n := r.crm.suspects(); n != 0 {
			t.Errorf("%d look-ups of events that nobody can have sent", n)
		}
		p.shutdown(t)
		for _, k := range killed {
			k.shutdown(t)
		}
	})
}

// In a crash loop only records below the inherited grant are suspects: those at and above it cannot have ended earlier
// owners.
func TestLiveCarefulEndsAtTheGrant(t *testing.T) {
	bubble(t, 1, func(t *testing.T, r *rig) {
		r.produce(events("a", 10)...)
		left := ledger{granted: 4, horizon: time.Now(), openings: crashLoopOpenings, trial: -1, spans: []span{{0, 4, false}}}
		r.commitAs(0, left.encode(0))
		p := r.start()
		r.awaitCreated("a9")
		for i := range 10 {
			id := fmt.Sprint("a", i)
			if got, want := r.crm.asked(id)[0].Suspect, i < 4; got != want {
				t.Errorf("%s: suspect %v, want %v", id, got, want)
			}
		}
		p.shutdown(t)
	})
}

// A request that hangs delays a rebalance for three seconds, not for as long as a shutdown may take.
func TestLiveRebalanceDoesNotWaitForWhatHangs(t *testing.T) {
	bubble(t, 2, func(t *testing.T, r *rig) {
		r.primed()
		a := r.start()
		r.crm.setAnswer(func(ctx context.Context, q crmclient.Request) (crmclient.Result, error, bool) {
			if q.OriginID == "hangs" && !q.Suspect {
				return hang(ctx)
			}
			return crmclient.Result{}, nil, false
		})
		r.produce(event("hangs"))
		r.await("the request", func() bool { return len(r.crm.asked("hangs")) == 1 })
		began := time.Now()
		b := r.start()
		r.await("both to work", func() bool {
			return len(a.Status().Partitions) == 1 && len(b.Status().Partitions) == 1
		})
		if took := time.Since(began); took > shortDrain+5*time.Second {
			t.Errorf("the rebalance took %v", took)
		}
		r.awaitCreated("hangs")
		if asked := r.crm.asked("hangs"); !asked[1].Suspect {
			t.Error("an event whose create was aborted is no suspect")
		}
		a.shutdown(t)
		b.shutdown(t)
		r.crm.once(t)
	})
}
