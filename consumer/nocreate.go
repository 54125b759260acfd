package consumer

import (
	"context"
	"encoding/binary"
	"net"
)

// kafka-go's ConsumerGroup asks for a topic's partitions with the wish that the
// broker make the topic where it is missing (Conn.ReadPartitions, v0.4.51), which would bring a
// deleted topic back with the broker's default settings. Its connections take that wish
// out of the request.

// groupDial opens the connections of the ConsumerGroup. What Dial encrypts, it does below: requests can be
// read here.
func groupDial(cfg Config) dialFunc {
	dial := cfg.dialer()
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return noCreateConn{conn}, nil
	}
}

// noCreateConn sends Metadata requests of version 6 without the wish to make
// missing topics. kafka-go writes a request of that size at once.
type noCreateConn struct{ net.Conn }

// A request begins with its size (4 bytes), the API's key and its version (2
// bytes each); the last byte of a Metadata request of version 6 is
// allow_auto_topic_creation (Kafka protocol guide).
const (
	requestHeader    = 8
	metadataKey      = 3
	wishfulMetadata  = 6
	noMissingCreated = 0
)

func (c noCreateConn) Write(b []byte) (int, error) {
	if len(b) > requestHeader && int(binary.BigEndian.Uint32(b)) == len(b)-4 &&
		binary.BigEndian.Uint16(b[4:]) == metadataKey && binary.BigEndian.Uint16(b[6:]) == wishfulMetadata {
		b = append([]byte(nil), b...)
		b[len(b)-1] = noMissingCreated
	}
	return c.Conn.Write(b)
}
