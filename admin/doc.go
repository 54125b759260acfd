// Package admin serves the operators' page, which shows the state of the delivery, and
// on which dead letters are found, corrected and replayed.
//
// It stores nothing: it shows the counters of /metrics, the state of consumer and
// creator, and what is in Kafka, which it reads while a page is open.
//
// Personal data is masked unless somebody asks for it, and it is never in an address, a
// header or a log line.
package admin
