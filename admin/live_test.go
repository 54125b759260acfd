package admin

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/leadbridge/leadbridge/crmclient"
)

// event is one server-sent event.
type event struct {
	name string
	data map[string]any
}

// look opens a stream; the channel ends with it.
func (r *rig) look(path string, change ...func(*http.Request)) (events chan event, leave func(), out *streamed) {
	ctx, cancel := context.WithCancel(r.t.Context())
	out = newStreamed()
	go func() {
		r.handler.ServeHTTP(out, r.request("GET", path, "", change...).WithContext(ctx))
		_ = out.w.Close()
	}()
	events = make(chan event, 1000)
	go func() {
		defer close(events)
		lines := bufio.NewScanner(out.parts)
		lines.Buffer(nil, 1<<20)
		for name := ""; lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = text
			}
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				e := event{name: name}
				if err := json.Unmarshal([]byte(text), &e.data); err != nil {
					r.t.Error(err)
				}
				events <- e
			}
		}
	}()
	return events, cancel, out
}

// TestLive lets half a minute pass before a reader: first what was, then a state a second and a
// point a step, and the end when the service ends.
func TestLive(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		end := r.run()
		time.Sleep(1500 * time.Millisecond) // so that nothing happens in the moment of a sample or a state
		for range 6 {
			r.created.Add(10)
			time.Sleep(step)
		}
		events, leave, out := r.look("/api/live?midnight=0")
		defer leave()
		synctest.Wait()
		first, second := <-events, <-events
		points, _ := first.data["points"].([]any)
		if first.name != "history" || first.data["stepSeconds"] != 5.0 || len(points) < 5 || second.name != "state" {
			t.Fatalf("the stream begins with %s (%d points), %s", first.name, len(points), second.name)
		}
		if p, _ := points[2].(map[string]any); p["created"] != 10.0 {
			t.Errorf("a point %v, want 10 created", p)
		}
		if rate, _ := second.data["rate"].(map[string]any); rate["perSecond"] != 1.7 {
			t.Errorf("rate %v, want 20 in the 11.5 seconds since a sample", rate)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		count := map[string]int{}
		for len(events) > 0 {
			count[(<-events).name]++
		}
		if count["state"] != 10 || count["point"] != 2 {
			t.Errorf("in ten seconds came %v, want 10 states and 2 points", count)
		}
		if out.head.Get("Content-Type") != "text/event-stream" {
			t.Errorf("headers %v", out.head)
		}
		end()
		for range events { // until the stream ends
		}
		if w := r.ask("GET", "/api/live", ""); w.Code != http.StatusServiceUnavailable {
			t.Errorf("a stream after the end: %d", w.Code)
		}
	})
}

// TestSlowReadersAreDropped has one reader that reads nothing: it is dropped, another goes on.
func TestSlowReadersAreDropped(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		defer r.run()()
		stuck := newStreamed() // nobody reads it: its first write waits
		gone := make(chan struct{})
		go func() {
			defer close(gone)
			r.handler.ServeHTTP(stuck, r.request("GET", "/api/live", ""))
		}()
		events, leave, _ := r.look("/api/live")
		defer leave()
		time.Sleep((maxLag + 5) * time.Second)
		synctest.Wait()
		if n := r.server.hub.size(); n != 1 {
			t.Errorf("%d readers are left, want 1", n)
		}
		if len(events) < maxLag {
			t.Errorf("the other reader got %d events", len(events))
		}
		_ = stuck.parts.Close() // its connection breaks
		<-gone
	})
}

func TestReadersAreBounded(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		defer r.run()()
		for range maxClients {
			_, leave, _ := r.look("/api/live")
			defer leave()
		}
		synctest.Wait()
		w := r.ask("GET", "/api/live", "")
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("one too many: %d %v", w.Code, w.Header())
		}
	})
}

// TestStreamEndsWithItsSession signs a reader out, by hand and by a new token.
func TestStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "token")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(testToken)
	bubble(t, func(t *testing.T, r *rig) {
		defer r.run()()
		with, _ := r.session()
		mine, leave, _ := r.look("/api/live", with)
		defer leave()
		others, leaveToo, _ := r.look("/api/live")
		defer leaveToo()
		synctest.Wait()
		r.ask("DELETE", "/api/session", "", with)
		for range mine { // until the stream ends
		}
		write("another token of these tests")
		for range others { // until the stream ends
		}
	}, func(c *Config) { c.Token = crmclient.Secret{File: file} })
}

// TestNobodyLooks shows that an idle page asks Kafka nothing, and gives memory back.
func TestNobodyLooks(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		r.seed(letterNo(0))
		defer r.run()()
		time.Sleep(time.Hour)
		if at := r.server.letters.shelf.AsOf(); !at.IsZero() {
			t.Errorf("the letters were read at %s though nobody looked", at)
		}
		if r.server.peers.partitions() != nil {
			t.Error("the partitions of others were read though nobody looked")
		}
		_, leave, _ := r.look("/api/live")
		time.Sleep(5 * time.Second)
		if r.server.letters.shelf.AsOf().IsZero() || r.server.peers.partitions() == nil {
			t.Error("nothing was read though somebody looks")
		}
		leave()
		time.Sleep(lettersKept + 5*time.Second)
		if at := r.server.letters.shelf.AsOf(); !at.IsZero() {
			t.Errorf("letters of %s are held though nobody looks", at)
		}
	})
}

// TestHistory keeps a day by the minute and a quarter of an hour by the step, and no more.
func TestHistory(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		began := time.Now()
		for range 30 * time.Hour / step {
			r.server.sample(time.Now())
			time.Sleep(step)
			r.created.Add(step.Minutes())
		}
		r.server.sample(time.Now())
		if steps, minutes := r.server.history.sizes(); steps > int(shown/step)+3 || minutes > int(kept/time.Minute)+3 {
			t.Errorf("%d steps and %d minutes are kept", steps, minutes)
		}
		count := func(midnight time.Time) today {
			return read[state](r, "GET", fmt.Sprintf("/api/state?midnight=%d", midnight.Unix()), "").CreatedToday
		}
		if got := count(began.Add(-time.Hour)); math.Round(got.Count) != 1800 || !got.Since.Equal(began) {
			t.Errorf("since a midnight before the start %+v, want all 1800 since %s", got, began)
		}
		midnight := time.Now().Add(-6 * time.Hour).Truncate(time.Minute)
		if got := count(midnight); got.Count < 359 || got.Count > 361 || !got.Since.Equal(midnight) {
			t.Errorf("since six hours ago %+v, want 360", got)
		}
		if w := r.ask("GET", "/api/state?midnight=today", ""); w.Code != http.StatusBadRequest {
			t.Errorf("a midnight that is none: %d", w.Code)
		}
	})
}

// TestRateCountsMatchedEvents: an event that is given to a contact of the same person is delivered too.
func TestRateCountsMatchedEvents(t *testing.T) {
	t.Parallel()
	bubble(t, func(t *testing.T, r *rig) {
		defer r.run()()
		time.Sleep(1500 * time.Millisecond)
		for range 6 {
			r.created.Add(5)
			r.matched.Add(5)
			time.Sleep(step)
		}
		if got := read[state](r, "GET", "/api/state", ""); got.Rate.PerSecond != 1.7 || got.CreatedToday.Count != 60 {
			t.Errorf("%v a second and %v today, want 1.7 and 60", got.Rate.PerSecond, got.CreatedToday.Count)
		}
	})
}

func (h *history) sizes() (steps, minutes int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.steps), len(h.minutes)
}

func (h *hub) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients)
}
