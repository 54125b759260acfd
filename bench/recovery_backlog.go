package main

import (
	"context"
	"net/http"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/crm"
)

// backlogCases are an outage that leaves a backlog: what do leads wait that come after it?
func backlogCases() []recoveryCase {
	return []recoveryCase{
		{
			Name: "backlog", Row: "23", Title: "20,000 leads come while the CRM is down for 90 s; when it is back, a lead each 2 s",
			MustBe: "no wrong letter", Met: noWrongLetter, Grace: 15 * time.Minute, Play: playBacklog,
		},
		{
			Name: "backlog-fresh-first", Row: "23", Title: "the same with FRESH_FIRST=50%",
			MustBe: "p99 ≤ 10 s", Met: within(10 * time.Second), Env: []string{"FRESH_FIRST=50%"}, Grace: 15 * time.Minute, Play: playBacklog,
		},
	}
}

func playBacklog(ctx context.Context, s *scene) error {
	mend := s.crm.Break(crm.Fault{Status: http.StatusServiceUnavailable, Code: "SERVICE_UNAVAILABLE", Message: "the portal is down"})
	if err := s.burst(ctx, background(), s.times(20_000)); err != nil {
		return err
	}
	if err := s.pause(ctx, 90*time.Second); err != nil { // a backlog is what is a minute old
		return err
	}
	mend()
	return s.drip(ctx, s.times(30), 2*time.Second, s.freshOnly)
}
