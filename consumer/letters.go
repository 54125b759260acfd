package consumer

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/consumer/header"
)

// letterSlots is how many letters a process writes at a time.
const letterSlots = 8

// letters writes dead letters.
type letters struct {
	outlet
	board *board
	slots chan struct{}
}

func newLetters(cfg Config, lease func() error, b *board) *letters {
	return &letters{
		outlet: newOutlet(cfg, cfg.DeadLetterTopic, lease, "dead-letter", "KAFKA_DLT_TOPIC", "letters"),
		board:  b,
		slots:  make(chan struct{}, letterSlots),
	}
}

// close ends the hold too: the next owner of the partitions finds out anew.
func (l *letters) close() {
	l.transport.CloseIdleConnections()
	l.board.clear(HoldDeadLetters)
}

// write returns when the letter is in the topic, acknowledged by all in-sync
// replicas, or ctx or the lease has ended. It does not give up before.
func (l *letters) write(ctx context.Context, d letter) error {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	wait := newBackOff()
	for {
		err := l.try(ctx, d.partition, d.record())
		if err == nil {
			l.board.clear(HoldDeadLetters)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if lapsed := l.lease(); lapsed != nil {
			return lapsed
		}
		if degrade(&d, err) {
			continue
		}
		l.board.hold(HoldDeadLetters, l.advice(err))
		l.transport.CloseIdleConnections()
		pause(ctx, wait.NextBackOff())
	}
}

// record has the time of now: with that of the original, retention could
// delete the letter of an old event as soon as it is written.
func (d *letter) record() kafka.Record {
	r := kafka.Record{Time: time.Now(), Headers: d.headers}
	if d.key != nil {
		r.Key = kafka.NewBytes(d.key)
	}
	if d.value != nil {
		r.Value = kafka.NewBytes(d.value)
	}
	return r
}

// degrade makes a letter that the broker refuses for ever acceptable, a step at
// a time; false says that there is no step left or that trying again may help.
func degrade(d *letter, err error) bool {
	if !refusedForGood(err) {
		return false
	}
	tooLarge := isTooLarge(err)
	marked := func(key, value string) {
		d.headers = append(d.headers, kafka.Header{Key: key, Value: []byte(value)})
	}
	switch {
	case !tooLarge && len(d.key) == 0: // a compacted topic takes no letter without a key
		d.key = []byte(d.eventID)
		marked(header.Key, header.Assigned)
	case len(d.value) > 0: // the coordinates tell where it lies; null would be a tombstone
		d.value = []byte{}
		marked(header.Value, header.Omitted)
	case slices.ContainsFunc(d.headers, isForeign):
		d.headers = slices.DeleteFunc(slices.Clone(d.headers), isForeign)
		marked(header.Headers, header.Omitted)
	case tooLarge && len(d.key) > len(d.eventID):
		d.key = []byte(d.eventID)
		marked(header.Key, header.Assigned)
	default:
		return false
	}
	return true
}

func isTooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

// refusedForGood tells what a broker says of a record that it never takes.
func refusedForGood(err error) bool {
	return isTooLarge(err) || errors.Is(err, kafka.InvalidRecord) || errors.Is(err, kafka.PolicyViolation)
}

func isForeign(h kafka.Header) bool { return !strings.HasPrefix(h.Key, header.Prefix) }

// leasedDial opens connections whose Write asks for the lease.
func leasedDial(dial dialFunc, lease func() error) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &leasedConn{conn, lease}, nil
	}
}

type leasedConn struct {
	net.Conn
	lease func() error
}

func (c *leasedConn) Write(b []byte) (int, error) {
	if err := c.lease(); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
