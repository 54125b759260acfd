package main

import (
	"context"
	"fmt"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// service is a running process of the command leadbridge run.
type service struct {
	*proc.Process
	*proc.Client
}

// owned returns how many partitions the service has.
func (s *service) owned(ctx context.Context) (int, error) {
	var status struct{ Partitions []struct{} }
	err := s.Get(ctx, "/statusz", &status)
	return len(status.Partitions), err
}

// shareLimit is how long services may take to share the partitions.
const shareLimit = 2 * time.Minute

// shared waits until all partitions are owned, and every service has the same number of them.
func (t *trial) shared(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, shareLimit, fmt.Errorf("the services did not share the partitions within %s", shareLimit))
	defer cancel()
	ticker := time.NewTicker(200 * time.Millisecond)
	defer ticker.Stop()
	for {
		fair := 0
		for _, s := range t.services {
			n, err := s.owned(ctx)
			if err != nil {
				return err
			}
			if n*len(t.services) == partitions {
				fair++
			}
		}
		if fair == len(t.services) {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// leadbridge returns a command of leadbridge that serves. The log line by which it says that it is ready has its address.
func leadbridge(binary, command string, env []string) proc.Program {
	return proc.Program{Name: "leadbridge " + command, File: binary, Args: []string{command}, Env: env, Ready: `"msg":"started"`}
}
