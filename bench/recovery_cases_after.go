package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/crm"
)

// afterRuns is how often each of afterCases is played, as one run is only one sample.
const afterRuns = 10

// afterCases returns the cases that show how long a new lead waits after the end of a trouble, and how long leads waited
// that were in flight when a process was killed. If leads can be delivered during the trouble, their whole wait counts.
func afterCases() []recoveryCase {
	all := []recoveryCase{
		{Name: "after-kill", Title: "three replicas, 10 leads a second: one is killed by kill -9, a new one starts at once; counted from the end of the old one's session", Replicas: 3, Play: playAfterKill},
		{Name: "after-roll", Title: "three replicas, 10 leads a second: each is asked to stop by SIGTERM and replaced, one after another", Replicas: 3, Play: playAfterRoll},
		{Name: "after-crm-down", Title: "the CRM takes no connections for two minutes; a lead a second, also after it", Grace: 2 * time.Minute, Play: playAfterDown},
		{Name: "after-new-key", Title: "the key is revoked, all is answered 401; after a minute a valid one is in CRM_API_KEY_FILE; a lead a second", KeyFile: true, Play: playAfterNewKey},
		{Name: "after-key", Title: "the key is revoked for a minute, then valid again, without a word to the service; a lead a second", MustBe: "longest ≤ 30 s", Met: longestWithin(30 * time.Second), Play: playAfterKey},
		{Name: "after-throttle", Title: "all is answered 429 with Retry-After 5 for a minute; a lead a second; counted from the end of the last Retry-After", Play: playAfterThrottle},
		{Name: "after-refused", Title: "400 leads that the CRM refuses, and right behind them good ones, two a second; counted from when the CRM can have refused all", Play: playAfterRefused},
		{Name: "after-poison-busy", Title: "20 leads a second, one of them always answered 500", Play: playAfterPoison(50*time.Millisecond, 600)},
		{Name: "after-poison-quiet", Title: "one lead always answered 500, then a good one each 5 s", Play: playAfterPoison(5*time.Second, 8)},
		{Name: "after-letters", Title: "the dead-letter topic is away for half a minute while 20 useless leads and two good ones a second come", Play: playAfterLetters},
		{Name: "after-broker", Title: "the only broker is killed and back after 20 s; then two leads a second", Replicas: 3, Play: playAfterBroker},
		{Name: "after-freeze", Title: "one of three replicas is frozen for a minute, 5 leads a second; counted from the end of its session", Replicas: 3, Grace: 90 * time.Second, Play: playAfterFreeze},
		{Name: "after-join", Title: "ten replicas join three at once, 10 leads a second; a portal without limits", Replicas: 3, Partitions: 20, CRM: unlimited(), Env: withoutLimits(), Play: playAfterJoin},
	}
	for i := range all {
		all[i].Row, all[i].Runs = "after", afterRuns
		if all[i].Met == nil {
			all[i].MustBe, all[i].Met = "longest ≤ 2 s", longestWithin(2*time.Second)
		}
	}
	return all
}

// longestWithin returns the goal that no lead waits longer than limit, and that all are delivered.
func longestWithin(limit time.Duration) func(recoveryResult) bool {
	return func(r recoveryResult) bool {
		return r.Leads > 0 && !r.Max.AtLeast && r.Max.Value <= limit.Seconds() && r.BackgroundOpen == 0 && noWrongLetter(r)
	}
}

// afterwards is for how long leads still come after the end of a trouble.
const afterwards = 15 * time.Second

// begin sends background leads for two seconds, so that the service is at work when the trouble begins.
func (s *scene) begin(ctx context.Context, every time.Duration) error {
	return s.drip(ctx, s.times(int(2*time.Second/every)), every, func(i int) (role, int) { return background(), i % s.c.Partitions })
}

// during calls do while fresh leads come, and goes on with fresh leads for the duration after.
func (s *scene) during(ctx context.Context, every, after time.Duration, do func(context.Context) error) error {
	if err := s.begin(ctx, every); err != nil {
		return err
	}
	return s.beside(ctx, every, func(ctx context.Context) error {
		if err := do(ctx); err != nil {
			return err
		}
		return s.pause(ctx, after)
	})
}

// sessionTimeout is the default of KAFKA_SESSION_TIMEOUT. Until it has passed, nobody can know that a killed process is gone.
const sessionTimeout = 30 * time.Second

func playAfterKill(ctx context.Context, s *scene) error {
	return s.during(ctx, 100*time.Millisecond, 40*time.Second, func(ctx context.Context) error {
		s.killed = time.Now()
		s.services[0].Kill()
		s.services[0] = nil
		s.cleared = s.killed.Add(sessionTimeout)
		return s.startService(ctx, 0)
	})
}

