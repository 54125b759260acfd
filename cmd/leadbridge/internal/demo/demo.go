package demo

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/rs/zerolog"

	"github.com/leadbridge/leadbridge/cmd/leadbridge/internal/service"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/crmclient/crmtest"
	"github.com/leadbridge/leadbridge/internal/audit"
	"github.com/leadbridge/leadbridge/transform"
)

// Config holds what a demo shows, and where.
type Config struct {
	Events   int // how many leads are sent; 0 only with Keep: the playground alone, without an audit
	Seed     uint64
	Keep     bool      // serve a playground after the audit, until the context ends; false: end after the audit
	Port     int       // of the playground; 0: a free one
	Out      io.Writer // where the demo says what happens
	Terminal bool      // Out is a terminal, on which a line can be drawn again; false: each line is written once
	Log      zerolog.Logger
	Version  string
	Target   crmclient.Target // what an event becomes; empty: a contact
	Comment  crmclient.CommentMode
	Match    bool // some persons come back, and are looked for by e-mail and phone; false: each event has a new person

	// Sabotage is called right before the audit. Tests spoil the outcome by it, to
	// see that the audit fails. Nil: it is not called.
	Sabotage func(*crmtest.Simulator)
}

// demo is one call of Run.
type demo struct {
	cfg         Config
	broker      *broker
	sim         *crmtest.Simulator
	transformer *transform.Transformer
	service     *service.Service
	kept        kept
	crmURL      string
	statusURL   string
	started     time.Time
	leads       []lead              // to be sent
	fates       map[audit.Place]due // what must become of each record that was sent
	outcomes    int                 // contacts and dead letters that there must be in the end
	unfinished  bool                // the delivery took longer than patience and was given up
}

// Run shows leadbridge at work and audits the outcome. ok reports whether every
// event is accounted for; the error is one of the demo itself.
func Run(ctx context.Context, cfg Config) (ok bool, err error) {
	d := &demo{cfg: cfg, started: time.Now(), fates: map[audit.Place]due{}, leads: newLeads(cfg.Events, cfg.Seed, cfg.Match)}
	d.outcomes = outcomes(d.leads)
	if cfg.Match && d.kind() == crmtest.Contacts { // who comes back gets no second contact
		d.outcomes -= comeBack(d.leads)
	}
	if d.broker, err = startBroker(); err != nil {
		return false, err
	}
	defer d.broker.close()
	d.sim = crmtest.New(crmtest.Options{
		PerMinute: 60 * perSecond, PerSecond: perSecond, Slots: 2, QueueLimit: queueLimit, ServiceTime: serviceTime,
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
	defer d.kept.close()
	if cfg.Keep {
		if err := d.kept.listen(ctx, cfg.Port); err != nil {
			return false, err
		}
	}
	if err := d.wire(ctx); err != nil {
		return false, err
	}
	return d.show(ctx)
}

// show runs the service, sends the leads, and, when the demo is kept, serves the playground.
func (d *demo) show(ctx context.Context) (ok bool, err error) {
	// The service outlives ctx: it stops when show returns.
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
	if ok, err = d.perform(ctx); err != nil || !d.cfg.Keep {
		return ok, err
	}
	return ok, d.play(ctx)
}

// perform sends the leads, waits until they are delivered, and audits the outcome. ok reports whether every event is
// accounted for.
func (d *demo) perform(ctx context.Context) (ok bool, err error) {
	if len(d.leads) == 0 {
		return true, nil
	}
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
	return len(v.problems) == 0, nil
}

// match returns the setting CRM_MATCH.
func (d *demo) match() crmclient.Match {
	return crmclient.Match{Email: d.cfg.Match, Phone: d.cfg.Match}
}

// kind returns the kind of object whose existence shows that an event was delivered.
func (d *demo) kind() string {
	switch d.cfg.Target {
	case crmclient.TargetLead:
		return crmtest.Leads
	case crmclient.TargetDeal:
		return crmtest.Deals
	}
	return crmtest.Contacts
}
