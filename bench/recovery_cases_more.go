package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/crm"
	"github.com/leadbridge/leadbridge/bench/internal/lead"
	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// moreRecoveryCases returns the cases of rarer kinds of trouble.
func moreRecoveryCases() []recoveryCase {
	perSecond, loop, noStore := crm.Documented(), crm.Documented(), crm.Documented()
	perSecond.PerMinute, perSecond.Request, perSecond.Item = 0, 20*time.Millisecond, time.Millisecond
	loop.ErrorLoop = 20
	noStore.IDStore, noStore.BlindContains = crm.NoIDStore, true
	return []recoveryCase{
		{
			Name: "refused-kills", Row: "2", Title: "3,200 leads at once, one in eight refused, 13 % of answers lost, killed six times",
			MustBe: "all contacts or letters", Met: drained, Letters: true, Grace: 4 * time.Minute, Play: playRefusedKills,
		},
		{
			Name: "forbidden", Row: "4", Title: "six leads for a user whom the key may not see, then good ones, one each 20 s",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), Play: playForbidden,
		},
		{
			Name: "one-key", Row: "6", Title: "a lead always answered 500 and 300 good ones behind it, all with one Kafka key",
			MustBe: "p99 ≤ 10 s", Met: within(10 * time.Second), Grace: 2 * time.Minute, Play: playOneKey,
		},
		{
			Name: "one-key-backlog", Row: "6", Title: "a new group gets 3,000 good leads with one Kafka key at once",
			MustBe: "p99 ≤ 60 s", Met: within(time.Minute), NewGroup: true, Grace: 3 * time.Minute, Play: playOneKeyBacklog,
		},
		{
			Name: "letters-away", Row: "8", Title: "1,600 useless leads while the dead-letter topic is away, then good ones, one a second",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), Play: playLettersAway,
		},
		{
			Name: "one-id", Row: "11", Title: "one lead 3,000 times, under one id; others, one a second",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), Play: playOneID,
		},
		{
			Name: "per-second", Row: "13", Title: "a quick portal with 10 requests a second and no limit a minute: 3,000 leads at once, twice",
			MustBe: "none over the limit", Met: func(r recoveryResult) bool { return r.CRM.Over == 0 && noWrongLetter(r) },
			CRM: perSecond, Env: []string{"CRM_REQUESTS_PER_MINUTE=0"}, Play: playPerSecond,
		},
		{
			Name: "shared-key", Row: "14", Title: "another program fills the limit of the same key; a lead each 5 s",
			MustBe: "p99 ≤ 15 s", Met: within(15 * time.Second), Play: playSharedKey,
		},
		{
			Name: "shared-id", Row: "15", Title: "20 persons whose leads have one webhook-id, one each 2 s",
			MustBe: "all delivered", Met: noWrongLetter, Play: playSharedID,
		},
		{
			Name: "hot-partition", Row: "16", Title: "ten replicas, a lead a second, all with one Kafka key",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), Partitions: 20, Replicas: 10, Play: playHotPartition,
		},
		{
			Name: "error-loop", Row: "17", Title: "the CRM blocks the key after 20 failures in a row; 60 refused leads, then good ones, one each 5 s",
			MustBe: "p99 ≤ 10 s", Met: within(10 * time.Second), CRM: loop, Play: playErrorLoop,
		},
		{
			Name: "lookups-away", Row: "19", Title: "one answer is lost, look-ups are answered 503 with Retry-After 3600; a lead a second",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), Play: playLookupsAway,
		},
		{
			Name: "idle-kills", Row: "20", Title: "killed five times on an idle topic; then a lead each 3 s",
			MustBe: "p99 ≤ 2 s", Met: within(2 * time.Second), Play: playIdleKills,
		},
		{
			Name: "batch-403", Row: "21", Title: "batches are always answered 403 while single creates pass; 300 leads at once",
			MustBe: "p99 ≤ 90 s", Met: within(90 * time.Second), Grace: 4 * time.Minute, Play: playBatch403,
		},
		{
			Name: "items-422", Row: "21", Title: "all creates are answered 422 for 10 s while 50 leads come; then 1,500 at once",
			MustBe: "p99 ≤ 30 s", Met: within(30 * time.Second), Grace: 4 * time.Minute, Play: playItems422,
		},
		{
			Name: "blind-contains", Row: "22", Title: "no field for ids, $contains finds nothing, 10 % of answers lost, a hundred share a phone, killed twice",
			MustBe: "none twice", Met: func(r recoveryResult) bool { return r.Twice == 0 && noWrongLetter(r) }, CRM: noStore, Grace: 3 * time.Minute, Play: playBlindContains,
		},
	}
}

func loseAnswers(share float64) crm.Fault {
	return crm.Fault{Scope: crm.Writes, Share: share, Effect: crm.LoseAnswer}
}

func playRefusedKills(ctx context.Context, s *scene) error {
	s.crm.Break(refuse())
	s.crm.Break(loseAnswers(.13))
	for range s.times(3200) / 80 {
		if err := errors.Join(s.burst(ctx, fresh(), 70), s.burst(ctx, marked(refusedMarker), 10)); err != nil {
			return err
		}
	}
	for range s.times(6) {
		if err := s.pause(ctx, 8*time.Second); err != nil {
			return err
		}
		if err := s.crash(ctx, 0); err != nil {
			return err
		}
	}
	return nil
}

func playForbidden(ctx context.Context, s *scene) error {
	s.crm.Break(crm.Fault{Marker: hiddenUser, Status: http.StatusForbidden, Code: "BITRIX_ACCESS_DENIED", Message: "access denied"})
	if err := s.burst(ctx, forbidden(), 6); err != nil {
		return err
	}
	return s.drip(ctx, s.times(10), 20*time.Second, s.freshOnly)
}

