package demo

import (
	"context"
	_ "embed"
	"net"
	"time"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/service"
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/transform"
)

//go:embed mapping.jq
var mapping string

// Limits and times of the simulated CRM, and of the service with it. They are shorter than with a real portal, or a demo
// would take minutes.
const (
	perSecond  = 80 // requests a second
	settle     = 300 * time.Millisecond
	lateBy     = 150 * time.Millisecond // how late a late write takes effect; less than settle, as the portal promises
	queueLimit = 600 * time.Millisecond
	timeout    = 1500 * time.Millisecond
	maxBackoff = 500 * time.Millisecond

	serviceTime = 15 * time.Millisecond

	originator = "leadbridge"
	apiKey     = "vibe_api_demo" //nolint:gosec // G101: it is the key of a CRM in this process
)

// faults returns what the simulated CRM does wrong.
func faults() crmtest.Faults {
	return crmtest.Faults{
		FailBefore: 0.03, ApplyThenFail: 0.04, ApplyLate: 0.02, Hang: 0.003, Reset: 0.02, Truncate: 0.02, HTML: 0.01, Throttle: 0.006,
		LateBy: crmtest.Duration(lateBy), LookupLag: crmtest.Duration(100 * time.Millisecond), RetryAfter: 1,
		Refuse: markRefused, Business: markBusiness, Conflict: markConflict, Poison: markPoison, Forbid: markForbid,
	}
}

// serveCRM serves the simulator on a free loopback port, until stop is called.
func (d *demo) serveCRM(ctx context.Context) (stop func(), err error) {
	l, err := loopback(ctx)
	if err != nil {
		return nil, err
	}
	d.crmURL = "http://" + l.Addr().String()
	server := monitor.NewServer(d.sim, 0)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends by Close
	}()
	return func() {
		_ = server.Close()
		<-done
	}, nil
}

// wire makes the service as run does, with shorter times.
func (d *demo) wire(ctx context.Context) (err error) {
	if d.transformer, err = transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB", Mapping: mapping, Target: d.cfg.Target}); err != nil {
		return err
	}
	l, err := loopback(ctx)
	if err != nil {
		return err
	}
	d.statusURL = "http://" + l.Addr().String()
	results := ""
	if d.cfg.Keep {
		results = resultTopic // the playground reads there what became of its leads
	}
	d.service, err = service.New(service.Config{
		Consumer: consumer.Config{
			ResultTopic: results,
			Brokers:     cluster.Brokers{Addresses: d.broker.cluster.ListenAddrs()}, Topic: topic, DeadLetterTopic: deadLetterTopic, GroupID: group,
			SessionTimeout: 10 * time.Second, DrainTimeout: 5 * time.Second, Window: 256, MaxBuffer: 64 << 20, DedupeWindow: 10_000,
		},
		CRM: crmclient.Config{
			BaseURL: d.crmURL, APIKey: crmclient.Secret{Value: apiKey}, Target: d.cfg.Target, Comment: d.cfg.Comment, Match: d.match(),
			Timeout: timeout, QueueLimit: queueLimit, Settle: settle, Slots: 2,
			RequestsPerMinute: 60 * perSecond, RequestsPerSecond: perSecond,
			OriginField: "auto", Originator: originator,
			MaxAttempts: 6, BackoffInitial: 50 * time.Millisecond, BackoffMax: maxBackoff, FloodLimit: 100,
		},
		Transformer: d.transformer,
		Version:     d.cfg.Version,
		Log:         d.cfg.Log,
		Listener:    l,
		Page:        d.kept.page,
		Playground:  urlOf(d.kept.playground),
		Summary:     30 * time.Second,
	})
	if err != nil {
		_ = l.Close()
	}
	return err
}

func loopback(ctx context.Context) (net.Listener, error) {
	return monitor.Listen(ctx, "HTTP_ADDR", "127.0.0.1:0")
}
