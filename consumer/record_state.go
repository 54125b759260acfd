package consumer

import "fmt"

// recordState is how far a record has come between its dispatch and its end; docs/delivery.md has the diagram.
type recordState string

const (
	stateWaiting       recordState = "Waiting"       // for the earlier records in its lines
	stateWithCRM       recordState = "WithCRM"       // the CRM client has it
	stateParked        recordState = "Parked"        // it waits for something of its own; its value is not kept
	stateWritingLetter recordState = "WritingLetter" // it can never become a contact
	stateWritingResult recordState = "WritingResult" // its contact exists
	stateDone          recordState = "Done"
)

// recordEvent is what happens to a record and changes its state. The texts are those of the diagram.
type recordEvent string

const (
	eventTurn       recordEvent = "its turn"
	eventHeld       recordEvent = "one before it is parked"
	eventBehind     recordEvent = "one before it lies in the backlog"
	eventLookedUp   recordEvent = "before its turn: an earlier owner may have sent it, and it is to be looked up again"
	eventUnread     recordEvent = "its schema is not known yet"
	eventUseless    recordEvent = "its turn, and it can never become a contact"
	eventRepeat     recordEvent = "its turn, and its contact is known"
	eventDeferred   recordEvent = "the CRM client defers it"
	eventRefused    recordEvent = "refused permanently"
	eventMade       recordEvent = "the contact exists"
	eventUnwritable recordEvent = "its topic does not take it"
	eventWritten    recordEvent = "acknowledged, or no result is wanted"
	eventDue        recordEvent = "its time has come, read again"
	eventGone       recordEvent = "the log no longer holds it"
)

// after returns the state after an event. The error says that the event cannot happen in this state. When a generation
// ends, its records stay in the states that they are in.
func (s recordState) after(e recordEvent) (recordState, error) {
	if next, ok := s.move(e); ok {
		return next, nil
	}
	return s, fmt.Errorf("a record that is %s cannot meet: %s", s, e)
}

// move returns the state after an event. ok is false if the event cannot happen in the state.
func (s recordState) move(e recordEvent) (next recordState, ok bool) {
	switch s {
	case stateWaiting:
		switch e {
		case eventTurn:
			return stateWithCRM, true
		case eventHeld, eventBehind, eventLookedUp, eventUnread:
			return stateParked, true
		case eventUseless:
			return stateWritingLetter, true
		case eventRepeat:
			return stateWritingResult, true
		}
	case stateWithCRM:
		switch e {
		case eventDeferred:
			return stateParked, true
		case eventRefused:
			return stateWritingLetter, true
		case eventMade:
			return stateWritingResult, true
		}
	case stateWritingLetter, stateWritingResult:
		switch e {
		case eventUnwritable:
			return stateParked, true
		case eventWritten:
			return stateDone, true
		}
	case stateParked:
		switch e {
		case eventDue:
			return stateWaiting, true
		case eventGone:
			return stateDone, true
		}
	}
	return "", false
}
