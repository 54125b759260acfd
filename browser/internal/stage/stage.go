// Package stage is a small server with the page's own interface, for states that the real
// one is hard to bring into: two holds at once, an answer that is cut, a stream that stops.
package stage

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Policy is the content security policy of the real server.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"

// Stage serves the page of a directory with what it is told.
type Stage struct {
	http.Handler

	mu       sync.Mutex
	state    map[string]any
	letters  []map[string]any
	changed  chan struct{} // closed when the state is another
	tick     time.Duration // between two states
	cut      chan struct{} // replays wait for it after their first half
	searched chan struct{} // closed at the next search
	searches []string      // texts that were searched for
	whole    bool          // texts are found as a whole only
	slow     map[string]slowSearch
	marked   bool   // the English words of the page are marked
	issuer   string // nobody is signed in, and this is the title of the issuer at which people can; "": all are
}

// New is a stage that delivers and has n dead letters.
func New(page string, n int) *Stage {
	s := &Stage{state: Delivering(), changed: make(chan struct{}), searched: make(chan struct{}), tick: time.Second, slow: map[string]slowSearch{}}
	for i := range n {
		s.letters = append(s.letters, letter(n-1-i))
	}
	mux := http.NewServeMux()
	files := http.FileServerFS(os.DirFS(page))
	mux.Handle("GET /{$}", files)
	mux.Handle("GET /assets/", http.StripPrefix("/assets/", files))
	mux.HandleFunc("GET /assets/words-en.js", func(w http.ResponseWriter, r *http.Request) { s.words(w, r, page) })
	mux.HandleFunc("GET /api/session", func(w http.ResponseWriter, _ *http.Request) { answer(w, s.session()) })
	mux.HandleFunc("GET /api/live", s.live)
	mux.HandleFunc("GET /api/history", history)
	mux.HandleFunc("POST /api/letters/search", s.search)
	mux.HandleFunc("GET /api/letters/{place}", s.letter)
	mux.HandleFunc("POST /api/letters/{place}/reveal", s.letter)
	mux.HandleFunc("POST /api/letters/{place}/preview", func(w http.ResponseWriter, _ *http.Request) { answer(w, preview()) })
	mux.HandleFunc("POST /api/replay", s.replay)
	mux.HandleFunc("POST /api/where", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"more": false, "since": ago(72 * time.Hour), "noCrm": false, "events": []map[string]any{
			{"eventId": "ce:/shop order-9", "by": "phone", "state": "waiting", "record": "1:4711", "at": ago(time.Minute), "before": 12, "letter": "", "contactId": 0},
			{"eventId": "ce:/shop order-3", "by": "phone", "state": "letter", "record": "", "at": ago(time.Hour), "letter": "0:9", "reason": "CRM_REFUSED", "words": "*** is wrong", "contactId": 0},
			{"eventId": "ce:/shop order-1", "by": "phone", "state": "contact", "record": "1:12", "at": ago(48 * time.Hour), "letter": "", "contactId": 77, "contactUrl": "https://shop.example/77/"},
		}})
	})
	mux.HandleFunc("POST /api/probe", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{"holds": []any{}}) })
	mux.HandleFunc("POST /api/flood/release", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{"letters": 7}) })
	mux.HandleFunc("POST /api/letters/close", s.closeLetters)
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", Policy)
		mux.ServeHTTP(w, r)
	})
	return s
}

// Set changes parts of the state and sends it.
func (s *Stage) Set(parts map[string]any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.Copy(s.state, parts)
	close(s.changed)
	s.changed = make(chan struct{})
}

// HoldReplays lets the answers to replays stand still after their first half, until cut
// drops their connections. Replays after that are answered in full.
func (s *Stage) HoldReplays() (cut func()) {
	wait := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = wait
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cut = nil
		close(wait)
	}
}

// OnlyLook has searches answered as to somebody with the role look.
func (s *Stage) OnlyLook() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.whole = true
}

