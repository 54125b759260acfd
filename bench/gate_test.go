package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/lead"
)

// TestWebhookIsSigned reads a request of the load as a server does.
func TestWebhookIsSigned(t *testing.T) {
	t.Parallel()
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(gateSecret, "whsec_"))
	if err != nil || string(key) != gateKey {
		t.Fatalf("the secret is %q, %v", key, err)
	}
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(webhook(nil, 7))))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || string(body) != lead.New(7).Value || r.URL.Path != "/hooks/bench" {
		t.Errorf("%s %q %v", r.URL, body, err)
	}
	h := hmac.New(sha256.New, key)
	h.Write([]byte(r.Header.Get("Webhook-Id") + "." + r.Header.Get("Webhook-Timestamp") + "." + string(body)))
	if want := "v1," + base64.StdEncoding.EncodeToString(h.Sum(nil)); r.Header.Get("Webhook-Signature") != want {
		t.Errorf("signature %q, want %q", r.Header.Get("Webhook-Signature"), want)
	}
}

// TestLoadOfTheBareHandler sends to the handler that everything is compared with.
func TestLoadOfTheBareHandler(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	lines, stderr := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- serveBare(ctx, stderr) }()
	var started struct{ HTTP string }
	if err := json.NewDecoder(lines).Decode(&started); err != nil {
		t.Fatal(err)
	}
	l := &loader{addr: started.HTTP}
	held, err := l.hold(ctx, 3)
	defer held.close()
	if err != nil || len(held) != 3 {
		t.Errorf("%d held, %v", len(held), err)
	}
	took, err := l.load(ctx, 2, 50*time.Millisecond)
	if err != nil || len(took) == 0 {
		t.Errorf("%d answers, %v", len(took), err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}
