// Package await helps tests to wait for other processes, and asks these by HTTP.
package await

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// Until waits until a condition holds, which it checks at intervals of every. It fails the test when
// patience is over first; what names the condition.
func Until(t testing.TB, patience, every time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// answerLimit is the longest wait for an answer.
const answerLimit = 5 * time.Second

// Get asks for an address, over a new connection, as the process there may have been restarted. Without an answer the
// status is 0, and the body says why.
func Get(ctx context.Context, url string) (status int, body string) {
	ctx, cancel := context.WithTimeout(ctx, answerLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err.Error()
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, err.Error()
	}
	return res.StatusCode, string(text)
}
