package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/integration/internal/leads"
	"github.com/leadbridge/leadbridge/integration/internal/topics"
	"github.com/leadbridge/leadbridge/transform"
)

// Times of the processes. The session is the shortest that brokers take.
const (
	session   = 6 * time.Second
	drain     = 3 * time.Second
	exitLimit = drain + 5*time.Second + 5*time.Second // what the README says, and as much for a busy machine
)

// game is one run.
type game struct {
	o       options
	book    *book
	cluster *cluster
	portal  *portal
	slots   []*slot // members, then the guest
	sender  *topics.Sender
}

// play is one run from the start of the broker to the verdict.
func play(ctx context.Context, o options, out io.Writer) (verdict, error) {
	g := &game{o: o}
	var err error
	if g.book, err = openBook(o.dir, out); err != nil {
		return verdict{}, err
	}
	defer g.book.close()
	g.book.note("seed %d, %v of blows; logs in %s", o.seed, o.duration, o.dir)
	if g.cluster, err = openCluster(ctx, o.brokers, members+1); err != nil {
		return verdict{}, err
	}
	defer func() { _ = g.cluster.close(context.WithoutCancel(ctx)) }() // the run is over either way
	if g.portal, err = openPortal(o.seed, o.dir); err != nil {
		return verdict{}, err
	}
	defer g.portal.close()
	if g.sender, err = g.cluster.topics.NewSender(topic); err != nil {
		return verdict{}, err
	}
	defer g.disband()
	if err := g.assemble(); err != nil {
		return verdict{}, err
	}
	watching, stopWatch := context.WithCancel(ctx)
	defer stopWatch()
	go g.watchCommits(watching)
	if err := g.beat(ctx); err != nil {
		return verdict{}, err
	}
	return g.conclude(ctx)
}

// assemble starts the members of the group.
func (g *game) assemble() error {
	c := &crew{binary: g.o.binary, dir: g.o.dir, book: g.book, env: g.env(), creates: g.portal.traffic.creates}
	for i, p := range g.cluster.paths {
		name := guest
		if i < members {
			name = member(i)
		}
		g.slots = append(g.slots, &slot{name: name, crew: c, path: p})
	}
	for _, s := range g.slots[:members] {
		if err := s.start(); err != nil {
			return err
		}
	}
	return nil
}

// env is the environment of all processes.
func (g *game) env() []string {
	r := rand.New(rand.NewPCG(g.o.seed, 3<<32))
	return []string{
		"KAFKA_TOPIC=" + topic, "KAFKA_DLT_TOPIC=" + letters, "KAFKA_GROUP_ID=" + group,
		fmt.Sprintf("KAFKA_SESSION_TIMEOUT=%v", session), fmt.Sprintf("DRAIN_TIMEOUT=%v", drain),
		"CRM_BASE_URL=" + g.portal.url(), "CRM_REQUESTS_PER_MINUTE=0", "CRM_REQUESTS_PER_SECOND=0",
		fmt.Sprintf("CRM_SETTLE=%v", crmSettle), fmt.Sprintf("CRM_QUEUE_LIMIT=%v", crmQueueLimit), fmt.Sprintf("CRM_TIMEOUT=%v", crmTimeout),
		"CRM_BACKOFF_INITIAL=100ms", "CRM_BACKOFF_MAX=2s", "CRM_FLOOD_LIMIT=1000",
		// More than half of the answers fail at times: see the README's table.
		"CRM_MAX_ATTEMPTS=8",
		fmt.Sprintf("CRM_BATCH_SIZE=%d", []int{50, 50, 10, 1}[r.IntN(4)]),
		fmt.Sprintf("WINDOW=%d", []int{256, 256, 64, 16}[r.IntN(4)]),
		"HTTP_ADDR=127.0.0.1:0", "LOG_LEVEL=debug",
	}
}

// disband ends every process that is left.
func (g *game) disband() {
	for _, s := range g.slots {
		if len(s.lives) > 0 {
			s.now().kill()
		}
	}
}

// beat lets the blows fall, while leads come in. All blows are made up for when it returns.
func (g *game) beat(ctx context.Context) error {
	g.book.note("the CRM fails:%s", g.portal.newRates())
	ctx, cancel := context.WithTimeout(ctx, g.o.duration)
	defer cancel()
	var lanes sync.WaitGroup
	plan := newPlan(g.o.seed, g.o.duration)
	began := time.Now()
	errs := make(chan error, len(plan))
	for _, actions := range plan {
		lanes.Go(func() {
			for _, a := range actions {
				rest(ctx, time.Until(began.Add(a.at)))
				if ctx.Err() != nil {
					return
				}
				g.book.deal(a)
				if err := g.deal(ctx, a); err != nil {
					errs <- err
					cancel()
					return
				}
			}
		})
	}
	g.write(ctx)
	lanes.Wait()
	close(errs)
	var all error
	for err := range errs {
		all = errors.Join(all, err)
	}
	return all
}

