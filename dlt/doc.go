// Package dlt works with dead letters: it lists, shows, replays, closes, exports,
// imports and erases what is in the dead-letter topic.
//
// What was done with a letter is recorded in the dead-letter topic itself, by another
// record in the letter's partition: a marker. A replay writes events and their markers
// in one transaction, so that there is never one without the other, whenever the process
// is killed. All replays of a topic share one transactional id: a replay that starts
// ends the open transaction of an earlier one and fences it, so that even two replays at
// a time replay no letter twice.
//
// The package creates no topic and joins no group.
//
// # Words
//
// A letter is a record of the dead-letter topic; its place is its partition and
// offset there, a [Position]. Its original is the record of the events' topic that
// it was written for. A marker is the record that gives a letter its [State]. A
// flood is a run of refusals that the consumer took for a fault of the set-up; its
// letters bear its name.
package dlt
