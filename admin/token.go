package admin

import (
	"bytes"
	"cmp"
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

// tokens are the secrets with which people and programs sign in: one for all, or one for each of them.
type tokens struct {
	one  crmclient.Secret // for all; zero: there is none
	file string           // of those of several holders; "": there is none
	log  zerolog.Logger

	mu      sync.Mutex
	holders []holder // those in force; empty: nobody can sign in
	readAt  time.Time
	goodAt  time.Time // when the file was last good
	fault   string    // the last fault of the file that was logged
	former  []digest  // tokens that were in force before, the newest last
}

// needed reports whether a token is required.
func (t *tokens) needed() bool { return t.file != "" || t.one != crmclient.Secret{} }

// current returns the tokens in force; none while nobody can sign in.
func (t *tokens) current() []holder {
	if t.file == "" && t.one.File == "" {
		if text := strings.TrimSpace(t.one.Value); text != "" {
			return []holder{{role: roleAct, token: digestOf(text)}}
		}
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if now := time.Now(); t.readAt.IsZero() || now.Sub(t.readAt) >= tokenAge {
		t.readAt = now
		t.read(now)
	}
	return t.holders
}

// of returns whose token it is. It takes the same time whichever it is, or none.
func (t *tokens) of(token digest) (h holder, ok bool) {
	for _, one := range t.current() {
		if one.token.equals(token) {
			h, ok = one, true
		}
	}
	return h, ok
}

// read reads the file. With an empty one nobody can sign in; when it cannot be used, the last tokens stay in force for
// tokenKept.
func (t *tokens) read(now time.Time) {
	holders, fault := t.parse()
	switch {
	case fault == "":
		t.take(holders)
		t.goodAt = now
	case fault == faultEmpty || now.Sub(t.goodAt) >= tokenKept:
		t.retire(t.holders)
		t.holders = nil
	}
	if fault != "" && fault != t.fault {
		t.log.Error().Msg("page: the file of " + t.setting() + " " + fault)
	}
	t.fault = fault
}

const (
	faultEmpty  = "is empty: it lets nobody in"
	faultUnread = "cannot be read: the last tokens are accepted for a minute more, then nobody is let in"
)

// parse reads who has a token, or what is wrong with the file.
func (t *tokens) parse() (holders []holder, fault string) {
	content, err := os.ReadFile(cmp.Or(t.file, t.one.File))
	text := bytes.TrimSpace(content)
	switch {
	case err != nil:
		return nil, faultUnread
	case len(text) == 0:
		return nil, faultEmpty
	case t.file == "":
		return []holder{{role: roleAct, token: digestOf(string(text))}}, ""
	}
	holders, err = parseHolders(text)
	if err != nil {
		return nil, err.Error() + "; the last tokens are accepted for a minute more, then nobody is let in"
	}
	return holders, ""
}

func (t *tokens) setting() string {
	if t.file != "" {
		return "ADMIN_TOKENS_FILE"
	}
	return "ADMIN_TOKEN_FILE"
}

// take puts tokens in force.
func (t *tokens) take(holders []holder) {
	t.retire(slices.DeleteFunc(slices.Clone(t.holders), func(h holder) bool {
		return slices.ContainsFunc(holders, func(other holder) bool { return other.token.equals(h.token) })
	}))
	t.holders = holders
}

// maxFormer is how many former tokens are kept.
const maxFormer = 64

// retire remembers tokens that are not in force any more.
func (t *tokens) retire(holders []holder) {
	for _, h := range holders {
		t.former = append(t.former, h.token)
	}
	t.former = t.former[max(len(t.former)-maxFormer, 0):]
}

// was reports whether a token is a former one.
func (t *tokens) was(value digest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.former, value)
}

// How many wrong tokens, or wrong codes of OpenID Connect, a peer may try: a few at once, and then one at each interval.
const (
	guesses    = 10
	guessEvery = 2 * time.Second
)

// guard checks tokens, and bounds how often that may fail. The right token is always accepted, so that nobody is kept out
// by what others guess.
type guard struct {
	tokens tokens

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

// check returns whose token it is. wait is how long the peer must wait until its next try, as it has failed
// too often; 0 when it has not.
func (g *guard) check(given, peer string) (h holder, right bool, wait time.Duration) {
	it := digestOf(given)
	if h, ok := g.tokens.of(it); ok {
		return h, true, 0
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	f := g.of(peer, now)
	f.forget(now)
	if f.wrong >= guesses {
		return h, false, f.since.Add(guessEvery).Sub(now)
	}
	if !slices.Contains(f.last, it) { // a program that keeps sending an old token does not guess
		f.wrong++
		f.last = append(f.last[max(0, len(f.last)-guesses+1):], it)
	}
	return h, false, 0
}

// mayRedeem reports whether a peer's code may be redeemed at the issuer now, which counts as a failure until redeemed says that
// it was none. Unlike the right token, a good code is not known before: a peer with too many failures has to wait.
func (g *guard) mayRedeem(peer string) (wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	f := g.of(redeemer(peer), now)
	f.forget(now)
	if f.wrong >= guesses {
		return f.since.Add(guessEvery).Sub(now)
	}
	f.wrong++
	return 0
}

// redeemed notes that a peer's code was good.
func (g *guard) redeemed(peer string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f := g.of(redeemer(peer), time.Now())
	f.wrong = max(f.wrong-1, 0)
}

// redeemer names a peer whose failures are those of codes: wrong tokens keep nobody from OpenID Connect, nor the other way.
func redeemer(peer string) string { return "code " + peer }

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
