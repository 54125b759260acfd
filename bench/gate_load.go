package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/lead"
)

// gateSecret is the secret that signs webhooks, as it is set; gateKey is the key that it encodes.
const (
	gateSecret = "whsec_bGVhZGJyaWRnZSBiZW5jaG1hcmsga2V5IQ==" //nolint:gosec // no secret: it guards a benchmark
	gateKey    = "leadbridge benchmark key!"
)

// bareHandlerFlag makes this program run as the bare handler.
const bareHandlerFlag = "--bare-handler"

// serveBare answers 202 to everything, and does nothing else.
func serveBare(ctx context.Context, stderr io.Writer) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusAccepted)
	})}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := json.NewEncoder(stderr).Encode(map[string]string{"http": l.Addr().String()}); err != nil {
		return err
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// loader sends webhooks to one server, each of them a different one.
type loader struct {
	addr string
	sent atomic.Int64
}

// webhook appends the n-th request, which is signed, to b.
func webhook(b []byte, n int64) []byte {
	one := lead.New(int(n))
	sent := time.Now().Unix()
	h := hmac.New(sha256.New, []byte(gateKey))
	_, _ = fmt.Fprintf(h, "%s.%d.%s", one.ID, sent, one.Value)
	return fmt.Appendf(b, "POST /hooks/bench HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"+
		"webhook-id: %s\r\nwebhook-timestamp: %d\r\nwebhook-signature: v1,%s\r\n\r\n%s",
		len(one.Value), one.ID, sent, base64.StdEncoding.EncodeToString(h.Sum(nil)), one.Value)
}

// load makes clients send one webhook after another for some time, at least one each, and returns how long each webhook took.
func (l *loader) load(ctx context.Context, clients int, during time.Duration) ([]time.Duration, error) {
	var (
		mu      sync.Mutex
		all     []time.Duration
		faults  []error
		workers sync.WaitGroup
	)
	until := time.Now().Add(during)
	for range clients {
		workers.Go(func() {
			took, err := l.send(ctx, until)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			if err != nil {
				faults = append(faults, err)
			}
		})
	}
	workers.Wait()
	if len(faults) > 0 {
		return all, faults[0]
	}
	return all, ctx.Err()
}

// send is one client. It speaks HTTP without a library, as the library's processor time would be lost to the server on
// the same machine.
func (l *loader) send(ctx context.Context, until time.Time) (took []time.Duration, err error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.addr)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	var request []byte
	for ctx.Err() == nil && (len(took) == 0 || time.Now().Before(until)) {
		request = webhook(request[:0], l.sent.Add(1))
		began := time.Now()
		if err := conn.SetDeadline(began.Add(time.Minute)); err != nil {
			return took, err
		}
		if _, err := conn.Write(request); err != nil {
			return took, err
		}
		answer, err := http.ReadResponse(in, nil)
		if err != nil {
			return took, err
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			return took, err
		}
		if answer.StatusCode != http.StatusAccepted {
			return took, fmt.Errorf("answer %s: %s", answer.Status, text)
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// connections are the connections of slow clients.
type connections []net.Conn

func (c connections) close() {
	for _, conn := range c {
		conn.Close()
	}
}

// hold opens count connections, and sends half a webhook on each.
func (l *loader) hold(ctx context.Context, count int) (connections, error) {
	var all connections
	for range count {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", l.addr)
		if err != nil {
			return all, fmt.Errorf("slow client %d (does ulimit -n allow so many?): %w", len(all)+1, err)
		}
		all = append(all, conn)
		request := webhook(nil, l.sent.Add(1))
		if _, err := conn.Write(request[:len(request)-100]); err != nil {
			return all, err
		}
	}
	return all, nil
}

func joined(addrs []string) string { return strings.Join(addrs, ",") }
