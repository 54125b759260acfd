package broker

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// Who may ask for tokens, and what brokers expect of them.
const (
	Client       = "leadbridge-client"
	ClientSecret = "not-a-client-secret" // only ever of a token server that lives for one test
	Audience     = "kafka-of-the-tests"
	issuer       = "https://issuer.example.com"
)

// keyID names the key of all tokens.
const keyID = "one"

// TokenServer gives signed tokens to Client by client credentials, and shows brokers its keys.
type TokenServer struct {
	URL string // of its token endpoint, on this machine

	port   int
	key    *rsa.PrivateKey
	server *http.Server

	mu    sync.Mutex
	life  time.Duration
	away  bool
	given int
}

// newTokenServer listens on all of this machine's addresses, as containers reach it by another one.
func newTokenServer(ctx context.Context) (*TokenServer, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("make the token server's key: %w", err)
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", ":0")
	if err != nil {
		return nil, fmt.Errorf("start the token server: %w", err)
	}
	address, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("start the token server: no TCP address")
	}
	s := &TokenServer{URL: fmt.Sprintf("http://127.0.0.1:%d/token", address.Port), port: address.Port, key: key, life: time.Hour}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /token", s.give)
	mux.HandleFunc("GET /keys", s.keys)
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(listener) }() // it ends with Close
	return s, nil
}

// keysURL is where brokers find the keys.
func (s *TokenServer) keysURL() string {
	return fmt.Sprintf("http://%s:%d/keys", hostOfContainers, s.port)
}

// hostOfContainers is this machine, as containers see it.
const hostOfContainers = "host.docker.internal"

// SetLife says how long tokens last from now on.
func (s *TokenServer) SetLife(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.life = d
}

// SetAway has the server answer 503, or give tokens again.
func (s *TokenServer) SetAway(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

// Given is how many tokens it gave.
func (s *TokenServer) Given() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.given
}

func (s *TokenServer) close() error { return s.server.Close() }

func (s *TokenServer) give(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	life, away := s.life, s.away
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	id, secret, _ := r.BasicAuth()
	switch {
	case away:
		w.WriteHeader(http.StatusServiceUnavailable)
	case id != Client || secret != ClientSecret:
		w.WriteHeader(http.StatusUnauthorized)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_client"}) // whoever is gone needs no answer
	case r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("audience") != Audience:
		w.WriteHeader(http.StatusBadRequest)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": "invalid_request"})
	default:
		token, err := s.sign(life)
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		s.mu.Lock()
		s.given++
		s.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": life.Seconds()})
	}
}

func (s *TokenServer) sign(life time.Duration) (string, error) {
	text := part(map[string]any{"alg": "RS256", "kid": keyID, "typ": "JWT"}) + "." + part(claims(life))
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func (s *TokenServer) keys(w http.ResponseWriter, _ *http.Request) {
	public := s.key.PublicKey
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": keyID,
		"n": base64.RawURLEncoding.EncodeToString(public.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(public.E)).Bytes()),
	}}})
}

// UnsecuredToken is what brokers take in Kafka's mode for development: nobody signs it.
func UnsecuredToken(life time.Duration) string {
	return part(map[string]any{"alg": "none"}) + "." + part(claims(life)) + "."
}

func claims(life time.Duration) map[string]any {
	now := time.Now()
	return map[string]any{
		"sub": User, "iss": issuer, "aud": Audience,
		"iat": float64(now.UnixMilli()) / 1000, "exp": float64(now.Add(life).UnixMilli()) / 1000,
	}
}

func part(content map[string]any) string {
	text, err := json.Marshal(content)
	if err != nil {
		panic(err) // of texts and numbers
	}
	return base64.RawURLEncoding.EncodeToString(text)
}
