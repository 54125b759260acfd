package demo

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/playground"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/find"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/webhook"
)

// kept holds the listeners that only a demo with Keep has: of the playground, and of the operators' page. The zero value
// is that of a demo that ends after its audit.
type kept struct {
	playground, page net.Listener
}

// listen takes the addresses.
func (k *kept) listen(ctx context.Context, port int) (err error) {
	if k.playground, err = monitor.Listen(ctx, "--port", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err != nil {
		return err
	}
	k.page, err = monitor.Listen(ctx, "ADMIN_ADDR", "127.0.0.1:0")
	return err
}

// close gives up what listen took.
func (k *kept) close() {
	for _, l := range []net.Listener{k.playground, k.page} {
		if l != nil {
			_ = l.Close() // a server may have closed it
		}
	}
}

func urlOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return "http://" + l.Addr().String()
}

// calm returns the faults of the CRM while somebody plays: it still refuses the demo's leads that it refused before, so that
// a replay of their letters needs an edit.
func calm() crmtest.Faults {
	return crmtest.Faults{Refuse: markRefused, Business: markBusiness, Conflict: markConflict, Poison: markPoison, Forbid: markForbid}
}

// play serves the playground until ctx ends.
func (d *demo) play(ctx context.Context) error {
	address := urlOf(d.kept.playground)
	sources, err := playground.Sources(address)
	if err != nil {
		return err
	}
	gate, err := webhook.New(webhook.Config{
		Brokers: d.brokers(), Topic: topic, Sources: sources, AckTimeout: 5 * time.Second, HeaderTimeout: 5 * time.Second, BodyTimeout: 10 * time.Second,
		DrainTimeout: 2 * time.Second, Connections: 100, MaxBuffer: 8 << 20, Log: d.cfg.Log,
	})
	if err != nil {
		return fmt.Errorf("the gate: %w", err)
	}
	finder := find.New(find.Config{
		Brokers: d.brokers(), Topic: topic, DeadLetterTopic: deadLetterTopic, ResultTopic: resultTopic, GroupID: group, Transformer: d.transformer, NoTextSearch: true, Limit: 1,
	})
	defer finder.Close()
	p, err := playground.New(playground.Config{
		URL: address, Page: urlOf(d.kept.page), CRMPage: d.crmURL, Status: d.service.Status, Find: finder.Find, Gate: gate,
		Portal: d.sim, Key: apiKey, Calm: calm(), Usual: serviceTime, Invent: d.inventor(),
	})
	if err != nil {
		return err
	}
	defer p.Close()
	d.invite()
	if err := gate.Run(ctx, d.kept.playground, p.Handler()); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("the playground: %w", err)
	}
	return nil
}

func (d *demo) brokers() cluster.Brokers {
	return cluster.Brokers{Addresses: d.broker.cluster.ListenAddrs()}
}

// inventor returns a function that fills in the playground's form for an invented person, none of the demo's leads.
func (d *demo) inventor() func(int) url.Values {
	return func(n int) url.Values {
		seed := uint64(time.Now().UnixNano())
		p := newPerson(rand.New(rand.NewPCG(seed, uint64(n))), 1_000_000+int(seed%1_000_000)+n)
		return url.Values{"name": {p.first + " " + p.last}, "phone": {p.typed()}, "email": {p.email()}, "message": {"Перезвоните, пожалуйста"}}
	}
}
