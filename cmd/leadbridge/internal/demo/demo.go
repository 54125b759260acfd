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

// Config holds what a person may choose.
type Config struct {
	Events   int // 0, with Keep: none is sent, and there is no audit
	Seed     uint64
	Keep     bool      // serve a playground after the audit, until the context ends
	Port     int       // of the playground; 0: a free one
	Out      io.Writer // for the person
	Terminal bool      // Out can redraw a line
	Log      zerolog.Logger
	Version  string
	Target   crmclient.Target // what an event becomes; empty: a contact
	Comment  crmclient.CommentMode
	Match    bool // persons come back, and are looked for by e-mail and phone

	// Sabotage, when given, spoils the outcome right before the audit; tests
	// show by it that the audit sees.
	Sabotage func(*crmtest.Simulator)
}

// demo is one showing.
type demo struct {
	unfinished  bool // the delivery was given up before its end
	cfg         Config
	broker      *broker
	sim         *crmtest.Simulator
	transformer *transform.Transformer
	service     *service.Service
	kept        kept
	crmURL      string
	statusURL   string
	started     time.Time
	fates       map[audit.Place]due
	leads       []lead
	outcomes    int // contacts and dead letters that there must be in the end
}

// Run shows leadbridge at work and audits the outcome. ok reports whether every
// event is accounted for; the error is one of the demo itself.
func Run(ctx context.Context, cfg Config) (ok bool, err error) {
	d := &demo{cfg: cfg, started: time.Now(), fates: map[audit.Place]due{}, leads: newLeads(cfg.Events, cfg.Seed, cfg.Match)}
	if d.outcomes = outcomes(d.leads); d.kind() == crmtest.Contacts && cfg.Match {
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

// show runs the service and what is shown with it.
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
	if ok, err = d.perform(ctx); err != nil || !d.cfg.Keep {
		return ok, err
	}
	return ok, d.play(ctx)
}

// perform sends the leads, waits, and audits; ok reports whether every event is accounted for.
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

// match is CRM_MATCH.
func (d *demo) match() crmclient.Match {
	return crmclient.Match{Email: d.cfg.Match, Phone: d.cfg.Match}
}

// kind is the kind of object whose existence shows that an event was delivered.
func (d *demo) kind() string {
	switch d.cfg.Target {
	case crmclient.TargetLead:
		return crmtest.Leads
	case crmclient.TargetDeal:
		return crmtest.Deals
	}
	return crmtest.Contacts
}
