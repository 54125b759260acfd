package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/leadbridge/leadbridge/bench/internal/crm"
	"github.com/leadbridge/leadbridge/bench/internal/proc"
)

// scene is the world in which a case is played: a CRM, topics, processes, and the leads that were sent. One goroutine
// plays it.
type scene struct {
	*lab
	c     recoveryCase
	short bool
	topic string

	crm      *crm.Portal
	server   *http.Server
	url      string
	keyFile  string     // the file with the key; "" if the key is in the environment
	services []*service // one for each replica; nil for one that does not run
	sent     sentLeads

	cleared time.Time // when trouble ended for which every lead must wait; zero if there was none
	killed  time.Time // when a process was killed; zero if none was
	over    time.Time // when the case's time was over; zero if that is when it has been played
}

// newScene creates the world of a case, and starts its services.
func newScene(ctx context.Context, l *lab, c recoveryCase, short bool) (*scene, error) {
	s := &scene{lab: l, c: c, short: short, topic: "leadbridge-bench-" + c.Name + "-" + rand.Text()[:8], crm: crm.New(c.CRM)}
	if err := s.open(ctx); err != nil {
		return nil, errors.Join(err, s.end())
	}
	return s, nil
}

func (s *scene) open(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.url = "http://" + listener.Addr().String()
	s.serve(listener)
	if s.c.KeyFile {
		dir, err := os.MkdirTemp("", "leadbridge-bench-")
		if err != nil {
			return err
		}
		s.keyFile = filepath.Join(dir, "key")
		if err := s.newKey(apiKey); err != nil {
			return err
		}
	}
	if err := s.broker.Create(ctx, s.c.Partitions, s.topic, s.deadLetters()); err != nil {
		return err
	}
	if !s.c.NewGroup {
		if err := s.broker.CommitStart(ctx, s.topic, s.topic, s.c.Partitions); err != nil {
			return err
		}
	}
	s.services = make([]*service, s.c.Replicas)
	for i := range s.services {
		if err := s.startService(ctx, i); err != nil {
			return err
		}
	}
	return s.warmUp(ctx)
}

// serve answers requests to the CRM until its server is closed.
func (s *scene) serve(listener net.Listener) {
	server := &http.Server{Handler: s.crm, ReadHeaderTimeout: time.Minute}
	s.server = server
	go func() { _ = server.Serve(listener) }() // it ends when the server is closed
}

// stopCRM makes the CRM refuse connections until startCRM is called.
func (s *scene) stopCRM() error { return s.server.Close() }

func (s *scene) startCRM(ctx context.Context) error {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		return err
	}
	s.serve(listener)
	return nil
}

// newKey replaces the key in its file atomically, as Kubernetes does.
func (s *scene) newKey(key string) error {
	next := s.keyFile + ".new"
	if err := os.WriteFile(next, []byte(key), 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.keyFile)
}

// warmUp waits until the services deliver: all partitions have an owner, and a lead of each has become a contact. Leads
// that come before there is an owner would be looked up, as an earlier owner could have sent them.
func (s *scene) warmUp(ctx context.Context) error {
	if err := s.owned(ctx); err != nil || s.c.NewGroup {
		return err
	}
	if err := s.burst(ctx, background(), s.c.Partitions); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, shareLimit, fmt.Errorf("no contact from each partition within %s of the start", shareLimit))
	defer cancel()
	return s.await(ctx, lookEvery, func() bool { return len(s.crm.Contacts()) >= s.c.Partitions })
}

// await calls holds in each interval every, until it returns true or ctx ends.
func (s *scene) await(ctx context.Context, every time.Duration, holds func() bool) error {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// lookEvery is how often a case checks the state of its CRM and its services. The results do not depend on it, as the CRM
// itself notes when contacts are created.
const lookEvery = 250 * time.Millisecond

// pause waits.
func (s *scene) pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *scene) deadLetters() string { return s.topic + ".dlt" }

// startService starts a replica with default settings. It runs until stopServices, even if ctx ends before.
func (s *scene) startService(ctx context.Context, i int) error {
	key := "CRM_API_KEY=" + apiKey
	if s.keyFile != "" {
		key = "CRM_API_KEY_FILE=" + s.keyFile
	}
	env := slices.Concat([]string{
		"KAFKA_BROKERS=" + strings.Join(s.broker.Addrs, ","), "KAFKA_TOPIC=" + s.topic, "KAFKA_DLT_TOPIC=" + s.deadLetters(), "KAFKA_GROUP_ID=" + s.topic,
		"CRM_BASE_URL=" + s.url, key, "HTTP_ADDR=127.0.0.1:0",
	}, s.c.Env, s.env)
	p, line, err := proc.Start(context.WithoutCancel(ctx), leadbridge(s.binary, "run", env))
	if err != nil {
		return err
	}
	var started struct{ HTTP string }
	if err := json.Unmarshal([]byte(line), &started); err != nil {
		return errors.Join(fmt.Errorf("the service's log: %w", err), p.Stop())
	}
	s.services[i] = &service{p, proc.NewClient("http://" + started.HTTP)}
	return nil
}

