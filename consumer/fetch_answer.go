package consumer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"github.com/leadbridge/leadbridge/internal/cluster"
)

// fetchRequest is kafka-go's fetch request, whose answer is read here so that its record batches stay compressed until a
// [batchReader] reads them. kafka-go would decompress each batch as a whole, and a batch of 1 MiB can become gigabytes.
type fetchRequest struct {
	fetch.Request
	version int16
}

// Required implements [protocol.RawExchanger].
func (r *fetchRequest) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[protocol.Fetch]
	return true
}

// An answer begins with its size, a number of answerSize bytes. A size of more than maxAnswer is taken for a fault.
const (
	answerSize = 4
	maxAnswer  = 1 << 30
)

// RawExchange implements [protocol.RawExchanger].
func (r *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	const id = 1 // one request at a time is made on a connection
	if err := protocol.WriteRequest(rw, r.version, id, cluster.ClientID, &r.Request); err != nil {
		return nil, err
	}
	var head [answerSize]byte
	if _, err := io.ReadFull(rw, head[:]); err != nil {
		return nil, err
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > maxAnswer {
		return nil, fmt.Errorf("the answer to a fetch claims to have %d bytes", size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(rw, body); err != nil {
		return nil, err
	}
	in := wire{left: body}
	if got := in.int32(); got != id && !in.short {
		return nil, fmt.Errorf("the answer to request %d came instead of that to request %d", got, id)
	}
	return readFetchAnswer(&in, r.version)
}

// fetchAnswer is the answer to a fetchRequest.
type fetchAnswer struct {
	errorCode  int16
	partitions []answeredPartition
}

// ApiKey implements [protocol.Message].
func (*fetchAnswer) ApiKey() protocol.ApiKey { return protocol.Fetch } //nolint:staticcheck // the name is of protocol.Message

// answeredPartition is what an answer holds of one partition.
type answeredPartition struct {
	topic         string
	id            int32
	errorCode     int16
	highWatermark int64
	stableEnd     int64 // the last stable offset; -1 when the broker does not say
	start         int64 // the log's first offset; -1 when the broker does not say
	aborted       []abortedTransaction
	batches       []byte
}

// abortedTransaction is a producer's id, and the offset at which an aborted transaction of this producer begins.
type abortedTransaction struct{ producer, first int64 }

// readFetchAnswer reads an answer of the versions 0 to 11, from after its correlation id on.
// Source: Kafka protocol guide, Fetch API.
func readFetchAnswer(in *wire, version int16) (*fetchAnswer, error) {
	a := new(fetchAnswer)
	if version >= 1 {
		in.int32() // the throttle time
	}
	if version >= 7 {
		a.errorCode = in.int16()
		in.int32() // the fetch session's id
	}
	for range in.count() {
		topic := string(in.bytes(int64(in.int16())))
		for range in.count() {
			p := answeredPartition{topic: topic, id: in.int32(), errorCode: in.int16(), highWatermark: in.int64(), stableEnd: -1, start: -1}
			if version >= 4 {
				p.stableEnd = in.int64()
			}
			if version >= 5 {
				p.start = in.int64()
			}
			if version >= 4 {
				for range in.count() {
					p.aborted = append(p.aborted, abortedTransaction{in.int64(), in.int64()})
				}
			}
			if version >= 11 {
				in.int32() // the preferred replica
			}
			p.batches = in.bytes(int64(in.int32()))
			a.partitions = append(a.partitions, p)
		}
	}
	if in.short {
		return nil, errors.New("the answer to a fetch ends too early")
	}
	return a, nil
}

// wire reads numbers and bytes of the Kafka protocol. Once a value reaches beyond the end of the data, this value and all
// after it are zero.
type wire struct {
	left  []byte // what was not read yet
	short bool   // a value reached beyond the end
}

// bytes returns the next n bytes; none for a negative n, which stands for null.
func (w *wire) bytes(n int64) []byte {
	if n <= 0 {
		return nil
	}
	if n > int64(len(w.left)) {
		w.short, w.left = true, nil
		return nil
	}
	b := w.left[:n]
	w.left = w.left[n:]
	return b
}

func (w *wire) uint(size int64) (n uint64) {
	for _, b := range w.bytes(size) {
		n = n<<8 | uint64(b)
	}
	return n
}

func (w *wire) int16() int16 { return int16(w.uint(2) & math.MaxUint16) }
func (w *wire) int32() int32 { return int32(w.uint(4) & math.MaxUint32) }
func (w *wire) int64() int64 { return int64(w.uint(8)) }

// count reads how many elements a list has. More elements than bytes are left cannot follow, as each takes at least one.
func (w *wire) count() int {
	n := w.int32()
	if int64(n) > int64(len(w.left)) {
		w.short, n = true, 0
	}
	return int(max(n, 0))
}
