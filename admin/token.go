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

// digest is the hash of a token or of a session's id. Comparing digests always takes the same time, and so reveals
// neither the token nor its length.
type digest [sha256.Size]byte

func digestOf(text string) digest { return sha256.Sum256([]byte(text)) }

func (d digest) equals(other digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

const (
	// tokenAge is after how long the token's file is read again.
	tokenAge = time.Second
	// tokenKept is how long a token stays in force when its file cannot be read. The file may be missing for a moment
	// while it is being replaced, but deleting it must revoke the token.
	tokenKept = time.Minute
)

// tokens are the secrets with which people and programs sign in: one for all, or one for each.
type tokens struct {
	one  crmclient.Secret // ADMIN_TOKEN, one for all; zero for none
	file string           // ADMIN_TOKENS_FILE, with one for each holder; "" for none
	log  zerolog.Logger

	mu      sync.Mutex
	holders []holder  // of the tokens in force; empty when nobody can sign in
	readAt  time.Time // when the file was last read
	goodAt  time.Time // when the file was last valid
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

// of returns the holder of a token. It takes the same time whoever that is, and also if nobody has the token.
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

// parse reads the file, and returns the holders of tokens, or what is wrong with the file.
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

// was reports whether a token was in force before.
func (t *tokens) was(value digest) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.former, value)
}

// A peer may try as many wrong tokens, or wrong codes of OpenID Connect, as guesses at once, and then one in each guessEvery.
const (
	guesses    = 10
	guessEvery = 2 * time.Second
)

// guard checks tokens, and bounds how often a peer may fail. A right token is always accepted, so that nobody is kept out
// by the guesses of others.
type guard struct {
	tokens tokens

	mu    sync.Mutex
	peers map[string]*failures
}

// failures are the wrong tokens of one peer.
type failures struct {
	wrong    int       // how many failures count now
	since    time.Time // for each guessEvery that has passed since this time, one failure is forgotten
	last     []digest  // the last few different wrong tokens
	loggedAt time.Time
	unlogged int // failures since loggedAt
}

// maxPeers is for how many peers failures are kept separately; those of further peers are counted together.
const maxPeers = 10_000

// check returns the holder of the given token. If the token is wrong and the peer has failed too often, wait is how long
// the peer must wait until its next try.
func (g *guard) check(given, peer string) (h holder, right bool, wait time.Duration) {
	token := digestOf(given)
	if h, ok := g.tokens.of(token); ok {
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
	if !slices.Contains(f.last, token) { // sending the same wrong token again is not guessing
		f.wrong++
		f.last = append(f.last[max(0, len(f.last)-guesses+1):], token)
	}
	return h, false, 0
}

// mayRedeem returns how long a peer must wait until its code may be redeemed at the issuer; 0 if it may be now, which
// counts as a failure until redeemed is called. Whether a code is good is known only after it was redeemed, so that even
// a good one must wait.
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

// redeemer returns the name under which a peer's failures with codes are counted. They are counted apart from those with
// tokens, so that neither keeps anybody from signing in by the other.
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

// logDue notes a failure of a peer. It reports whether to log it now, and how many failures the log line stands for.
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