// crash kills a replica and starts it again a second later.
func (s *scene) crash(ctx context.Context, i int) error {
	s.services[i].Kill()
	s.services[i] = nil
	if err := s.pause(ctx, time.Second); err != nil {
		return err
	}
	return s.startService(ctx, i)
}

// roll replaces a replica as an update does: it is asked to stop, and the next one starts
// when it has ended.
func (s *scene) roll(ctx context.Context, i int) error {
	err := s.services[i].Stop()
	s.services[i] = nil
	if err != nil {
		return err
	}
	return s.startService(ctx, i)
}

// surge replaces a replica as a Kubernetes deployment does: the next one has partitions before the old one is asked to stop.
func (s *scene) surge(ctx context.Context, i int) error {
	old := s.services[i]
	err := s.startService(ctx, i)
	if err == nil {
		limit, cancel := context.WithTimeoutCause(ctx, shareLimit, fmt.Errorf("a new replica had no partition within %s", shareLimit))
		defer cancel()
		err = s.await(limit, lookEvery, func() bool {
			n, ownedErr := s.services[i].owned(limit)
			return ownedErr == nil && n > 0
		})
	}
	return errors.Join(err, old.Stop())
}

// failed returns the error of a replica that ended by itself.
func (s *scene) failed() error {
	for _, p := range s.services {
		if p != nil {
			if err := p.Failed(); err != nil {
				return err
			}
		}
	}
	return nil
}

// owned waits until the replicas together have all partitions.
func (s *scene) owned(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, shareLimit, fmt.Errorf("not all partitions had an owner within %s", shareLimit))
	defer cancel()
	var failed error
	err := s.await(ctx, lookEvery, func() bool {
		sum := 0
		for _, p := range s.services {
			n, err := p.owned(ctx)
			sum, failed = sum+n, errors.Join(failed, err)
		}
		return failed != nil || sum == s.c.Partitions
	})
	return errors.Join(failed, err)
}

// settle waits until the CRM has all good leads and, if the case asks for letters, all bad leads are letters; at most for
// the case's Grace.
func (s *scene) settle(ctx context.Context) error {
	limit, cancel := context.WithTimeout(ctx, s.c.Grace)
	defer cancel()
	err := s.await(limit, lookEvery, func() bool { return s.failed() != nil || s.missing() == 0 && s.lettersAreThere(limit) })
	if err != nil && ctx.Err() == nil {
		err = nil // the result counts the leads that are not delivered
	}
	return errors.Join(err, s.failed())
}

// lettersAreThere reports whether each bad lead is a letter, or the case does not ask for letters.
func (s *scene) lettersAreThere(ctx context.Context) bool {
	if !s.c.Letters {
		return true
	}
	letters, err := s.broker.Letters(ctx, s.deadLetters(), s.c.Partitions)
	return err == nil && !slices.ContainsFunc(s.sent.list(), func(l sentLead) bool { return l.role.bad && letters[l.place] == 0 })
}

// missing returns how many good leads the CRM does not have.
func (s *scene) missing() int {
	good := slices.DeleteFunc(s.sent.list(), func(l sentLead) bool { return l.role.bad })
	contacts := s.crm.Contacts()
	if len(contacts) < len(good) { // some are missing for certain: their number is enough
		return len(good) - len(contacts)
	}
	held := heldBy(contacts)
	return len(slices.DeleteFunc(good, func(l sentLead) bool { return len(held[l.n]) > 0 }))
}

// stopServices stops all replicas, which make their last commits.
func (s *scene) stopServices() error {
	var errs []error
	for i, p := range s.services {
		if p != nil {
			errs = append(errs, p.Stop())
			s.services[i] = nil
		}
	}
	return errors.Join(errs...)
}

// end stops everything, and removes what the case has made. It does not use the case's context, which may have ended.
func (s *scene) end() error {
	err := s.stopServices()
	s.crm.Close()
	if s.keyFile != "" {
		err = errors.Join(err, os.RemoveAll(filepath.Dir(s.keyFile)))
	}
	if s.server != nil {
		err = errors.Join(err, s.server.Close())
	}
	if s.broker.Embedded() {
		return err // topics and groups end with the broker
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*proc.ExitLimit) // killed members stay in the group until their session has ended
	defer cancel()
	removeErr := s.broker.RemoveTopics(ctx, s.topic, s.deadLetters())
	if waitErr := s.await(ctx, time.Second, func() bool { return s.broker.RemoveGroup(ctx, s.topic) == nil }); waitErr != nil || removeErr != nil {
		s.say("  what the case %s made is still in Kafka: %v", s.c.Name, errors.Join(removeErr, waitErr))
	}
	return err
}