// Slow lets one search for a text wait until let is called, which comes back when its
// answer has left.
func (s *Stage) Slow(text string) (let func()) {
	w := slowSearch{make(chan struct{}), make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slow[text] = w
	return func() {
		close(w.let)
		<-w.left
	}
}

// SignedOut has nobody signed in, with an issuer of a title.
func (s *Stage) SignedOut(issuer string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issuer = issuer
}

func (s *Stage) session() map[string]any {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.issuer == "" {
		return map[string]any{"needed": false, "signedIn": true}
	}
	return map[string]any{"needed": true, "signedIn": false, "oidc": map[string]any{"title": s.issuer, "away": true}}
}

type slowSearch struct{ let, left chan struct{} }

// Asked waits until a text is searched for.
func (s *Stage) Asked(ctx context.Context, text string) {
	for {
		s.mu.Lock()
		asked, came := slices.Contains(s.searches, text), s.searched
		s.mu.Unlock()
		if asked {
			return
		}
		select {
		case <-came:
		case <-ctx.Done():
			return
		}
	}
}

func (s *Stage) live(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	send(w, "history", map[string]any{"stepSeconds": 5, "points": points(time.Now())})
	ticker := time.NewTicker(s.tick)
	defer ticker.Stop()
	for n := 0; ; n++ {
		s.mu.Lock()
		changed := s.changed
		s.state["now"] = time.Now().UTC().Format(time.RFC3339Nano)
		text, err := json.Marshal(s.state)
		s.mu.Unlock()
		if err != nil {
			return
		}
		send(w, "state", json.RawMessage(text))
		if n%5 == 4 {
			send(w, "point", point(time.Now()))
		}
		select {
		case <-ticker.C:
		case <-changed:
		case <-r.Context().Done():
			return
		}
	}
}

func send(w http.ResponseWriter, event string, data any) {
	text, err := json.Marshal(data)
	if err == nil {
		_, err = fmt.Fprintf(w, "event: %s\ndata: %s\n\n", event, text)
	}
	if err == nil {
		_ = http.NewResponseController(w).Flush()
	}
}

func answer(w http.ResponseWriter, data any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(data)
}

func (s *Stage) search(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Reasons, States []string
		Text            string
		Offset, Limit   int
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	s.searches = append(s.searches, asked.Text)
	close(s.searched)
	s.searched = make(chan struct{})
	wait, slow := s.slow[asked.Text]
	delete(s.slow, asked.Text)
	whole := s.whole && asked.Text != ""
	s.mu.Unlock()
	if slow {
		<-wait.let
		defer close(wait.left)
	}
	found := []map[string]any{}
	for _, l := range s.letters {
		text, _ := json.Marshal(l)
		if strings.Contains(strings.ToLower(string(text)), strings.ToLower(asked.Text)) && (!whole || l["eventId"] == asked.Text) &&
			has(asked.Reasons, l["reason"]) && has(asked.States, l["state"]) {
			found = append(found, l)
		}
	}
	from := min(asked.Offset, len(found))
	answer(w, map[string]any{"total": len(found), "asOf": now(), "whole": whole, "letters": found[from:min(from+asked.Limit, len(found))]})
}

// closeLetters closes letters by their places.
func (s *Stage) closeLetters(w http.ResponseWriter, r *http.Request) {
	var asked struct {
		Places []string
		Word   string
	}
	if json.NewDecoder(r.Body).Decode(&asked) != nil || asked.Word == "" {
		http.Error(w, "no JSON, or no word", http.StatusBadRequest)
		return
	}
	n := 0
	for _, l := range s.letters {
		if has(asked.Places, l["place"]) && l["state"] == "open" {
			l["state"], l["word"] = "closed", asked.Word
			n++
		}
	}
	answer(w, map[string]any{"letters": n, "already": 0})
}

func has(list []string, one any) bool {
	text, _ := one.(string)
	return len(list) == 0 || slices.Contains(list, text)
}

func (s *Stage) letter(w http.ResponseWriter, r *http.Request) {
	for _, l := range s.letters {
		if l["place"] == r.PathValue("place") {
			answer(w, whole(l, r.Method == http.MethodGet))
			return
		}
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusNotFound)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": "Not found", "status": 404, "detail": "There is no letter at this place."})
}

func (s *Stage) replay(w http.ResponseWriter, r *http.Request) {
	var order struct {
		Places []string
		DryRun bool
	}
	if json.NewDecoder(r.Body).Decode(&order) != nil {
		http.Error(w, "no JSON", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	cut := s.cut
	s.mu.Unlock()
	all := len(order.Places)
	if all == 0 {
		all = len(s.letters)
	}
	lines := json.NewEncoder(w)
	for i := range all {
		_ = lines.Encode(map[string]any{"progress": map[string]any{"done": i + 1, "all": all}})
		_ = http.NewResponseController(w).Flush()
		if cut != nil && !order.DryRun && i+1 >= all/2 {
			<-cut
			panic(http.ErrAbortHandler)
		}
	}
	replayed := all
	if order.DryRun {
		replayed = 0
	}
	_ = lines.Encode(map[string]any{"confirm": "c", "report": map[string]any{
		"dryRun": order.DryRun, "letters": all, "replayed": replayed, "edited": 0, "already": 0,
		"routes": []map[string]any{{"reason": "CRM_REFUSED", "topic": "leads", "partition": 0, "letters": all}}, "left": []any{},
		"rejected": []map[string]any{{"reason": "NO_CONTACT_POINT", "message": "there is no usable phone number and no usable e-mail address", "letters": 1, "place": "0:0"}},
	}})
}

// preview compares a contact with what an edit makes of it, with each kind of difference.
func preview() map[string]any {
	field := func(name, before, after, change string) map[string]any {
		return map[string]any{"kind": "contact", "field": name, "before": before, "after": after, "change": change}
	}
	return map[string]any{"before": "", "after": "", "failed": "", "compared": []map[string]any{
		field("name", "Anna", "Anna", "same"), field("phone", "+79161234567 (MOBILE)", "", "removed"),
		field("email", "anna@example.nett (WORK)", "anna@example.net (WORK)", "changed"), field("post", "", "Buyer", "added"),
	}}
}
