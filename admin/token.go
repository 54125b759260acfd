package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// digest stands for a token or a session: comparing digests takes the same time whatever
// was given, and tells nothing of a length.
type digest [sha256.Size]byte

func digestOf(text string) digest { return sha256.Sum256([]byte(text)) }

func (d digest) equals(other digest) bool { return subtle.ConstantTimeCompare(d[:], other[:]) == 1 }

// tokenAge is how old the value of the token's file may be.
const tokenAge = time.Second

// token is what lets somebody in.
type token struct {
	secret crmclient.Secret

	mu     sync.Mutex
	value  digest
	known  bool // false: nobody is let in
	readAt time.Time
}

// needed tells whether there is a token at all.
func (t *token) needed() bool { return t.secret != crmclient.Secret{} }

// current gives the token in force; it is not ok while there is none to be read. A file that
// is being replaced, so not readable right now, leaves the old one.
func (t *token) current() (value digest, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known && (t.secret.File == "" || time.Since(t.readAt) < tokenAge) {
		return t.value, true
	}
	text := t.secret.Value
	if t.secret.File != "" {
		content, err := os.ReadFile(t.secret.File)
		if err != nil {
			return t.value, t.known
		}
		text = string(content)
	}
	if text = strings.TrimSpace(text); text != "" {
		t.value, t.known, t.readAt = digestOf(text), true, time.Now()
	}
	return t.value, t.known
}

// The guesses that a stranger has: a few at once, then one every so often.
const (
	guesses    = 10
	guessEvery = 2 * time.Second
)

// guard compares what is given with the token, and bounds how often that may fail.
type guard struct {
	token token

	mu    sync.Mutex
	wrong int       // failures that still count
	since time.Time // when the oldest of them began to be forgotten
	last  []digest  // the last few wrong ones of programs
}

// check tells whether a token is the right one; wait is how long nothing is compared, as
// there were too many failures. A program that goes on with an old token guesses nothing: it must
// not keep people out.
func (g *guard) check(given string, program bool) (right bool, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if forgiven := int(now.Sub(g.since) / guessEvery); forgiven > 0 {
		g.wrong = max(g.wrong-forgiven, 0)
		g.since = g.since.Add(time.Duration(forgiven) * guessEvery)
	}
	if g.wrong == 0 {
		g.since = now
	}
	if g.wrong >= guesses {
		return false, g.since.Add(guessEvery).Sub(now)
	}
	value, ok := g.token.current()
	it := digestOf(given)
	if ok && value.equals(it) {
		return true, 0
	}
	switch {
	case !program:
		g.wrong++
	case !slices.Contains(g.last, it):
		g.wrong++
		g.last = append(g.last[max(0, len(g.last)-guesses+1):], it)
	}
	return false, 0
}
