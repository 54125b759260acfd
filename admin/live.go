package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"
)

const (
	// maxClients is how many readers of the stream there may be at a time.
	maxClients = 32
	// maxLag is how many updates may wait for a reader. A reader with more is dropped, and its page connects again.
	maxLag = 8
	// writeLimit is how long writing one update to a reader may take.
	writeLimit = 10 * time.Second
)

// update is what readers receive: a snapshot, or a point of the charts. The other one is nil.
type update struct {
	snapshot *snapshot
	point    *point
}

// client is one reader of the stream.
type client struct{ updates chan update }

// hub sends all readers the same updates.
type hub struct {
	mu      sync.Mutex
	clients clientSet
	closed  bool
}

// join adds a reader. It returns nil when there are maxClients readers, or when the hub is closed.
func (h *hub) join() *client {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || len(h.clients) >= maxClients {
		return nil
	}
	c := &client{make(chan update, maxLag)}
	h.clients[c] = struct{}{}
	return c
}

// leave removes a reader.
func (h *hub) leave(c *client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clients.drop(c)
}

// A clientSet is the readers of a hub.
type clientSet map[*client]struct{}

// drop ends a reader's stream.
func (s clientSet) drop(c *client) {
	if _, there := s[c]; there {
		delete(s, c)
		close(c.updates)
	}
}

// watched reports whether there is a reader.
func (h *hub) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.clients) > 0
}

// publish sends an update to all readers. It does not block: a reader that does not keep up is dropped.
func (h *hub) publish(u update) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.clients {
		select {
		case c.updates <- u:
		default:
			h.clients.drop(c)
		}
	}
}

// close ends all streams.
func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for c := range h.clients {
		h.clients.drop(c)
	}
}

// live streams states and points as server-sent events, until the reader leaves, does not keep up or is no longer signed
// in, or the service stops.
func (s *Server) live(w http.ResponseWriter, r *http.Request, _ caller) {
	midnight, ok := midnightOf(w, r)
	if !ok {
		return
	}
	c := s.hub.join()
	if c == nil {
		w.Header().Set("Retry-After", "5")
		problem(w, http.StatusServiceUnavailable, fmt.Sprintf("no more than %d may look at a time", maxClients))
		return
	}
	defer s.hub.leave(c)
	stream := newStream(w)
	if stream.send("history", map[string]any{"stepSeconds": step.Seconds(), "points": s.history.points()}) != nil ||
		stream.send("state", s.forReader(s.snapshot(time.Now()), midnight)) != nil {
		return
	}
	for {
		select {
		case <-r.Context().Done():
			return
		case u, open := <-c.updates:
			if !open || s.send(stream, u, midnight) != nil {
				return
			}
		}
	}
}

func (s *Server) send(stream stream, u update, midnight time.Time) error {
	if u.point != nil {
		return stream.send("point", u.point)
	}
	return stream.send("state", s.forReader(*u.snapshot, midnight))
}

// stream writes server-sent events.
type stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

func newStream(w http.ResponseWriter) stream {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // otherwise nginx buffers events
	rc := http.NewResponseController(w)
	// The server's write timeout is for requests, not for streams. Only writers of tests have no deadlines.
	_ = rc.SetReadDeadline(time.Time{})
	return stream{w, rc}
}

// send writes one event, with its data on one line.
func (s stream) send(event string, data any) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	_ = s.rc.SetWriteDeadline(time.Now().Add(writeLimit))
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, text); err != nil {
		return err
	}
	return s.rc.Flush()
}
