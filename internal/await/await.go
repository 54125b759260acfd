// Package await asks processes from outside, and waits for what they are to come to.
package await

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"
)

// Until looks every so often whether a condition holds, and ends the test when it does not
// within patience.
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

// answerLimit bounds one question.
const answerLimit = 5 * time.Second

// Get gives status and body of an address, over a connection of its own: the process may have
// been started anew since. Status 0 says that it does not answer, and the body why.
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
