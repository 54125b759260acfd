package demo

import (
	"context"
	_ "embed"
	"errors"
	"io"
	"net"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/monitor"
	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/service"
	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/transform"
)

//go:embed mapping.jq
var mapping string

// Config is what a person may choose.
type Config struct {
	Events   int
	Seed     uint64
	Keep     bool      // leave it running after the audit until the context ends
	Out      io.Writer // for the person
	Terminal bool      // Out can redraw a line
	Log      zerolog.Logger
	Version  string

	// Sabotage, when given, spoils the outcome right before the audit; tests
	// show by it that the audit sees.
	Sabotage func(*crmtest.Simulator)
}

// times are shorter than with a real portal, or a demo would take minutes.
const (
	perSecond  = 80
	settle     = 400 * time.Millisecond
	lateBy     = 200 * time.Millisecond // less than settle: the portal keeps what it promises
	queueLimit = 800 * time.Millisecond
	timeout    = 2 * time.Second
	maxBackoff = 500 * time.Millisecond
)

// faults are what the simulated CRM does wrong.
func faults() crmtest.Faults {
	return crmtest.Faults{
		FailBefore: 0.03, ApplyThenFail: 0.04, ApplyLate: 0.02, Hang: 0.003, Reset: 0.02, Truncate: 0.02, HTML: 0.01, Throttle: 0.006,
		LateBy: crmtest.Duration(lateBy), LookupLag: crmtest.Duration(100 * time.Millisecond), RetryAfter: 1,
		Refuse: markRefused, Business: markBusiness, Conflict: markConflict, Poison: markPoison, Forbid: markForbid,
	}
}

// demo is one showing.
type demo struct {
	cfg         Config
	broker      *broker
	sim         *crmtest.Simulator
	transformer *transform.Transformer
	service     *service.Service
	crmURL      string
	statusURL   string
	started     time.Time
	fates       map[place]fate
	leads       []lead
	outcomes    int // contacts and dead letters that there must be in the end
}

// Run shows leadbridge at work and audits the outcome. ok tells whether every
// event is accounted for; the error is one of the demo itself.
func Run(ctx context.Context, cfg Config) (ok bool, err error) {
	d := &demo{cfg: cfg, started: time.Now(), fates: map[place]fate{}, leads: newLeads(cfg.Events, cfg.Seed)}
	d.outcomes = outcomes(d.leads)
	if d.broker, err = startBroker(); err != nil {
		return false, err
	}
	defer d.broker.close()
	d.sim = crmtest.New(crmtest.Options{
		PerMinute: 60 * perSecond, PerSecond: perSecond, Slots: 2, QueueLimit: queueLimit, ServiceTime: 15 * time.Millisecond,
		ItemTime: 2 * time.Millisecond, ErrorLoop: 10, ExistingUserField: true, NativeUTM: true, Portal: "demo.bitrix24.ru", Seed: cfg.Seed,
	})
	defer d.sim.Close()
	if err := d.sim.SetFaults(faults()); err != nil {
		return false, err
	}
	stopCRM, err := d.serveCRM(ctx)
	if err != nil {
		return false, err
	}
	defer stopCRM()
	if err := d.wire(ctx); err != nil {
		return false, err
	}
	return d.show(ctx)
}

// serveCRM puts the simulator on a free loopback port.
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
	if d.transformer, err = transform.New(transform.Options{PhoneRegion: "RU", SourceID: "WEB", Mapping: mapping}); err != nil {
		return err
	}
	l, err := loopback(ctx)
	if err != nil {
		return err
	}
	d.statusURL = "http://" + l.Addr().String()
	d.service, err = service.New(service.Config{
		Consumer: consumer.Config{
			Brokers: d.broker.cluster.ListenAddrs(), Topic: topic, DeadLetterTopic: deadLetterTopic, GroupID: group,
			SessionTimeout: 10 * time.Second, DrainTimeout: 5 * time.Second, Window: 256, MaxBuffer: 64 << 20, DedupeWindow: 10_000,
		},
		CRM: crmclient.Config{
			BaseURL: d.crmURL, APIKey: crmclient.Secret{Value: "vibe_api_demo"},
			Timeout: timeout, QueueLimit: queueLimit, Settle: settle, Slots: 2,
			RequestsPerMinute: 60 * perSecond, RequestsPerSecond: perSecond,
			OriginField: "auto", Originator: "leadbridge",
			MaxAttempts: 6, BackoffInitial: 50 * time.Millisecond, BackoffMax: maxBackoff, FloodLimit: 100,
		},
		Transformer: d.transformer,
		Version:     d.cfg.Version,
		Log:         d.cfg.Log,
		Listener:    l,
		Summary:     30 * time.Second,
	})
	if err != nil {
		_ = l.Close()
	}
	return err
}

// show runs the service, sends the leads, waits, and audits.
func (d *demo) show(ctx context.Context) (ok bool, err error) {
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	var served error // written before done is closed
	done := make(chan struct{})
	go func() {
		defer close(done)
		served = d.service.Run(serving)
	}()
	defer func() {
		stop()
		<-done
		err = errors.Join(err, served)
	}()
	d.introduce()
	if err := d.deliver(ctx); err != nil {
		return false, err
	}
	if d.cfg.Sabotage != nil {
		d.cfg.Sabotage(d.sim)
	}
	v, err := d.audit(ctx)
	if err != nil {
		return false, err
	}
	d.summarize(v)
	if d.cfg.Keep {
		d.invite()
		<-ctx.Done()
	}
	return len(v.problems) == 0, nil
}

// deliver sends the leads while the service runs, and waits until all are
// committed, or until there is no hope; the audit then says what is missing.
func (d *demo) deliver(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, d.patience(), errPatience)
	defer cancel()
	stopProgress := d.progress()
	defer stopProgress()
	if err := d.send(ctx); err != nil {
		return err
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !d.broker.caughtUp() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errPatience) {
				return nil
			}
			return context.Cause(ctx)
		}
	}
	return nil
}

// patience is how long the delivery may take.
func (d *demo) patience() time.Duration {
	return 25*time.Second + time.Duration(d.cfg.Events)*40*time.Millisecond
}

var errPatience = errors.New("the delivery takes too long")

// sendFor is how long the leads take to come in.
const sendFor = 2 * time.Second

func (d *demo) send(ctx context.Context) error {
	pause := time.NewTicker(max(sendFor/time.Duration(len(d.leads)), time.Microsecond))
	defer pause.Stop()
	for i, l := range d.leads {
		at, err := d.broker.produce(ctx, l, i)
		if err != nil {
			return err
		}
		d.fates[at] = l.fate
		select {
		case <-pause.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// audit reads everything back. It waits for what the portal may still apply late.
func (d *demo) audit(ctx context.Context) (verdict, error) {
	select {
	case <-time.After(lateBy):
	case <-ctx.Done():
		return verdict{}, context.Cause(ctx)
	}
	records, err := d.broker.read(ctx, topic)
	if err != nil {
		return verdict{}, err
	}
	letters, err := d.broker.read(ctx, deadLetterTopic)
	if err != nil {
		return verdict{}, err
	}
	return audit(evidence{records: records, fates: d.fates, letters: letters, contacts: d.sim.Contacts()}, d.transformer), nil
}

func loopback(ctx context.Context) (net.Listener, error) {
	return monitor.Listen(ctx, "127.0.0.1:0")
}
