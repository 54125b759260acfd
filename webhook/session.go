package webhook

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go"

	"github.com/leadbridge/leadbridge/internal/cluster"
	"github.com/leadbridge/leadbridge/internal/producerbatch"
)

// session makes a lane an idempotent producer: when an acknowledgement gets lost
// and a batch is sent again, the broker knows it by its producer and numbers, and
// does not write it twice. It is used by one goroutine at a time.
type session struct {
	open     bool
	producer kafka.ProducerSession
	next     int32 // sequence number of the next record
}

// noProducer asks for a new producer id and epoch.
const noProducer = -1

// mostNumbers is how many sequence numbers a session gives out, so that they do not overflow.
const mostNumbers = 1 << 30

// begin has the broker open a session, when there is none. Where brokers allow none, events are
// written without: an event that is in the topic twice is known by its id.
func (s *session) begin(ctx context.Context, w *writer) error {
	if s.open || w.noSessions.Load() {
		return nil
	}
	answer, err := w.client.InitProducerID(ctx, &kafka.InitProducerIDRequest{ProducerID: noProducer, ProducerEpoch: noProducer})
	if err == nil {
		err = answer.Error
	}
	if refusesSessions(err) {
		w.goWithoutSessions(err)
		return nil
	}
	if err != nil {
		return err
	}
	*s = session{open: true, producer: *answer.Producer}
	return nil
}

func (s *session) end() { s.open = false }

// refusesSessions reports whether the brokers give us no producer sessions at all.
func refusesSessions(err error) bool {
	return cluster.IsOneOf(err, kafka.ClusterAuthorizationFailed, kafka.TransactionalIDAuthorizationFailed, kafka.UnsupportedVersion, kafka.UnsupportedForMessageFormat)
}

// lostSession reports whether the broker no longer knows the session.
func lostSession(err error) bool {
	return cluster.IsOneOf(err, kafka.OutOfOrderSequenceNumber, kafka.UnknownProducerId, kafka.InvalidProducerEpoch, kafka.InvalidProducerIDMapping, kafka.ProducerFenced)
}

// judge notes the outcome of a request to write so many records: the numbers that they used up, and whether the
// session has ended. It returns nil for a batch that an earlier try has written, and err otherwise.
func (s *session) judge(err error, records int, w *writer) error {
	switch {
	case !s.open:
		return err
	case errors.Is(err, kafka.DuplicateSequenceNumber):
		err = nil // an earlier try was taken
	case refusesSessions(err):
		s.end()
		w.goWithoutSessions(err)
	case lostSession(err):
		s.end()
	}
	if err == nil {
		if s.next += int32(records); s.next > mostNumbers {
			s.end()
		}
	}
	return err
}

// goWithoutSessions asks for no session any more, and logs why.
func (w *writer) goWithoutSessions(err error) {
	if !w.noSessions.Swap(true) {
		w.log.Warn().Err(err).Msg("the brokers let us open no producer session (grant IDEMPOTENT_WRITE on the cluster): an acknowledgement that gets lost may leave an event in the topic twice, under one id")
	}
}

// encode makes a record batch, of this session when there is one.
func (s *session) encode(batch []*entry) ([]byte, error) {
	records := make([]kafka.Record, len(batch))
	for i, e := range batch {
		records[i] = kafka.Record{
			Time: e.when, Value: kafka.NewBytes(e.event.recorded()),
			Headers: append([]kafka.Header{{Key: "content-type", Value: []byte(structuredType)}}, e.event.trace...),
		}
		if e.event.key != nil {
			records[i].Key = kafka.NewBytes(e.event.key)
		}
	}
	var producer *kafka.ProducerSession
	if s.open {
		producer = &s.producer
	}
	return producerbatch.Encode(records, 0, producer, s.next)
}