// write sends leads until ctx ends: steadily, and now and then many at once.
func (g *game) write(ctx context.Context) {
	a := leads.NewAuthor(g.o.seed)
	const tick = 100 * time.Millisecond
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	due := 0.0
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		due += float64(g.o.rate) * tick.Seconds()
		if a.OneIn(50) {
			due += 2 * float64(g.o.rate)
		}
		for ; due >= 1; due-- {
			g.sender.Send(a.Next())
		}
	}
}

// deal deals one blow and makes up for it.
func (g *game) deal(ctx context.Context, a action) error {
	for i, p := range g.cluster.paths {
		if a.target == way(i) {
			g.strain(ctx, p, a)
			return nil
		}
	}
	for _, s := range g.slots {
		if a.target == s.name {
			return s.suffer(ctx, a)
		}
	}
	if a.target == brokers {
		return g.killBroker(ctx, a)
	}
	g.botherCRM(ctx, a)
	return nil
}

// strain makes a path bad for a while.
func (g *game) strain(ctx context.Context, p *path, a action) {
	switch a.blow {
	case slow:
		p.slow(a.lasts / 20)
		rest(ctx, a.lasts)
		p.slow(0)
	case resetConns:
		p.reset()
	case cutLate, cutReset:
		from := time.Now()
		p.cut()
		rest(ctx, a.lasts)
		g.book.away(a.slot(), from, time.Now())
		if a.blow == cutReset {
			p.reset()
		}
		p.heal()
	}
}

// killBroker kills a broker and starts it again, also after the end of the blows.
func (g *game) killBroker(ctx context.Context, a action) error {
	done := context.WithoutCancel(ctx)
	nodes := g.cluster.kafka.Nodes
	node := nodes[int(a.at/time.Millisecond)%len(nodes)] // any, and by the seed
	killed := time.Now()
	if err := node.Kill(done); err != nil {
		return err
	}
	rest(ctx, a.lasts)
	began := time.Now()
	if err := node.Start(done); err != nil {
		return err
	}
	g.book.away(a.target, killed, time.Now())
	g.book.note("broker %d answers again, %v after its start", node.ID, time.Since(began).Round(time.Millisecond))
	return nil
}

func (g *game) botherCRM(ctx context.Context, a action) {
	switch a.blow {
	case crmFaultRates:
		g.book.note("the CRM fails:%s", g.portal.newRates())
		return
	case crmCloses:
		g.portal.change(func(f *crmtest.Faults) { f.Down = "close" })
	case crmDown:
		g.portal.change(func(f *crmtest.Faults) { f.Down = "503" })
	case crmStrangers:
		g.portal.change(func(f *crmtest.Faults) { f.IgnoreFilters = true })
	}
	rest(ctx, a.lasts)
	g.portal.change(func(*crmtest.Faults) {})
}

// watchCommits sees to it that the group's offsets never go back.
func (g *game) watchCommits(ctx context.Context) {
	last := map[int32]int64{}
	ticker := time.NewTicker(300 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		at, err := g.cluster.topics.Commits(ctx, group, topic)
		if err != nil {
			continue // the broker is dead at times
		}
		for i := range at {
			if at[i] < last[i] {
				g.book.breach("the commit of partition %d went back from %d to %d", i, last[i], at[i])
			}
			last[i] = at[i]
		}
	}
}

// conclude lets everything come to its end and audits.
func (g *game) conclude(ctx context.Context) (verdict, error) {
	g.portal.calm()
	g.book.note("no more blows; the CRM only refuses what it must")
	acked, err := g.sender.Flush(ctx)
	if err != nil {
		return verdict{}, err
	}
	if err := g.settle(ctx); err != nil {
		return verdict{}, err
	}
	for _, s := range g.slots[:members] {
		s.stop(ctx)
	}
	ev := leads.Evidence{Acked: acked, Contacts: g.portal.sim.Contacts()}
	if ev.Records, err = g.cluster.topics.Read(ctx, topic); err != nil {
		return verdict{}, err
	}
	if ev.Letters, err = g.cluster.topics.Read(ctx, letters); err != nil {
		return verdict{}, err
	}
	tr, err := transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB"})
	if err != nil {
		return verdict{}, fmt.Errorf("audit: %w", err)
	}
	g.readJournals()
	return verdict{audit: leads.Account(ev, tr), breaches: g.book.found(), effort: g.effort(), story: g.portal.traffic.story}, nil
}

// effort tells what the run went through.
func (g *game) effort() string {
	stats := g.portal.sim.Stats()
	return fmt.Sprintf("blows:%s\nCRM: %d calls, %d batches, %d look-ups, %d queue timeouts; faults:%s",
		g.book.dealt(), stats.Calls, stats.Batches, stats.Lookups, stats.QueueTimeouts, counted(stats.Faults))
}
