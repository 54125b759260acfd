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

// recordMoves returns the next state by state and event. When a generation ends, its records stay in the states that they
// are in.
func recordMoves() map[recordState]map[recordEvent]recordState {
	return map[recordState]map[recordEvent]recordState{
		stateWaiting: {
			eventTurn: stateWithCRM, eventHeld: stateParked, eventLookedUp: stateParked, eventUnread: stateParked, eventUseless: stateWritingLetter, eventRepeat: stateWritingResult,
		},
		stateWithCRM: {
			eventDeferred: stateParked, eventRefused: stateWritingLetter, eventMade: stateWritingResult,
		},
		stateWritingLetter: {eventUnwritable: stateParked, eventWritten: stateDone},
		stateWritingResult: {eventUnwritable: stateParked, eventWritten: stateDone},
		stateParked:        {eventDue: stateWaiting, eventGone: stateDone},
	}
}

// after returns the state after an event. The error says that the event cannot happen in this state.
func (s recordState) after(e recordEvent) (recordState, error) {
	if next, ok := recordMoves()[s][e]; ok {
		return next, nil
	}
	return s, fmt.Errorf("a record that is %s cannot meet: %s", s, e)
}
