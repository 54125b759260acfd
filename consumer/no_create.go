package consumer

import (
	"encoding/binary"
	"net"
)

// noCreateConn sends Metadata requests of version 6 with allow_auto_topic_creation=false. When kafka-go's ConsumerGroup asks
// for a topic's partitions, it lets the broker create a missing topic (Conn.ReadPartitions, v0.4.51): a deleted topic would
// come back with the broker's default settings. kafka-go writes such a request in one Write.
type noCreateConn struct{ net.Conn }

// A request begins with its size (4 bytes), and the key and the version of its API (2 bytes each). The last byte of a
// Metadata request of version 6 is allow_auto_topic_creation (Kafka protocol guide).
const (
	requestHeader   = 8
	metadataKey     = 3
	metadataVersion = 6
	doNotCreate     = 0
)

// isMetadataRequest reports whether b is a whole Metadata request of version 6.
func isMetadataRequest(b []byte) bool {
	return len(b) > requestHeader && int(binary.BigEndian.Uint32(b)) == len(b)-4 &&
		binary.BigEndian.Uint16(b[4:]) == metadataKey && binary.BigEndian.Uint16(b[6:]) == metadataVersion
}

func (c noCreateConn) Write(b []byte) (int, error) {
	if isMetadataRequest(b) {
		b = append([]byte(nil), b...) // b is the caller's
		b[len(b)-1] = doNotCreate
	}
	return c.Conn.Write(b)
}
