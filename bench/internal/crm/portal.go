// Package crm is a stand-in for the CRM, to measure leadbridge against. It is written
// from the vendor's documentation alone and shares no code with the client or with
// leadbridge sim, so that a misreading of the documentation in one of them shows.
//
// A [Portal] is an [http.Handler]. It keeps the documented limits, has faults that are
// switched on and off while it runs, and an audit of what it holds.
package crm

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"
)

// IDStore is where contacts of a portal can keep the id of another system.
type IDStore int

// What portals offer.
const (
	OriginID  IDStore = iota // the native field originId
	UserField                // a user field, which clients may make
	NoIDStore                // neither: the right to make user fields is refused
)

// Config is what a portal offers and how fast it is. The zero value has no limits and
// answers at once.
type Config struct {
	PerMinute int           // requests of all in any 60 seconds, over it 429; 0: no limit
	PerSecond int           // requests that reach the portal in any second, over it 502; 0: no limit
	Slots     int           // requests that run at a time; 0: no limit
	QueueWait time.Duration // longest wait for a slot, then 504; 0: 30 s
	Request   time.Duration // time that a request takes
	Item      time.Duration // further time of each call of a batch, which run one after another

	ErrorLoop int // failed requests in a row that block the key for a minute; 0: off

	IDStore       IDStore
	IndexDelay    time.Duration // from a contact's creation until look-ups find it
	BlindContains bool          // the filter operator $contains finds nothing
	Seed          uint64        // of the faults that befall a share of the requests
}

// queueWait is the documented longest wait in the portal's queue.
const queueWait = 30 * time.Second

// Documented returns the limits that the vendor documents, with the times of an ordinary
// portal.
func Documented() Config {
	return Config{PerMinute: 300, PerSecond: 10, Slots: 2, Request: 150 * time.Millisecond, Item: 5 * time.Millisecond, IndexDelay: 300 * time.Millisecond}
}

// Portal is a running CRM. Its methods may be called at any time.
type Portal struct {
	config Config
	slots  chan struct{} // nil: no limit
	closed chan struct{}

	mu         sync.Mutex
	random     *rand.Rand
	limits     limits
	faults     []*Fault
	contacts   []Contact
	userFields map[string]bool
	revoked    map[string]bool // keys
	troubled   map[string]int  // creates that met a fault, by e-mail
	stats      Stats
}

// Stats counts requests under /v1 since the portal's start.
type Stats struct {
	Requests  int `json:"requests"`
	Throttled int `json:"answers_429"`
	Over      int `json:"answers_502_over_limit"`
	Queued    int `json:"answers_504"`
	Blocked   int `json:"answers_error_loop"`
	Creates   int `json:"creates"` // asked for, each call of a batch for itself
	Lookups   int `json:"lookups"` // asked for, each call of a batch for itself
}

// New returns a portal without contacts and faults.
func New(c Config) *Portal {
	if c.QueueWait == 0 {
		c.QueueWait = queueWait
	}
	p := &Portal{
		config: c, closed: make(chan struct{}), random: rand.New(rand.NewPCG(c.Seed, 1)),
		userFields: map[string]bool{}, revoked: map[string]bool{}, troubled: map[string]int{},
	}
	if c.Slots > 0 {
		p.slots = make(chan struct{}, c.Slots)
	}
	return p
}

// Close ends what hangs. The portal must not be used afterwards.
func (p *Portal) Close() { close(p.closed) }

// Stats returns what the portal has counted so far.
func (p *Portal) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stats
}

// maxBody is the largest body that is read, in bytes.
const maxBody = 128 << 20

// ServeHTTP answers a request as the documented API does: the key first, then the
// platform's limits, then faults, and the portal with its own limits last.
func (p *Portal) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		failure(http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "the body cannot be read").write(w)
		return
	}
	if a := p.authorise(r); a != nil {
		a.write(w)
		return
	}
	if a := p.admit(w.Header()); a != nil {
		a.write(w)
		return
	}
	req, bad := route(r, body)
	if bad != nil {
		p.judge(*bad).write(w)
		return
	}
	p.count(req)
	f := p.whole(req)
	if f == nil {
		p.judge(p.run(req)).write(w)
		return
	}
	switch f.Effect {
	case Hang:
		p.hang(r)
	case LoseAnswer:
		p.run(req)
		panic(http.ErrAbortHandler) // net/http cuts the connection
	default:
		p.judge(f.answer()).write(w)
	}
}

// hang waits until the client has given up.
func (p *Portal) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-p.closed:
	}
	panic(http.ErrAbortHandler)
}

// Revoke has a key refused from now on.
func (p *Portal) Revoke(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.revoked[key] = true
}

// authorise checks the key's form, and that it was not revoked; it returns nil when the key is good.
func (p *Portal) authorise(r *http.Request) *answer {
	key := r.Header.Get("X-Api-Key")
	code := ""
	switch {
	case key == "":
		code = "MISSING_API_KEY"
	case p.isRevoked(key):
		code = "INVALID_API_KEY"
	case strings.HasPrefix(key, "vibe_api_"):
	case strings.HasPrefix(key, "vibe_app_"):
		if r.URL.Path != "/v1/me" && !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			code = "TOKEN_MISSING"
		}
	case strings.HasPrefix(key, "vibe_live_"):
		code = "WRONG_KEY_TYPE"
	default:
		code = "INVALID_API_KEY"
	}
	if code == "" {
		return nil
	}
	return new(failure(http.StatusUnauthorized, code, "the key is not accepted"))
}

func (p *Portal) isRevoked(key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.revoked[key]
}

// run lets the portal carry a request out: it waits in the queue, takes its time, and
// calls of a batch run one after another. A client that has gone changes nothing.
func (p *Portal) run(req request) answer {
	if a := p.enterSecond(req.portalRequests()); a != nil {
		return *a
	}
	if !p.enterSlot() {
		p.mu.Lock()
		p.stats.Queued++
		p.mu.Unlock()
		a := failure(http.StatusGatewayTimeout, "QUEUE_TIMEOUT", fmt.Sprintf("the portal's queue was full for %s", p.config.QueueWait))
		a.retryAfter = 5 * time.Second
		return a
	}
	defer p.leaveSlot()
	pause(p.config.Request)
	if req.batch {
		return p.runBatch(req.calls)
	}
	return p.perform(req.calls[0])
}

// pause takes the time that work takes.
func pause(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}
