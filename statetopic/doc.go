// Package statetopic keeps counts of what replicas did in the last 30 days in a compacted topic (KAFKA_STATE_TOPIC), so
// that they survive restarts and the page of one replica shows all of them. The topic has only counts, states and names of
// hosts: nothing of a person or an event, and no texts of the CRM. Delivery does not use this package, and never waits for the
// topic.
//
// # What the topic holds
//
// All records are in partition 0. A process is named by its host and a random number, its run, so that no two processes
// write the same key, not even two on one host, or one and its successor after a crash:
//
//	v1/now/HOST/RUN          what the process does now, and its buckets that are still open; every 15 s
//	v1/60/START/HOST/RUN     what it did in the minute from START (Unix seconds); once, when the minute is over
//	v1/1800/START/HOST/RUN   the same for half an hour
//
// Values are JSON. Each replica writes 7,250 records a day, most of which compaction removes: half hours are kept for 30
// days, minutes for 26 hours, and one record of each process. Older records are deleted by tombstones. Each replica writes
// them once an hour, also for other replicas' records.
//
// Readers skip and count records that they cannot read, and do not delete them. So a new version of the format gets a new
// prefix, and old and new processes can share the topic during an upgrade. A new field that old readers may ignore needs no
// new version.
//
// Times are by the writers' clocks: a replica whose clock differs by more than half a minute may be shown as gone.
package statetopic
