package monitor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Listen takes the address; its error says what to do.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("HTTP_ADDR: %s is taken by another process: stop it, or choose another address: %w", addr, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("HTTP_ADDR: this user may not listen on %s: choose a port above 1023: %w", addr, err)
	case err != nil:
		return nil, fmt.Errorf("HTTP_ADDR: cannot listen on %s: choose another address: %w", addr, err)
	}
	return l, nil
}

// NewServer serves h with bounds on what a client may cost; writeTimeout 0 leaves answers unbounded.
func NewServer(h http.Handler, writeTimeout time.Duration) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
