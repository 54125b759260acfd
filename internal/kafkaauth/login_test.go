package kafkaauth

import (
	"context"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/heartbeat"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"
)

// gatekeeper is a broker that knows only logins and heartbeats.
type gatekeeper struct {
	mechanism string
	accepts   func(message string) bool
	lifetime  time.Duration
	logins    int
	late      int // requests after the end of a session
}

func (g *gatekeeper) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	go g.serve(server)
	return client, nil
}

func (g *gatekeeper) serve(conn net.Conn) {
	defer conn.Close()
	var ends time.Time
	for {
		version, id, _, request, err := protocol.ReadRequest(conn)
		if err != nil {
			return
		}
		if !ends.IsZero() && !time.Now().Before(ends) {
			g.late++
			return
		}
		if r, ok := request.(*saslauthenticate.Request); ok && g.lifetime > 0 && g.accepts(string(r.AuthBytes)) {
			ends = time.Now().Add(g.lifetime)
		}
		if err := protocol.WriteResponse(conn, version, id, g.answer(request)); err != nil {
			return
		}
	}
}

func (g *gatekeeper) answer(request protocol.Message) protocol.Message {
	switch r := request.(type) {
	case *apiversions.Request:
		return &apiversions.Response{ApiKeys: []apiversions.ApiKeyResponse{
			{ApiKey: int16(protocol.SaslHandshake), MaxVersion: 1}, {ApiKey: int16(protocol.SaslAuthenticate), MaxVersion: 1},
		}}
	case *saslhandshake.Request:
		if r.Mechanism != g.mechanism {
			return &saslhandshake.Response{ErrorCode: int16(kafka.UnsupportedSASLMechanism), Mechanisms: []string{g.mechanism}}
		}
		return &saslhandshake.Response{Mechanisms: []string{g.mechanism}}
	case *saslauthenticate.Request:
		switch {
		case string(r.AuthBytes) == separator:
			return &saslauthenticate.Response{ErrorCode: int16(kafka.SASLAuthenticationFailed), ErrorMessage: "s3cret"}
		case !g.accepts(string(r.AuthBytes)):
			return &saslauthenticate.Response{AuthBytes: []byte(`{"status":"invalid_token"}`)}
		}
		g.logins++
		return &saslauthenticate.Response{SessionLifetimeMs: g.lifetime.Milliseconds()}
	}
	return &heartbeat.Response{}
}

// TestLoginIsRenewed sends heartbeats over one connection for an hour, of a broker that ends sessions after a minute, with tokens of five.
func TestLoginIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gatekeeper{mechanism: "OAUTHBEARER", lifetime: time.Minute, accepts: func(m string) bool { return strings.Contains(m, "auth=Bearer ") }}
		tokens := newRenewed(func(context.Context) (Token, error) { return Token{"tok", time.Now().Add(5 * time.Minute)}, nil })
		conn, err := Login(g.dial, Bearer(tokens, nil))(t.Context(), "tcp", "broker.example.com:9092")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		pc := protocol.NewConn(conn, "test")
		for range 1200 {
			if _, err := pc.RoundTrip(&heartbeat.Request{}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Second)
			synctest.Wait()
		}
		if g.late > 0 || g.logins < 60 || g.logins > 90 {
			t.Errorf("%d requests after a session's end, %d logins", g.late, g.logins)
		}
	})
}

// TestLoginWithoutAnEnd is a connection like any other.
func TestLoginWithoutAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gatekeeper{mechanism: "OAUTHBEARER", accepts: func(string) bool { return true }}
		c, err := Login(g.dial, Bearer(fixed{Value: "opaque"}, nil))(t.Context(), "tcp", "broker.example.com:9092")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, watched := c.(*conn); watched {
			t.Error("a connection without an end is watched")
		}
	})
}

func TestLoginFails(t *testing.T) {
	for name, c := range map[string]struct {
		mechanism string
		token     Token
		want      string
		is        error
	}{
		"another mechanism": {"SCRAM-SHA-512", Token{Value: "good"}, "does not take logins by OAUTHBEARER here: set KAFKA_SASL_MECHANISM to what it takes (SCRAM-SHA-512)", kafka.UnsupportedSASLMechanism},
		"a bad token":       {"OAUTHBEARER", Token{Value: "bad"}, "refuses the token (invalid_token)", kafka.SASLAuthenticationFailed},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gatekeeper{mechanism: c.mechanism, accepts: func(m string) bool { return strings.Contains(m, "good") }}
				_, err := Login(g.dial, Bearer(fixed(c.token), nil))(t.Context(), "tcp", "broker.example.com:9092")
				if err == nil || !strings.Contains(err.Error(), c.want) || !errors.Is(err, c.is) || Advice(err) == "" || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("error %v, want %q in it", err, c.want)
				}
			})
		})
	}
}

// TestTokenThatBrokersRefuseIsFetchedAgain though it would last: the server's keys may have changed. Where brokers refuse the
// next ones too, the server is asked at most every half a minute.
func TestTokenThatBrokersRefuseIsFetchedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		accepted string
		want     int // tokens that are asked for in ten minutes
	}{"the second is taken": {"Bearer 2\x01", 2}, "none is": {"Bearer none\x01", 21}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := &gatekeeper{mechanism: "OAUTHBEARER", accepts: func(m string) bool { return strings.Contains(m, c.accepted) }}
				asked := 0
				tokens := newRenewed(func(context.Context) (Token, error) {
					asked++
					return Token{strconv.Itoa(asked), time.Now().Add(time.Hour)}, nil
				})
				login := Login(g.dial, Bearer(tokens, nil))
				for i := range 600 {
					conn, err := login(t.Context(), "tcp", "broker.example.com:9092")
					if err == nil {
						conn.Close()
					}
					if taken := i > 0 && c.want == 2; (err == nil) != taken {
						t.Fatalf("login %d: %v", i, err)
					}
					time.Sleep(time.Second)
				}
				if asked > c.want || asked < c.want-1 {
					t.Errorf("%d tokens were asked for, want %d", asked, c.want)
				}
			})
		})
	}
}

// silent is a mechanism whose broker says nothing.
type silent struct{}

func (silent) Name() string { return "OAUTHBEARER" }

func (silent) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	if at := sasl.MetadataFromContext(ctx); at == nil || at.Host != "broker.example.com" || at.Port != 9092 {
		return nil, nil, errors.New("the mechanism is not told of the broker")
	}
	<-ctx.Done()
	return nil, nil, ctx.Err()
}

// TestLoginIsBoundedByItsContext also where nothing of it has a deadline.
func TestLoginIsBoundedByItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gatekeeper{mechanism: "OAUTHBEARER"}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		if _, err := Login(g.dial, silent{})(ctx, "tcp", "broker.example.com:9092"); !errors.Is(err, context.Canceled) {
			t.Errorf("a mechanism that waits: %v", err)
		}
		mute := func(context.Context, string, string) (net.Conn, error) {
			client, _ := net.Pipe()
			return client, nil
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := Login(mute, silent{})(ctx, "tcp", "broker.example.com:9092"); err == nil || time.Since(began) != time.Second {
			t.Errorf("a broker that says nothing: %v after %v", err, time.Since(began))
		}
	})
}
