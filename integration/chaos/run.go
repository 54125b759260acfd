package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"time"

	"github.com/leadbridge/leadbridge/integration/internal/leads"
	"github.com/leadbridge/leadbridge/integration/internal/topics"
)

// Times of the processes. The session is the shortest that brokers take.
const (
	session   = 6 * time.Second
	drain     = 3 * time.Second
	exitLimit = drain + 5*time.Second + 5*time.Second // what docs/settings.md says of DRAIN_TIMEOUT, and as much for a busy machine
)

// game is one run: a cluster, a CRM, the processes, and rounds of blows, each of which ends in an audit
// of everything since the start.
type game struct {
	o       options
	book    *book
	cluster *cluster
	portal  *portal
	crew    *crew
	slots   []*slot // members, the guest, the gate
	author  *leads.Author
	sender  *topics.Sender
	hooks   *hooks
	replays *replays
	ordered bool             // ORDER_BY is key
	bursts  chan leads.Burst // to be sent among the other leads
	backlog atomic.Int64     // records that no consumer has read, as last seen
}

// play is a run from the start of the broker to the verdict.
func play(ctx context.Context, o options, out io.Writer) (verdict, error) {
	g := &game{o: o, bursts: make(chan leads.Burst)}
	var err error
	if g.book, err = openBook(o.dir, out); err != nil {
		return verdict{}, err
	}
	defer g.book.close()
	history, err := openHistory(o)
	if err != nil {
		return verdict{}, err
	}
	g.book.note("seed %d, rounds of %v; logs in %s%v", o.seed, o.duration, o.dir, history)
	if err := g.open(ctx, uint64(history.next())); err != nil {
		g.close(ctx)
		return verdict{}, err
	}
	defer g.close(ctx)
	watching, stopWatch := context.WithCancel(ctx)
	defer stopWatch()
	go g.watchCommits(watching)
	go g.watchBacklog(watching)
	go g.watchResources(watching)
	return g.rounds(ctx, history)
}

// open starts everything but the blows.
func (g *game) open(ctx context.Context, first uint64) error {
	g.author = leads.NewAuthor(g.o.seed+first<<32, g.o.leads())
	keys, err := newKeyring(g.o.dir)
	if err != nil {
		return err
	}
	if g.cluster, err = openCluster(ctx, g.o.brokers, members+2); err != nil {
		return err
	}
	if g.portal, err = openPortal(g.o.seed, g.o.dir, keys); err != nil {
		return err
	}
	g.portal.blind = strings.FieldsFunc(g.o.blind, func(r rune) bool { return r == ',' })
	if g.sender, err = g.cluster.topics.NewSender(topic); err != nil {
		return err
	}
	g.replays = newReplays(g.o.binary, g.o.dir, g.cluster.kafka.Addrs(), g.book)
	return g.assemble(keys)
}

// assemble starts the members of the group, and the gate.
func (g *game) assemble(keys *keyring) error {
	at, err := freeAddress()
	if err != nil {
		return err
	}
	g.hooks = newHooks(at, g.o.leads())
	g.crew = &crew{binary: g.o.binary, before: g.o.before, dir: g.o.dir, book: g.book, keys: keys, env: g.env(), creates: g.portal.traffic.creates, running: map[*process]bool{}}
	g.book.note("settings of all consumers: %s", strings.Join(g.crew.env, " "))
	if g.crew.gateEnv, err = gateEnv(g.o.dir, at); err != nil {
		return err
	}
	for i, p := range g.cluster.paths {
		g.slots = append(g.slots, &slot{name: slotName(i), crew: g.crew, path: p})
	}
	for _, s := range g.residents() {
		if err := s.start(); err != nil {
			return err
		}
	}
	return nil
}

// slotName names the consumers, the guest among them, and the gate.
func slotName(i int) string {
	switch i {
	case members:
		return guest
	case members + 1:
		return gate
	}
	return member(i)
}

// residents are the slots that always have a process.
func (g *game) residents() (all []*slot) {
	for _, s := range g.slots {
		if s.name != guest {
			all = append(all, s)
		}
	}
	return all
}

// env is the environment of all consumers.
func (g *game) env() []string {
	r := rand.New(rand.NewPCG(g.o.seed, 3<<32))
	env := []string{
		"KAFKA_TOPIC=" + topic, "KAFKA_DLT_TOPIC=" + letters, "KAFKA_GROUP_ID=" + group,
		fmt.Sprintf("KAFKA_SESSION_TIMEOUT=%v", session), fmt.Sprintf("DRAIN_TIMEOUT=%v", drain),
		"CRM_TARGET=" + string(g.o.target), "CRM_BASE_URL=" + g.portal.url(), "CRM_REQUESTS_PER_MINUTE=0", "CRM_REQUESTS_PER_SECOND=0",
		fmt.Sprintf("CRM_SETTLE=%v", crmSettle), fmt.Sprintf("CRM_QUEUE_LIMIT=%v", crmQueueLimit), fmt.Sprintf("CRM_TIMEOUT=%v", crmTimeout),
		"CRM_BACKOFF_INITIAL=100ms", "CRM_BACKOFF_MAX=2s",
		// More than half of the answers fail at times: see docs/exceptions.md.
		"CRM_MAX_ATTEMPTS=8",
		"HTTP_ADDR=127.0.0.1:0", "LOG_LEVEL=" + g.o.level(), "FRESH_FIRST=" + g.o.freshFirst,
	}
	batch, window := []int{50, 50, 10, 1}[r.IntN(4)], []int{256, 256, 64, 16}[r.IntN(4)]
	if !g.o.soaks() { // which has to get through many events
		env = append(env, fmt.Sprintf("CRM_BATCH_SIZE=%d", batch), fmt.Sprintf("WINDOW=%d", window))
	}
	env = append(env, fmt.Sprintf("CRM_FLOOD_LIMIT=%d", []int{100, 100, 1000}[r.IntN(3)]))
	if g.ordered = r.IntN(2) == 0; g.ordered {
		env = append(env, "ORDER_BY=key")
	}
	if comment := []string{"off", "on", "both"}[r.IntN(3)]; g.o.before == "" {
		env = append(env, "CRM_COMMENT="+comment)
	}
	if g.o.match != matchOff { // newest: what two processes made of one person at once is one card from then on
		env = append(env, "CRM_MATCH="+g.o.match, "CRM_MATCH_MANY=newest")
	}
	return env
}

// close ends every process that is left, and what was started for them.
func (g *game) close(ctx context.Context) {
	for _, s := range g.slots {
		if len(s.lives) > 0 {
			s.now().kill()
		}
	}
	if g.sender != nil {
		g.sender.Close()
	}
	if g.portal != nil {
		g.portal.close()
	}
	if g.cluster != nil {
		_ = g.cluster.close(context.WithoutCancel(ctx)) // the run is over either way
	}
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

// watchBacklog asks the consumers what waits. The group's offsets do not tell: a single record that is tried
// again and again keeps them back, while all behind it is done.
func (g *game) watchBacklog(ctx context.Context) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		waiting := int64(0)
		for _, p := range g.crew.alive() {
			waiting += lagOf(ctx, p)
		}
		g.backlog.Store(waiting)
	}
}

// lagOf is how many records of its partitions a consumer has not read; 0 when it does not answer at once.
func lagOf(ctx context.Context, p *process) int64 {
	ctx, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	text, err := status(ctx, p.lines.address())
	var said struct{ Lag int64 }
	if err != nil || json.Unmarshal([]byte(text), &said) != nil {
		return 0
	}
	return said.Lag
}
