package dlt

import "fmt"

// Why a letter is left, that is, not replayed.
const (
	LeftReplays   = "MAX_REPLAYS"    // its event was replayed as often as is allowed
	LeftNotOurs   = "NO_LETTER"      // it does not say where it came from
	LeftTopic     = "OTHER_TOPIC"    // it came from another topic than KAFKA_TOPIC
	LeftValueGone = "VALUE_GONE"     // it was written without its value, which cannot be read from the topic, or an earlier replay may have edited
	LeftEdit      = "EDIT_FAILED"    // the program of --edit failed
	LeftRefused   = "WRITE_REFUSED"  // the topic does not take the event
	LeftVanished  = "LETTER_EXPIRED" // retention deleted the letter meanwhile
)

// Left is a letter that was not replayed.
type Left struct {
	Place   string `json:"place"` // partition:offset in the dead-letter topic
	EventID string `json:"eventId"`
	Reason  string `json:"reason"` // of the letter
	Why     string `json:"why"`    // one of the constants above
	Message string `json:"message"`
}

// Route counts the letters of one reason whose events go to one partition.
type Route struct {
	Reason    string `json:"reason"`
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Letters   int    `json:"letters"`
}

// Report is what a replay did, or would do.
type Report struct {
	DryRun   bool    `json:"dryRun"`
	Letters  int     `json:"letters"`  // chosen letters that are still to be replayed
	Replayed int     `json:"replayed"` // 0 in a dry run
	Edited   int     `json:"edited"`   // replayed events whose value --edit changed
	Already  int     `json:"already"`  // chosen letters that were replayed before
	Routes   []Route `json:"routes"`
	Left     []Left  `json:"left"`
	// Rejected says, in a dry run with a Transformer, which letters would be rejected again; the most letters first.
	Rejected []Rejected `json:"rejected"`
}

// Failed returns how many letters should have been replayed and were not: all in Left but those that were replayed too
// often or are of another topic.
func (r Report) Failed() int {
	n := 0
	for _, l := range r.Left {
		if l.Why != LeftReplays && l.Why != LeftTopic {
			n++
		}
	}
	return n
}

func (l Letter) left(why, message string, args ...any) Left {
	return Left{Place: l.Position.String(), EventID: l.EventID, Reason: l.Reason, Why: why, Message: fmt.Sprintf(message, args...)}
}
