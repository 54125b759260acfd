package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/lead"
	"github.com/leadbridge/leadbridge/bench/internal/sim"
)

// trouble is a case: what every contestant has to go through.
type trouble struct {
	Name  string
	Title string

	CRM   sim.Portal
	Alone bool          // it measures speed: nothing else is played beside it
	Grace time.Duration // longest wait for what is not delivered when the case has been played; 0: none

	play func(context.Context, *scene) error
}

// troubles are all cases, in the order of the tables.
func troubles() []trouble {
	quick := sim.Portal{Slots: 2, ServiceTime: 20 * time.Millisecond, ItemTime: time.Millisecond}
	return []trouble{
		{Name: "documented", Title: "documented limits", CRM: sim.Documented(), Alone: true, play: playDocumented},
		{Name: "instant", Title: "a CRM that answers at once, without limits", Alone: true, play: playInstant},
		{
			Name: "lost-answers", Title: "20 leads a second for a minute; 2.5 % of the requests are carried out and answered 502, of another 5 % the connection is cut, half of them carried out",
			CRM: quick, Grace: 3 * time.Minute, play: playLostAnswers,
		},
		{
			Name: "bad-key", Title: "the key is answered 401 for 4 minutes, a lead each 4 s; then it is good again, and one more lead comes",
			CRM: sim.Documented(), Grace: 3 * time.Minute, play: playBadKey,
		},
		{
			Name: "refused", Title: "200 leads at once that the CRM answers with 400, then good ones, one a second for a minute",
			CRM: sim.Documented(), Grace: 2 * time.Minute, play: playRefused,
		},
		{
			Name: "kills", Title: "a backlog of 1,200, kill -9 after each 300 contacts, started again after a second",
			CRM: quick, Grace: 4 * time.Minute, play: playKills,
		},
	}
}

// choose finds cases by name; none means all.
func choose(names []string) ([]trouble, error) {
	all := troubles()
	for _, name := range names {
		if !slices.ContainsFunc(all, func(c trouble) bool { return c.Name == name }) {
			return nil, fmt.Errorf("there is no case %q; there are\n%s", name, listing())
		}
	}
	if len(names) == 0 {
		return all, nil
	}
	return slices.DeleteFunc(all, func(c trouble) bool { return !slices.Contains(names, c.Name) }), nil
}

// listing names all cases, one a line.
func listing() string {
	var b strings.Builder
	for _, c := range troubles() {
		fmt.Fprintf(&b, "  %-13s %s\n", c.Name, c.Title)
	}
	return strings.TrimRight(b.String(), "\n")
}

// refusedMarker is in the names of leads that the CRM refuses.
const refusedMarker = "Refused"

// refused makes a lead one that the CRM refuses.
func refused(l lead.Lead) lead.Lead {
	l.Value = strings.Replace(l.Value, `{"name":"`, `{"name":"`+refusedMarker+` `, 1)
	return l
}

// faults are what the simulator does wrong, as its PUT /_sim/faults takes it.
type faults struct {
	ApplyThenFail float64  `json:"apply_then_fail,omitzero"` // carried out, then 502
	Reset         float64  `json:"reset,omitzero"`           // the connection is cut; half of them carried out
	Refuse        string   `json:"refuse,omitzero"`          // objects that contain it: 400
	Revoked       []string `json:"revoked,omitempty"`        // keys that are answered 401
}

// playDocumented measures half a minute under the documented limits, from ten seconds after the first contact on.
func playDocumented(ctx context.Context, s *scene) error {
	warmUp, measure := 10*time.Second, 30*time.Second
	if s.short {
		warmUp, measure = time.Second, 5*time.Second
	}
	if err := s.burst(ctx, s.times(15_000)); err != nil {
		return err
	}
	if err := s.pause(ctx, warmUp); err != nil {
		return err
	}
	return s.measure(ctx, measure)
}

// playInstant measures until the load is delivered, or half a minute.
func playInstant(ctx context.Context, s *scene) error {
	if err := s.burst(ctx, s.times(100_000)); err != nil {
		return err
	}
	return s.measure(ctx, 30*time.Second)
}

func playLostAnswers(ctx context.Context, s *scene) error {
	if err := s.breakCRM(ctx, faults{ApplyThenFail: .025, Reset: .05}); err != nil {
		return err
	}
	return s.drip(ctx, s.times(1200), time.Second/20)
}

func playBadKey(ctx context.Context, s *scene) error {
	if err := s.breakCRM(ctx, faults{Revoked: []string{apiKey}}); err != nil {
		return err
	}
	if err := s.drip(ctx, s.times(60), 4*time.Second); err != nil {
		return err
	}
	if err := s.breakCRM(ctx, faults{}); err != nil {
		return err
	}
	s.mended = time.Now()
	return s.burst(ctx, 1)
}

func playRefused(ctx context.Context, s *scene) error {
	if err := s.breakCRM(ctx, faults{Refuse: refusedMarker}); err != nil {
		return err
	}
	if err := s.burstOf(ctx, s.times(200), true); err != nil {
		return err
	}
	return s.drip(ctx, s.times(60), time.Second)
}

func playKills(ctx context.Context, s *scene) error {
	n := s.times(1200)
	if err := s.burst(ctx, n); err != nil {
		return err
	}
	for kill := 1; kill <= 3; kill++ {
		if err := s.await(ctx, 5*time.Minute, func(made int) bool { return made >= s.warm+n/4*kill }); err != nil {
			return err
		}
		if err := s.crash(ctx); err != nil {
			return err
		}
	}
	return nil
}
