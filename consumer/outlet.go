package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
)

// outlet writes to a topic under one generation's lease. It has connections of its own,
// each of which asks for the lease in its Write: what a frozen process has half
// sent does not leave after it thaws.
type outlet struct {
	client    *kafka.Client
	transport *kafka.Transport
	topic     string
	lease     func() error

	// What advice calls them: the topic, its setting, and what is written.
	kind, setting, things string
}

func newOutlet(cfg Config, topic string, lease func() error, kind, setting, things string) outlet {
	transport := newTransport(cfg, leasedDial(cfg.dialer(), lease), topic)
	return outlet{
		client:    &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport, Timeout: callTimeout},
		transport: transport, topic: topic, lease: lease, kind: kind, setting: setting, things: things,
	}
}

// try writes records once, with acks=all: to the partition, or to another that stays
// the same when the topic has fewer.
func (o *outlet) try(ctx context.Context, partition int, records ...kafka.Record) error {
	if err := o.lease(); err != nil {
		return err
	}
	ids, err := partitionsOf(ctx, o.client, o.topic)
	if err != nil {
		return err
	}
	if !slices.Contains(ids, partition) {
		partition = ids[partition%len(ids)]
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	res, err := o.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: o.topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return err
	}
	return res.Error
}

// advice says what to do about a failed write.
func (o *outlet) advice(err error) string {
	if errors.Is(err, errNoTopic) {
		return fmt.Sprintf("the %s topic %q does not exist: create it (leadbridge check --fix does), or mend %s", o.kind, o.topic, o.setting)
	}
	if code, ok := errors.AsType[kafka.Error](err); ok {
		return fmt.Sprintf("the %s topic %q refuses %s (%s): look at its settings and our rights", o.kind, o.topic, o.things, code.Title())
	}
	return fmt.Sprintf("the %s topic %q cannot be written: look at its brokers", o.kind, o.topic)
}
