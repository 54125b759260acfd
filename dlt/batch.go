package dlt

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// Where fields of a record batch (format 2) begin, after the size that stands
// before it. Source: Kafka's documentation, "Record Batch".
const (
	batchStart    = 4
	batchChecksum = batchStart + 17
	batchCovered  = batchStart + 21 // what the checksum is over
	batchProducer = batchStart + 43
	batchEpoch    = batchStart + 51
	batchSequence = batchStart + 53
)

// transactionalBatch encodes records as a part of a producer's transaction.
// kafka-go encodes batches without a producer, so that it is put in afterwards.
func transactionalBatch(records []kafka.Record, producer kafka.ProducerSession, sequence int32) ([]byte, error) {
	set := protocol.RecordSet{Version: 2, Attributes: protocol.Transactional, Records: kafka.NewRecordReader(records...)}
	var encoded bytes.Buffer
	if _, err := set.WriteTo(&encoded); err != nil {
		return nil, err
	}
	b := encoded.Bytes()
	binary.BigEndian.PutUint64(b[batchProducer:], uint64(producer.ProducerID))
	binary.BigEndian.PutUint16(b[batchEpoch:], uint16(producer.ProducerEpoch))
	binary.BigEndian.PutUint32(b[batchSequence:], uint32(sequence))
	checksum := crc32.Checksum(b[batchCovered:], crc32.MakeTable(crc32.Castagnoli))
	binary.BigEndian.PutUint32(b[batchChecksum:], checksum)
	return b, nil
}
