package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/crm"
)

// recoveryCases are all there are, in the order of the table.
func recoveryCases() []recoveryCase {
	all := []recoveryCase{
		{
			Name: "refused", Row: "1", Title: "400 leads that the CRM refuses and no good one between, then good ones, one each 10 s",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), Play: playRefused,
		},
		{
			Name: "poison", Row: "3", Title: "5 leads a second for 4 minutes, one in twenty always answered 500",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), Play: playPoison,
		},
		{
			Name: "writes-403", Row: "5", Title: "writes are answered 403 while reads work, for 4 minutes; a lead each 20 s",
			MustBe: "no wrong letter", Met: noWrongLetter, Grace: 2 * time.Minute, Play: writesFail(http.StatusForbidden, "BITRIX_ACCESS_DENIED"),
		},
		{
			Name: "writes-500", Row: "5", Title: "writes are answered 500 while reads work, for 4 minutes; a lead each 20 s",
			MustBe: "no wrong letter", Met: noWrongLetter, Grace: 2 * time.Minute, Play: writesFail(http.StatusInternalServerError, "INTERNAL_ERROR"),
		},
		{
			Name: "large", Row: "7", Title: "100 leads of 900 kB in one partition, always answered 500; good ones in the others, one a second",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), Play: playLarge,
		},
		{
			Name: "kill-backlog", Row: "9", Title: "kill -9 in a backlog of 3,000, restarted after 1 s; leads that come after it, 2 a second",
			MustBe: "p99 ≤ 45 s", Met: within(45 * time.Second), Grace: 2 * time.Minute, Play: playKillBacklog,
		},
		{
			Name: "kill-running", Row: "9", Title: "kill -9 at 20 leads a second, restarted after 1 s; leads that come after it",
			MustBe: "p99 ≤ 35 s", Met: within(35 * time.Second), Grace: 2 * time.Minute, Play: playKillRunning,
		},
		{
			Name: "kill-idle", Row: "9", Title: "8 s idle, kill -9, restarted after 1 s; leads that come after it, one each 5 s",
			MustBe: "p99 ≤ 35 s", Met: within(35 * time.Second), Grace: 2 * time.Minute, Play: playKillIdle,
		},
		{
			Name: "batch-404", Row: "10", Title: "POST /v1/batch answers 404 for 2 s; a minute later 1,000 leads at once",
			MustBe: "p99 ≤ 10 s", Met: within(10 * time.Second), Grace: 4 * time.Minute, Play: playBatch404,
		},
		{
			Name: "roll-hang", Row: "12", Title: "ten replicas are replaced while 10 % of creates hang, 2 leads a second",
			MustBe: "p99 ≤ 25 s", Met: within(25 * time.Second), Partitions: 20, Replicas: 10, Grace: 90 * time.Second, Play: playRollHang,
		},
		{
			Name: "roll", Row: "12", Title: "ten replicas are replaced, all is well, 20 leads a second; a portal without limits",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), CRM: unlimited(), Env: withoutLimits(),
			Partitions: 20, Replicas: 10, Play: playRoll((*scene).roll),
		},
		{
			Name: "roll-surge", Row: "12", Title: "the same, and each new one is at work before an old one goes",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), CRM: unlimited(), Env: withoutLimits(),
			Partitions: 20, Replicas: 10, Play: playRoll((*scene).surge),
		},
		{
			Name: "crashing", Row: "12", Title: "one of ten replicas crashes each 20 s, ten times, 2 leads a second",
			MustBe: "p99 ≤ 35 s", Met: within(35 * time.Second), Partitions: 20, Replicas: 10, Grace: 150 * time.Second, Play: playCrashing,
		},
	}
	all = append(all, moreRecoveryCases()...)
	all = append(all, backlogCases()...)
	all = append(all, afterCases()...)
	for i := range all {
		all[i] = all[i].withDefaults()
	}
	return all
}

// withDefaults fills in what most cases have in common.
func (c recoveryCase) withDefaults() recoveryCase {
	c.Partitions, c.Replicas = max(c.Partitions, partitions), max(c.Replicas, 1)
	if c.CRM == (crm.Config{}) {
		c.CRM = crm.Documented()
	}
	if c.Grace == 0 {
		c.Grace = time.Minute
	}
	return c
}

func withoutLimits() []string {
	return []string{"CRM_REQUESTS_PER_MINUTE=0", "CRM_REQUESTS_PER_SECOND=0"}
}

// unlimited is a portal whose limits nobody meets: what leads wait is not for it.
func unlimited() crm.Config {
	c := crm.Documented()
	c.PerMinute, c.PerSecond, c.Slots = 0, 0, 0
	return c
}

func refuse() crm.Fault {
	return crm.Fault{Marker: refusedMarker, Status: http.StatusBadRequest, Code: "VALIDATION_ERROR", Message: "the portal does not take this contact"}
}

func poison() crm.Fault {
	return crm.Fault{Marker: poisonMarker, Status: http.StatusInternalServerError, Code: "INTERNAL_ERROR", Message: "internal error"}
}

func playRefused(ctx context.Context, s *scene) error {
	s.crm.Break(refuse())
	if err := s.burst(ctx, marked(refusedMarker), 400); err != nil {
		return err
	}
	if err := s.pause(ctx, 30*time.Second); err != nil {
		return err
	}
	return s.drip(ctx, s.times(12), 10*time.Second, s.freshOnly)
}

