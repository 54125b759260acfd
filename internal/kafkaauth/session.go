package kafkaauth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/apiversions"
	"github.com/segmentio/kafka-go/protocol/saslauthenticate"
	"github.com/segmentio/kafka-go/protocol/saslhandshake"
	"github.com/segmentio/kafka-go/sasl"
)

// clientID is what brokers log about our connections.
const clientID = "leadbridge"

// session is a connection that is logged in.
type session struct {
	net.Conn
	began time.Time // before the login was sent
	ends  time.Time // zero: never, as far as is known
}

// lasts reports whether brokers still take requests of the session at now.
func (s *session) lasts(now time.Time) bool { return s.ends.IsZero() || now.Before(s.ends) }

// outlasts reports whether the session ends later than another one.
func (s *session) outlasts(other *session) bool {
	return s.ends.IsZero() || !other.ends.IsZero() && s.ends.After(other.ends)
}

// logIn authenticates a connection before ctx ends. On an error the connection stays open.
func logIn(ctx context.Context, conn net.Conn, m sasl.Mechanism) (*session, error) {
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return nil, err
		}
	}
	unhook := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // ends the read or write under way
	s := &session{Conn: conn, began: time.Now()}
	pc := protocol.NewConn(conn, clientID)
	err := negotiate(pc)
	if err == nil {
		err = handshake(pc, m.Name())
	}
	if err == nil {
		s.ends, err = authenticate(ctx, pc, m)
	}
	if !unhook() {
		return nil, errors.Join(ctx.Err(), err)
	}
	if err != nil {
		return nil, err
	}
	return s, conn.SetDeadline(time.Time{})
}

// negotiate finds out which versions of requests both sides know.
func negotiate(pc *protocol.Conn) error {
	answer, err := pc.RoundTrip(new(apiversions.Request))
	if err != nil {
		return fmt.Errorf("ask for the broker's versions: %w", err)
	}
	res, ok := answer.(*apiversions.Response)
	if !ok {
		return fmt.Errorf("ask for the broker's versions: answered with a %T", answer)
	}
	if res.ErrorCode != 0 {
		return fmt.Errorf("ask for the broker's versions: %w", kafka.Error(res.ErrorCode))
	}
	versions := make(map[protocol.ApiKey]int16, len(res.ApiKeys))
	for _, api := range res.ApiKeys {
		key := protocol.ApiKey(api.ApiKey)
		versions[key] = key.SelectVersion(api.MinVersion, api.MaxVersion)
	}
	pc.SetVersions(versions)
	return nil
}

// handshake tells the broker by which mechanism the login will be.
func handshake(pc *protocol.Conn, name string) error {
	answer, err := pc.RoundTrip(&saslhandshake.Request{Mechanism: name})
	if err != nil {
		return fmt.Errorf("begin a login by %s: %w", name, err)
	}
	res, ok := answer.(*saslhandshake.Response)
	switch {
	case !ok:
		return fmt.Errorf("begin a login by %s: answered with a %T", name, answer)
	case kafka.Error(res.ErrorCode) == kafka.UnsupportedSASLMechanism:
		return &Problem{
			What:   "the broker does not take logins by " + name + " here",
			Remedy: "set KAFKA_SASL_MECHANISM to what it takes (" + plainly(strings.Join(res.Mechanisms, ", ")) + "), or use another port of it",
			Err:    kafka.UnsupportedSASLMechanism,
		}
	case res.ErrorCode != 0:
		return fmt.Errorf("begin a login by %s: %w", name, kafka.Error(res.ErrorCode))
	}
	return nil
}

// authenticate exchanges the mechanism's messages and returns when the session ends; zero: never, as far as is known.
func authenticate(ctx context.Context, pc *protocol.Conn, m sasl.Mechanism) (time.Time, error) {
	state, message, err := m.Start(ctx)
	if err != nil {
		return time.Time{}, err
	}
	for {
		sent := time.Now()
		res, err := exchange(pc, message)
		if err != nil {
			if f, ok := state.(interface{ Failed(context.Context) }); ok && errors.Is(err, kafka.SASLAuthenticationFailed) {
				f.Failed(ctx)
			}
			return time.Time{}, explain(m, state, err)
		}
		done, next, err := state.Next(ctx, res.AuthBytes)
		if err != nil {
			return time.Time{}, fmt.Errorf("log in by %s: %w", m.Name(), err)
		}
		if done {
			return sessionEnd(state, sent, time.Duration(res.SessionLifetimeMs)*time.Millisecond), nil
		}
		message = next
	}
}

// exchange sends one message of the mechanism, and returns the broker's answer.
func exchange(pc *protocol.Conn, message []byte) (*saslauthenticate.Response, error) {
	answer, err := pc.RoundTrip(&saslauthenticate.Request{AuthBytes: message})
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, kafka.SASLAuthenticationFailed // some brokers close the connection instead of answering
	}
	if err != nil {
		return nil, err
	}
	res, ok := answer.(*saslauthenticate.Response)
	if !ok {
		return nil, fmt.Errorf("answered with a %T", answer)
	}
	if res.ErrorCode != 0 {
		return nil, kafka.Error(res.ErrorCode)
	}
	return res, nil
}

// explain returns an error that says what to do about a login that the broker refuses.
func explain(m sasl.Mechanism, state sasl.StateMachine, err error) error {
	if !errors.Is(err, kafka.SASLAuthenticationFailed) {
		return fmt.Errorf("log in by %s: %w", m.Name(), err)
	}
	if r, ok := state.(interface{ Refusal() error }); ok && r.Refusal() != nil {
		return fmt.Errorf("%w (%w)", r.Refusal(), kafka.SASLAuthenticationFailed)
	}
	remedy := "look at KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD"
	if m.Name() == "OAUTHBEARER" {
		remedy = "look at the token's issuer, audience and scope, and at what the brokers expect"
	}
	return &Problem{What: "the broker refuses our login by " + m.Name(), Remedy: remedy, Err: kafka.SASLAuthenticationFailed}
}

// sessionEnd returns when a session ends: when the broker says or when the credentials expire, whichever is earlier, as some
// brokers end sessions with the token and do not say so; zero when neither is known.
func sessionEnd(state sasl.StateMachine, sent time.Time, lifetime time.Duration) (end time.Time) {
	if e, ok := state.(interface{ Expires() time.Time }); ok && e.Expires().After(sent) {
		end = e.Expires() // one that the broker took although it had expired shows that our clock is wrong
	}
	if said := sent.Add(lifetime); lifetime > 0 && (end.IsZero() || said.Before(end)) {
		end = said
	}
	return end
}

// plainly returns at most 200 bytes of a text that others wrote, without what cannot be printed.
func plainly(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, text)
	return text[:min(len(text), 200)]
}
