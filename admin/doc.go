// Package admin serves the page that shows people how the delivery stands, and
// lets them find, mend and replay dead letters.
//
// It has no store of its own: what it shows are the counters of /metrics, the state of
// consumer and creator, and what lies in Kafka, read while somebody looks.
//
// Nothing about a person leaves it unmasked unless it is asked for, and none of it is
// ever in an address, a header or a line of the log.
package admin
