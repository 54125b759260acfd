package main

import (
	"context"
	"strings"
	"syscall"
	"time"
)

// slot is the place of one consumer in the group, which one process after another takes. It belongs
// to the goroutine of its lane, as long as there is one.
type slot struct {
	name  string
	crew  *crew
	path  *path // to the brokers
	lives []*process
}

func (s *slot) now() *process { return s.lives[len(s.lives)-1] }

// start puts a new process into the slot.
func (s *slot) start() error {
	p, err := s.crew.begin(s.name, len(s.lives), strings.Join(s.path.addrs(), ","))
	if err != nil {
		return err
	}
	s.lives = append(s.lives, p)
	s.crew.book.note("%s started, pid %d", p.name, p.pid())
	return nil
}

// stop ends the process by SIGTERM.
func (s *slot) stop(ctx context.Context) {
	began := time.Now()
	if err := s.now().terminate(ctx, exitLimit); err != nil {
		s.crew.book.breach("%v", err)
		return
	}
	s.crew.book.note("%s stopped in %v", s.now().name, time.Since(began).Round(time.Millisecond))
}

// suffer deals a blow to the slot's process and makes up for it.
func (s *slot) suffer(ctx context.Context, a action) error {
	switch a.blow {
	case joinLeave, joinKill:
		if err := s.start(); err != nil {
			return err
		}
		rest(ctx, a.lasts)
		if a.blow == joinLeave {
			s.stop(ctx)
			return nil
		}
		s.now().kill()
		return nil
	case kill:
		s.now().kill()
	case killBusy:
		s.aim(ctx)
		s.now().kill()
	case terminate:
		s.stop(ctx)
	case freezeKill:
		s.now().signal(syscall.SIGSTOP)
		rest(ctx, a.lasts)
		s.now().kill()
		return s.start()
	case freezeShort:
		s.freeze(ctx, a.lasts)
		return nil
	case freezeLong:
		s.aim(ctx)
		s.freeze(ctx, a.lasts)
		return nil
	case freezeBlind:
		s.aim(ctx)
		from := time.Now()
		s.path.cut()
		s.freeze(ctx, a.lasts)
		rest(ctx, a.lasts/3)
		s.crew.book.away(s.name, from, time.Now())
		s.path.heal()
		return nil
	}
	rest(ctx, a.lasts)
	return s.start()
}

// aimLimit is how long a blow waits for its moment.
const aimLimit = 8 * time.Second

// aim waits until the process is creating contacts: one that is stopped without any work says little.
func (s *slot) aim(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, aimLimit)
	defer cancel()
	for began := time.Now(); ctx.Err() == nil && !s.crew.creates(s.now().name, began); {
		rest(ctx, 5*time.Millisecond)
	}
}

// freeze stops the process where it is, and lets it go on.
func (s *slot) freeze(ctx context.Context, lasts time.Duration) {
	from := time.Now()
	s.now().signal(syscall.SIGSTOP)
	rest(ctx, lasts)
	s.crew.book.away(s.name, from, time.Now())
	s.now().signal(syscall.SIGCONT)
	s.crew.book.note("%s thawed after %v", s.now().name, time.Since(from).Round(time.Millisecond))
}

// rest waits, at most until ctx ends.
func rest(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
