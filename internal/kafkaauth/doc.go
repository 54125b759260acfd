// Package kafkaauth logs connections in to Kafka brokers and keeps them logged in.
//
// [Login] returns a dial function whose connections are authenticated by SASL. Brokers may end a session
// at a time that they name at the login (KIP-368), and tokens expire: before that another
// connection is opened and logged in beside the first one, and takes its place between two
// requests, so that the user of the connection notices nothing.
//
// [Bearer] is the mechanism OAUTHBEARER (RFC 7628, KIP-255), which kafka-go lacks. Its tokens come from
// [NewClientCredentials], [TokenFile] or [NewAWS].
//
// No error of this package holds a token, a secret, or an answer's text.
package kafkaauth