func playAfterRoll(ctx context.Context, s *scene) error {
	return s.during(ctx, 100*time.Millisecond, 0, func(ctx context.Context) error { return s.rollAll(ctx, (*scene).roll) })
}

func playAfterDown(ctx context.Context, s *scene) error {
	return s.during(ctx, time.Second, afterwards, func(ctx context.Context) error {
		if err := s.stopCRM(); err != nil {
			return err
		}
		if err := s.pause(ctx, 2*time.Minute); err != nil {
			return err
		}
		err := s.startCRM(ctx)
		s.cleared = time.Now()
		return err
	})
}

// playAfterNewKey revokes the key and gives the service another one, as its operator does.
func playAfterNewKey(ctx context.Context, s *scene) error {
	return s.during(ctx, time.Second, afterwards, func(ctx context.Context) error {
		s.crm.Revoke(apiKey)
		err := s.pause(ctx, time.Minute)
		s.cleared = time.Now()
		return errors.Join(err, s.newKey(apiKey+"2"))
	})
}

func playAfterKey(ctx context.Context, s *scene) error {
	return s.answered(ctx, crm.Fault{Scope: crm.All, Status: http.StatusUnauthorized, Code: "INVALID_API_KEY", Message: "the key is not accepted"})
}

func playAfterThrottle(ctx context.Context, s *scene) error {
	return s.answered(ctx, crm.Fault{Scope: crm.All, Status: http.StatusTooManyRequests, Code: "RATE_LIMITED", Message: "too many requests", RetryAfter: 5 * time.Second})
}

// answered has every request answered with an error for a minute. The trouble lasts as much longer as the last answer
// asked to wait.
func (s *scene) answered(ctx context.Context, f crm.Fault) error {
	return s.during(ctx, time.Second, afterwards, func(ctx context.Context) error {
		mend := s.crm.Break(f)
		err := s.pause(ctx, time.Minute)
		mend()
		s.cleared = time.Now().Add(f.RetryAfter)
		return err
	})
}

func playAfterRefused(ctx context.Context, s *scene) error {
	s.crm.Break(refuse())
	if err := s.burst(ctx, marked(refusedMarker), 400); err != nil {
		return err
	}
	// Eight batches of fifty take 150 ms and 5 ms an item each, two at a time.
	s.cleared = time.Now().Add(1600 * time.Millisecond)
	return s.drip(ctx, s.times(120), 500*time.Millisecond, s.freshOnly)
}

// playAfterPoison sends one lead that can never be delivered, and then good ones, some of them in the same partition.
func playAfterPoison(every time.Duration, n int) func(context.Context, *scene) error {
	return func(ctx context.Context, s *scene) error {
		s.crm.Break(poison())
		if err := s.burstTo(ctx, marked(poisonMarker), 0, 1); err != nil {
			return err
		}
		return s.drip(ctx, s.times(n), every, s.freshOnly)
	}
}

func playAfterLetters(ctx context.Context, s *scene) error {
	if err := s.broker.RemoveTopics(ctx, s.deadLetters()); err != nil {
		return err
	}
	err := s.burst(ctx, useless(), 20)
	if err == nil {
		err = s.drip(ctx, s.times(60), 500*time.Millisecond, s.freshOnly)
	}
	return errors.Join(err, s.broker.Create(ctx, s.c.Partitions, s.deadLetters()))
}

func playAfterBroker(ctx context.Context, s *scene) error {
	if err := s.begin(ctx, 100*time.Millisecond); err != nil {
		return err
	}
	s.killed = time.Now()
	if err := s.broker.Stop(); err != nil {
		return err
	}
	err := s.pause(ctx, 20*time.Second)
	if err = errors.Join(err, s.broker.Start()); err != nil {
		return err
	}
	s.cleared = time.Now()
	return s.drip(ctx, s.times(60), 500*time.Millisecond, s.freshOnly)
}

func playAfterFreeze(ctx context.Context, s *scene) error {
	return s.during(ctx, 200*time.Millisecond, 10*time.Second, func(ctx context.Context) error {
		frozen := s.services[0]
		s.killed = time.Now()
		s.cleared = s.killed.Add(sessionTimeout)
		err := frozen.Freeze()
		if err == nil {
			err = s.pause(ctx, time.Minute)
		}
		return errors.Join(err, frozen.Thaw())
	})
}

func playAfterJoin(ctx context.Context, s *scene) error {
	return s.during(ctx, 100*time.Millisecond, 20*time.Second, func(ctx context.Context) error {
		for range 10 {
			s.services = append(s.services, nil)
			if err := s.startService(ctx, len(s.services)-1); err != nil {
				return err
			}
		}
		return nil
	})
}
