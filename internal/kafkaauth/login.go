package kafkaauth

import (
	"context"
	"net"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go/sasl"
)

// Dial opens connections. A nil Dial opens them in plain text.
type Dial = func(ctx context.Context, network, address string) (net.Conn, error)

// openTime is the longest time to open and log in a connection that is to take another one's place.
const openTime = 20 * time.Second

// Login returns a Dial whose connections are logged in by m, and stay logged in: see the package's comment. Without a
// mechanism it returns dial. The context of a call also ends its login. The error of a login that fails until somebody
// changes something is a [*Problem].
func Login(dial Dial, m sasl.Mechanism) Dial {
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	if m == nil {
		return dial
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		open := func(ctx context.Context) (*session, error) { return openSession(ctx, dial, network, address, m) }
		s, err := open(ctx)
		switch {
		case err != nil:
			return nil, err
		case s.ends.IsZero():
			return s.Conn, nil
		}
		return newConn(s, open), nil
	}
}

func openSession(ctx context.Context, dial Dial, network, address string, m sasl.Mechanism) (*session, error) {
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s, err := logIn(sasl.WithMetadata(ctx, placeOf(address)), conn, m)
	if err != nil {
		conn.Close()
		return nil, err
	}
	return s, nil
}

// placeOf returns the address of a broker as mechanisms get it.
func placeOf(address string) *sasl.Metadata {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return &sasl.Metadata{Host: address}
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return &sasl.Metadata{Host: host}
	}
	return &sasl.Metadata{Host: host, Port: port}
}
