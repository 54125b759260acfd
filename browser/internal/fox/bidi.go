package fox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/net/websocket"
)

// connection speaks WebDriver BiDi: commands with ids, their answers in any order, and events between them.
type connection struct {
	ws   *websocket.Conn
	hear func(method string, params json.RawMessage)

	mu      sync.Mutex
	last    int
	waiting map[int]chan message // by the command's id
	ended   error                // of the connection; nil while it lasts
}

// message is what the browser sends: an answer or an event.
type message struct {
	Type    string          `json:"type"` // success, error or event
	ID      int             `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// errCommand says that the browser could not do what it was told.
var errCommand = errors.New("the browser says")

func dial(address string, hear func(method string, params json.RawMessage)) (*connection, error) {
	ws, err := websocket.Dial(address, "", origin)
	if err != nil {
		return nil, err
	}
	ws.MaxPayloadBytes = 64 << 20
	c := &connection{ws: ws, hear: hear, waiting: map[int]chan message{}}
	go c.read()
	return c, nil
}

// read takes what comes until the connection ends.
func (c *connection) read() {
	for {
		var m message
		err := websocket.JSON.Receive(c.ws, &m)
		if err == nil && m.Type == "event" {
			c.hear(m.Method, m.Params)
			continue
		}
		c.mu.Lock()
		if err != nil {
			c.ended = err
			for _, waits := range c.waiting {
				close(waits)
			}
			c.mu.Unlock()
			return
		}
		waits := c.waiting[m.ID]
		delete(c.waiting, m.ID)
		c.mu.Unlock()
		if waits != nil {
			waits <- m
		}
	}
}

// do sends a command and reads its answer into result, unless that is nil.
func (c *connection) do(ctx context.Context, method string, params map[string]any, result any) error {
	waits := make(chan message, 1)
	c.mu.Lock()
	if c.ended != nil {
		c.mu.Unlock()
		return c.ended
	}
	c.last++
	id := c.last
	c.waiting[id] = waits
	err := websocket.JSON.Send(c.ws, map[string]any{"id": id, "method": method, "params": params})
	c.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case m, ok := <-waits:
		switch {
		case !ok:
			return fmt.Errorf("%s: the connection has ended", method) //nolint:err113 // nobody looks for it
		case m.Type == "error":
			return fmt.Errorf("%s: %w: %s: %s", method, errCommand, m.Error, m.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}