func playPoison(ctx context.Context, s *scene) error {
	s.crm.Break(poison())
	return s.drip(ctx, s.times(1200), 200*time.Millisecond, func(i int) (role, int) {
		if i%20 == 10 {
			return marked(poisonMarker), i % s.c.Partitions
		}
		return s.freshOnly(i)
	})
}

// writesFail sends leads while every create fails. What they wait counts from the end of
// that, as every lead has to wait for it.
func writesFail(status int, code string) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		mend := s.crm.Break(crm.Fault{Status: status, Code: code, Message: "the write failed"})
		if err := s.drip(ctx, s.times(12), 20*time.Second, s.freshOnly); err != nil {
			return err
		}
		if err := s.pause(ctx, 20*time.Second); err != nil {
			return err
		}
		mend()
		s.cleared = time.Now()
		return s.drip(ctx, 3, 10*time.Second, s.freshOnly)
	}
}

func playLarge(ctx context.Context, s *scene) error {
	s.crm.Break(poison())
	if err := s.burstTo(ctx, marked(poisonMarker).with(large), 0, s.times(100)); err != nil {
		return err
	}
	return s.drip(ctx, s.times(60), time.Second, func(i int) (role, int) { return fresh(), 1 + i%(s.c.Partitions-1) })
}

func playKillBacklog(ctx context.Context, s *scene) error {
	before := len(s.crm.Contacts())
	if err := s.burst(ctx, background(), 3000); err != nil {
		return err
	}
	if err := s.await(ctx, 20*time.Millisecond, func() bool { return len(s.crm.Contacts()) >= before+600 }); err != nil {
		return err
	}
	if err := s.crash(ctx, 0); err != nil {
		return err
	}
	return s.drip(ctx, s.times(120), 500*time.Millisecond, s.freshOnly)
}

func playKillRunning(ctx context.Context, s *scene) error {
	every := time.Second / 20
	before := func(i int) (role, int) { return background(), i % s.c.Partitions }
	if err := s.drip(ctx, s.times(400), every, before); err != nil {
		return err
	}
	restarted := make(chan error, 1)
	go func() { restarted <- s.crash(ctx, 0) }()
	err := s.drip(ctx, s.times(1200), every, s.freshOnly)
	if restartErr := <-restarted; err == nil {
		err = restartErr
	}
	return err
}

func playKillIdle(ctx context.Context, s *scene) error {
	if err := s.pause(ctx, 8*time.Second); err != nil {
		return err
	}
	if err := s.crash(ctx, 0); err != nil {
		return err
	}
	return s.drip(ctx, s.times(12), 5*time.Second, s.freshOnly)
}

func playBatch404(ctx context.Context, s *scene) error {
	mend := s.crm.Break(crm.Fault{Scope: crm.Batches, Status: http.StatusNotFound, Code: "NOT_FOUND", Message: "not found"})
	if err := s.burst(ctx, background(), 40); err != nil {
		return err
	}
	if err := s.pause(ctx, 2*time.Second); err != nil {
		return err
	}
	mend()
	if err := s.pause(ctx, time.Minute); err != nil {
		return err
	}
	return s.burst(ctx, fresh(), s.times(1000))
}

// beside sends leads at a pace until what is done beside it has ended.
func (s *scene) beside(ctx context.Context, every time.Duration, do func(context.Context) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	done := make(chan error, 1)
	go func() { done <- do(ctx) }()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for i := 0; ; i++ {
		r, partition := s.freshOnly(i)
		if err := s.burstTo(ctx, r, partition, 1); err != nil {
			stop()
			return errors.Join(err, <-done)
		}
		select {
		case err := <-done:
			return err
		case <-ticker.C:
		}
	}
}

func playRollHang(ctx context.Context, s *scene) error {
	mend := s.crm.Break(crm.Fault{Scope: crm.Writes, Share: .1, Effect: crm.Hang})
	defer mend()
	return s.beside(ctx, 500*time.Millisecond, func(ctx context.Context) error { return s.rollAll(ctx, (*scene).roll) })
}

// replacing is a way to replace the i-th replica.
type replacing func(s *scene, ctx context.Context, i int) error

// playRoll replaces replicas as stateful sets and hosts do, or as deployments do.
func playRoll(replace replacing) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		return s.beside(ctx, time.Second/20, func(ctx context.Context) error { return s.rollAll(ctx, replace) })
	}
}

// rollAll replaces all replicas one after another.
func (s *scene) rollAll(ctx context.Context, replace replacing) error {
	for i := range s.times(s.c.Replicas) {
		if err := s.pause(ctx, 5*time.Second); err != nil {
			return err
		}
		if err := replace(s, ctx, i); err != nil {
			return err
		}
	}
	return s.pause(ctx, 10*time.Second)
}

func playCrashing(ctx context.Context, s *scene) error {
	return s.beside(ctx, 500*time.Millisecond, func(ctx context.Context) error {
		for range s.times(10) {
			if err := s.pause(ctx, 19*time.Second); err != nil {
				return err
			}
			if err := s.crash(ctx, s.c.Replicas-1); err != nil {
				return err
			}
		}
		return nil
	})
}
