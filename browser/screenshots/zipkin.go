package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strings"
	"time"
)

// zipkin is a Zipkin server that keeps its traces in memory.
type zipkin struct {
	URL string

	end  context.CancelFunc
	gone chan error // nil: it was not started here
}

// openZipkin is the server at an address, or that of a jar.
func openZipkin(ctx context.Context, jarOrAddress string) (*zipkin, error) {
	if strings.HasPrefix(jarOrAddress, "http://") {
		return &zipkin{URL: strings.TrimSuffix(jarOrAddress, "/")}, nil
	}
	return startZipkin(ctx, jarOrAddress)
}

// startZipkin starts the server of a jar on a free port of this machine, and waits until it answers.
func startZipkin(ctx context.Context, jar string) (*zipkin, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it ends at once
	if err != nil {
		return nil, err
	}
	address := free.Addr().(*net.TCPAddr) //nolint:forcetypeassert // of a TCP listener
	_ = free.Close()
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, "java", "-Xmx400m", "-jar", jar, //nolint:gosec // who makes the pictures names the jar
		"--server.compression.enabled=false", "--zipkin.query.timeout=2m", // on a busy machine it is slow
		"--armeria.ports[0].ip=127.0.0.1", fmt.Sprintf("--armeria.ports[0].port=%d", address.Port), "--armeria.ports[0].protocols[0]=http")
	cmd.WaitDelay = 10 * time.Second
	z := &zipkin{URL: fmt.Sprintf("http://127.0.0.1:%d", address.Port), end: cancel, gone: make(chan error, 1)}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("start Zipkin: %w", err)
	}
	go func() { z.gone <- cmd.Wait() }()
	if err := await(ctx, z.URL+"/health", func(string) bool { return true }); err != nil {
		return nil, errors.Join(err, z.Close())
	}
	return z, nil
}

// Close ends it, if it was started here.
func (z *zipkin) Close() error {
	if z.gone == nil {
		return nil
	}
	z.end()
	if err := <-z.gone; err != nil {
		if _, ended := errors.AsType[*exec.ExitError](err); !ended && !errors.Is(err, context.Canceled) {
			return err
		}
	}
	return nil
}
