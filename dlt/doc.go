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
package dlt
