// Package dlt works with dead letters: it lists, shows, replays, exports,
// imports and erases what lies in the dead-letter topic.
//
// What was done with a letter is remembered in the dead-letter topic itself, by a
// record beside the letter: a marker. A replay writes its events and their markers in
// one transaction, so that there is never one without the other, whenever the process
// is killed. All replays of a topic share one transactional id: one that starts ends
// what another left open, and fences it, so that two at a time replay no letter twice either.
//
// It creates no topic, and asks for no group.
package dlt