func playOneKey(ctx context.Context, s *scene) error {
	s.crm.Break(poison())
	if err := s.burstTo(ctx, marked(poisonMarker).with(oneKey), 0, 1); err != nil {
		return err
	}
	return s.burstTo(ctx, fresh().with(oneKey), 0, s.times(300))
}

func playOneKeyBacklog(ctx context.Context, s *scene) error {
	return s.burstTo(ctx, fresh().with(oneKey), 0, s.times(3000))
}

func playLettersAway(ctx context.Context, s *scene) error {
	if err := s.broker.RemoveTopics(ctx, s.deadLetters()); err != nil {
		return err
	}
	if err := s.burst(ctx, useless(), 1600); err != nil {
		return err
	}
	if err := s.drip(ctx, s.times(60), time.Second, s.freshOnly); err != nil {
		return err
	}
	// For good leads the case ends here: only waits until now count.
	if err := s.settle(ctx); err != nil {
		return err
	}
	s.over = time.Now()
	return s.broker.Create(ctx, s.c.Partitions, s.deadLetters())
}

func playOneID(ctx context.Context, s *scene) error {
	repeated := s.sent.numbers(1)
	if err := s.send(ctx, background(), 0, repeated, 1); err != nil {
		return err
	}
	same := make([]lead.Lead, 100)
	for i := range same {
		same[i] = background().lead(repeated)
	}
	for i := range s.times(3000) / len(same) {
		if _, err := s.broker.Write(ctx, s.topic, i%s.c.Partitions, same); err != nil {
			return err
		}
	}
	return s.drip(ctx, s.times(60), time.Second, s.freshOnly)
}

func playPerSecond(ctx context.Context, s *scene) error {
	for range 2 {
		if err := s.burst(ctx, fresh(), s.times(3000)); err != nil {
			return err
		}
		if err := s.pause(ctx, 15*time.Second); err != nil {
			return err
		}
	}
	return nil
}

// playSharedKey lets another program send more requests than the limit allows, all the time.
func playSharedKey(ctx context.Context, s *scene) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	other := proc.NewClient(s.url)
	defer other.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		ticker := time.NewTicker(150 * time.Millisecond)
		defer ticker.Stop()
		for ctx.Err() == nil {
			_ = other.GetAs(ctx, apiKey, "/v1/me", new(any)) // most of its requests are refused
			select {
			case <-ticker.C:
			case <-ctx.Done():
			}
		}
	}()
	err := s.drip(ctx, s.times(48), 5*time.Second, s.freshOnly)
	if err == nil {
		err = s.settle(ctx)
	}
	s.over = time.Now()
	stop()
	<-done
	return err
}

func playSharedID(ctx context.Context, s *scene) error {
	return s.drip(ctx, s.times(20), 2*time.Second, func(i int) (role, int) { return fresh().with(oneID), i % s.c.Partitions })
}

func playHotPartition(ctx context.Context, s *scene) error {
	return s.drip(ctx, s.times(150), time.Second, func(int) (role, int) { return fresh().with(oneKey), 7 })
}

func playErrorLoop(ctx context.Context, s *scene) error {
	s.crm.Break(refuse())
	if err := s.burst(ctx, marked(refusedMarker), 60); err != nil {
		return err
	}
	return s.drip(ctx, s.times(30), 5*time.Second, s.freshOnly)
}

func playLookupsAway(ctx context.Context, s *scene) error {
	s.crm.Break(crm.Fault{Scope: crm.Writes, Marker: lostMarker, Effect: crm.LoseAnswer, Times: 1})
	s.crm.Break(crm.Fault{Scope: crm.Lookups, Status: http.StatusServiceUnavailable, Code: "SERVICE_UNAVAILABLE", Message: "no look-ups now", RetryAfter: time.Hour})
	lost := background().with(marked(lostMarker).changes...)
	if err := s.burst(ctx, lost, 1); err != nil {
		return err
	}
	return s.drip(ctx, s.times(60), time.Second, s.freshOnly)
}

func playIdleKills(ctx context.Context, s *scene) error {
	for range 5 {
		if err := s.pause(ctx, 8*time.Second); err != nil {
			return err
		}
		if err := s.crash(ctx, 0); err != nil {
			return err
		}
		if err := s.owned(ctx); err != nil {
			return err
		}
	}
	return s.drip(ctx, s.times(20), 3*time.Second, s.freshOnly)
}

func playBatch403(ctx context.Context, s *scene) error {
	s.crm.Break(crm.Fault{Scope: crm.Batches, Status: http.StatusForbidden, Code: "SCOPE_NOT_ALLOWED", Message: "no batches"})
	return s.burst(ctx, fresh(), s.times(300))
}

func playItems422(ctx context.Context, s *scene) error {
	mend := s.crm.Break(crm.Fault{Status: http.StatusUnprocessableEntity, Code: "BITRIX_ERROR", Message: "the portal's rule refuses it"})
	if err := s.burst(ctx, background(), 50); err != nil {
		return err
	}
	if err := s.pause(ctx, 10*time.Second); err != nil {
		return err
	}
	mend()
	return s.burst(ctx, fresh(), s.times(1500))
}

func playBlindContains(ctx context.Context, s *scene) error {
	s.crm.Break(loseAnswers(.1))
	office := fresh().with(sharedPhone)
	err := s.drip(ctx, s.times(600), 100*time.Millisecond, func(i int) (role, int) { return office, i % s.c.Partitions })
	for range 2 {
		err = errors.Join(err, s.burst(ctx, office, s.times(200)), s.pause(ctx, 2*time.Second), s.crash(ctx, 0))
		if err != nil {
			return err
		}
	}
	return nil
}
