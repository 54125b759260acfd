package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/integration/internal/leads"
)

// strike deals one blow and makes up for it.
func (g *game) strike(ctx context.Context, a action) error {
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
	switch a.target {
	case brokers:
		return g.killBroker(ctx, a)
	case letters:
		return g.refuseLetters(ctx, a)
	case replay:
		g.replays.run(ctx, a)
		return nil
	case clocks:
		return g.stepClock(ctx, a)
	case secrets:
		return g.rotateKeys(ctx, a)
	case load:
		select {
		case g.bursts <- leads.Burst(a.blow):
		case <-ctx.Done():
		}
		return nil
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

// refuseLetters has the dead-letter topic take no record for a while.
func (g *game) refuseLetters(ctx context.Context, a action) error {
	done := context.WithoutCancel(ctx)
	if err := g.cluster.setInSync(done, letters, len(g.cluster.kafka.Nodes)+1); err != nil {
		return err
	}
	rest(ctx, a.lasts)
	return g.cluster.setInSync(done, letters, g.cluster.inSync())
}

// clockVariable names the file by which a clock is stepped, to a binary that ./clock built.
const clockVariable = "LEADBRIDGE_CLOCK_FILE"

// clockFile holds by how much the clock of a slot's process is ahead.
func (c *crew) clockFile(slot string) string { return filepath.Join(c.dir, slot+".clock") }

// stepClock steps the clock of one of the members, and back after a while.
func (g *game) stepClock(ctx context.Context, a action) error {
	random := rand.New(rand.NewPCG(g.o.seed, uint64(a.at)))
	file := g.crew.clockFile(member(random.IntN(members)))
	by := time.Duration(random.Int64N(int64(clockStep)))
	if a.blow == clockBehind {
		by = -by
	}
	g.book.note("%s by %v", filepath.Base(file), by)
	err := os.WriteFile(file, []byte(by.String()), 0o600)
	rest(ctx, a.lasts)
	return errors.Join(err, os.WriteFile(file, []byte("0s"), 0o600))
}

// rotateKeys revokes all keys of the CRM, and gives out new ones after a while.
func (g *game) rotateKeys(ctx context.Context, a action) error {
	g.crew.keys.revoke()
	rest(ctx, a.lasts)
	return g.crew.keys.renew()
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
	case crmForbids:
		g.portal.failWrites(http.StatusForbidden)
	case crmWriteFails:
		g.portal.failWrites(http.StatusInternalServerError)
	case crmNoDeals:
		g.portal.change(func(f *crmtest.Faults) { f.Forbidden = []string{crmtest.Deals} })
	case crmNoContacts:
		g.portal.change(func(f *crmtest.Faults) { f.Forbidden = []string{crmtest.Contacts} })
	case crmStrangers:
		g.portal.change(func(f *crmtest.Faults) { f.IgnoreFilters = true })
	}
	rest(ctx, a.lasts)
	g.portal.failWrites(0)
	g.portal.change(func(*crmtest.Faults) {})
}
