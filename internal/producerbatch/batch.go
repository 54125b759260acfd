// Package producerbatch encodes Kafka record batches that name their producer, as
// idempotent and transactional writes need: kafka-go encodes batches without one.
package producerbatch

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Where fields of a record batch (format 2) begin in what Encode returns: start is the
// length of the size that stands before the batch.
//
// Source: Kafka's documentation, "Record Batch".
const (
	start    = 4
	checksum = start + 17
	covered  = start + 21 // the checksum is over everything from here on
	producer = start + 43
	epoch    = start + 51
	sequence = start + 53
)

// Encode returns records as one batch, with its size before it. first is the sequence
// number of the first record. With a nil session the batch names no producer.
func Encode(records []kafka.Record, attributes protocol.Attributes, session *kafka.ProducerSession, first int32) ([]byte, error) {
	set := protocol.RecordSet{Version: 2, Attributes: attributes, Records: kafka.NewRecordReader(records...)}
	var encoded bytes.Buffer
	if _, err := set.WriteTo(&encoded); err != nil {
		return nil, err
	}
	b := encoded.Bytes()
	if session != nil {
		binary.BigEndian.PutUint64(b[producer:], uint64(session.ProducerID))
		binary.BigEndian.PutUint16(b[epoch:], uint16(session.ProducerEpoch))
		binary.BigEndian.PutUint32(b[sequence:], uint32(first))
		binary.BigEndian.PutUint32(b[checksum:], crc32.Checksum(b[covered:], crc32.MakeTable(crc32.Castagnoli)))
	}
	return b, nil
}
