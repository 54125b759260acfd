package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/crmclient"
)

// digest is the hash of a token or of a session's id. Comparing digests takes the same time whatever was given, and does
// not reveal how long the token is.
type digest [sha256.Size]byte

func digestOf(text string) digest { return sha256.Sum256([]byte(text)) }

func (d digest) equals(other digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

const (
	// tokenAge is after how long the token's file is read again.
	tokenAge = time.Second
	// tokenKept is how long a token stays in force when its file cannot be read. While a file is being replaced it may be
	// away for a moment, but deleting it must revoke the token.
	tokenKept = time.Minute
)

// token is the secret with which people and programs sign in.
type token struct {
	secret crmclient.Secret
	log    zerolog.Logger

	mu     sync.Mutex
	value  digest
	known  bool // false: nobody can sign in
	readAt time.Time
	goodAt time.Time // when the value was last read
	fault  string    // the last fault of the file that was logged
	former []digest  // tokens that were in force before, the newest last
}

// needed reports whether a token is required.
func (t *token) needed() bool { return t.secret != crmclient.Secret{} }

// current returns the token in force; ok is false while there is none.
func (t *token) current() (value digest, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	switch {
	case t.secret.File == "":
		text := strings.TrimSpace(t.secret.Value)
		return digestOf(text), text != ""
	case t.readAt.IsZero() || now.Sub(t.readAt) >= tokenAge:
		t.readAt = now
		t.read(now)
	}
	return t.value, t.known
}

// read reads the file. With an empty one nobody can sign in; when it cannot be read, the last token stays in force for
// tokenKept.
func (t *token) read(now time.Time) {
	content, err := os.ReadFile(t.secret.File)
	text, fault := strings.TrimSpace(string(content)), ""
	switch {
	case err != nil:
		fault = "cannot be read: what was last read of it lets people in for a minute, then nobody"
		t.known = t.known && now.Sub(t.goodAt) < tokenKept
	case text == "":
		fault = "is empty: it lets nobody in"
		t.known = false
	default:
		t.take(digestOf(text))
		t.known, t.goodAt = true, now
	}
	if fault != "" && fault != t.fault {
		t.log.Error().Msg("page: the file of ADMIN_TOKEN_FILE " + fault)
	}
	t.fault = fault
}

// maxFormer is how many former tokens are kept.
const maxFormer = 4

func (t *token) take(value digest) {
	if t.goodAt.IsZero() || value.equals(t.value) {
		t.value = value
		return
	}
	t.former = append(t.former, t.value)
	t.former = t.former[max(len(t.former)-maxFormer, 0):]
	t.value = value
}

// was reports whether a token is a former one.
func (t *token) was(value digest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.former, value)
}

// How many wrong tokens a peer may try: a few at once, and then one at each interval.
const (
	guesses    = 10
	guessEvery = 2 * time.Second
)

// guard checks tokens, and bounds how often that may fail. The right token is always accepted, so that nobody is kept out
// by what others guess.
type guard struct {
	token token

	mu    sync.Mutex
	peers map[string]*failures
}

// failures are the wrong tokens of one peer.
type failures struct {
	wrong    int       // how many count
	since    time.Time // one is forgotten for each guessEvery that has passed since
	last     []digest  // the last few different ones
	loggedAt time.Time
	unlogged int // failures since then
}

// maxPeers is for how many peers failures are kept; those of further peers are counted together.
const maxPeers = 10_000

// check reports whether a token is the right one. wait is how long the peer must wait until its next try, as it has failed
// too often; 0 when it has not.
func (g *guard) check(given, peer string) (right bool, wait time.Duration) {
	it := digestOf(given)
	if value, ok := g.token.current(); ok && value.equals(it) {
		return true, 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	f := g.of(peer, now)
	f.forget(now)
	if f.wrong >= guesses {
		return false, f.since.Add(guessEvery).Sub(now)
	}
	if !slices.Contains(f.last, it) { // a program that keeps sending an old token does not guess
		f.wrong++
		f.last = append(f.last[max(0, len(f.last)-guesses+1):], it)
	}
	return false, 0
}

// of returns the failures of a peer.
func (g *guard) of(peer string, now time.Time) *failures {
	if g.peers == nil {
		g.peers = map[string]*failures{}
	}
	if len(g.peers) >= maxPeers && g.peers[peer] == nil {
		for name, f := range g.peers {
			if f.forget(now); f.wrong == 0 && now.Sub(f.loggedAt) > failureLogEvery {
				delete(g.peers, name)
			}
		}
		if len(g.peers) >= maxPeers {
			peer = ""
		}
	}
	f := g.peers[peer]
	if f == nil {
		f = &failures{since: now}
		g.peers[peer] = f
	}
	return f
}

// forget removes failures that are old enough.
func (f *failures) forget(now time.Time) {
	if forgiven := int(now.Sub(f.since) / guessEvery); forgiven > 0 {
		f.wrong = max(f.wrong-forgiven, 0)
		f.since = f.since.Add(time.Duration(forgiven) * guessEvery)
	}
	if f.wrong == 0 {
		f.since = now
	}
}

// failureLogEvery is how often failures of one peer are logged at most; those between are counted.
const failureLogEvery = 10 * time.Second

// logDue reports whether a failure of a peer is to be logged now, and how many failures the line stands for.
func (g *guard) logDue(peer string) (count int, now bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := time.Now()
	f := g.of(peer, at)
	f.unlogged++
	if !f.loggedAt.IsZero() && at.Sub(f.loggedAt) < failureLogEvery {
		return 0, false
	}
	count, f.unlogged, f.loggedAt = f.unlogged, 0, at
	return count, true
}
