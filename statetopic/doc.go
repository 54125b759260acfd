// Package statetopic keeps what replicas did in the last 30 days in a compacted topic (KAFKA_STATE_TOPIC), so that it
// survives restarts and one page shows all replicas. It holds counts and names of hosts only: nothing of a person or an
// event, and no words of the CRM. Delivery does not know this package, and never waits for the topic.
//
// # What the topic holds
//
// All records are in partition 0. A process that runs is named by its host and a random number, its run, so that no two
// processes ever write one key, not even two of one host, or one and its successor after a crash:
//
//	v1/now/HOST/RUN          what the process does now, and its buckets that are still open; every 15 s
//	v1/60/START/HOST/RUN     what it did in the minute from START (Unix seconds); once, when the minute is over
//	v1/1800/START/HOST/RUN   the same of half an hour
//
// Values are JSON. That is 7,250 records a day from each replica, most of which compaction removes: 48 half hours a day
// stay for 30 days, minutes for 26 hours, and one record of each process. What is older is deleted by a tombstone, which
// any replica may write: each looks once an hour, at a random minute.
//
// Readers skip, count and leave alone what they cannot read: a new version of the format gets a new prefix, and old and
// new processes can share the topic during an upgrade. New fields that old readers may ignore need no new version.
//
// Times are those of the writers' clocks: replicas whose clocks differ by more than half a minute seem gone.
package statetopic
