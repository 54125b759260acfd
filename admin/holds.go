package admin

import (
	"cmp"

	"github.com/leadbridge/leadbridge/consumer"
	"github.com/leadbridge/leadbridge/crmclient"
	"github.com/leadbridge/leadbridge/dlt"
)

// holdTitles are titles by cause: what holds the delivery, in a few words.
var holdTitles = map[crmclient.Cause]string{
	crmclient.HoldPreparing:   "The portal is being asked what it is",
	crmclient.HoldCredentials: "The CRM does not take our key",
	crmclient.HoldOutage:      "The CRM does not answer as it should",
	crmclient.HoldThrottle:    "The CRM asked for a pause",
	crmclient.HoldFlood:       "The CRM refuses every contact",
	crmclient.HoldOriginField: "The CRM does not keep our id",
	crmclient.HoldMatch:       "The CRM does not look contacts up",
	consumer.HoldBrokers:      "Kafka cannot be reached",
	consumer.HoldTopic:        "The topic does not exist or may not be read",
	consumer.HoldGroup:        "The consumer group cannot be used",
	consumer.HoldDeadLetters:  "The dead-letter topic takes nothing",
	consumer.HoldResults:      "The result topic takes nothing",
	consumer.HoldParking:      "A partition takes no new events",
	consumer.HoldSchemas:      "The schema registry does not answer",
	consumer.HoldOperator:     "Somebody paused the delivery",
}

func (s *Server) holdsOf(all []crmclient.Hold) []hold {
	out := make([]hold, 0, len(all))
	for _, h := range all {
		out = append(out, hold{
			Cause: string(h.Cause), Title: titleOf(h), Since: h.Since.UTC(), Until: h.Until.UTC(),
			Status: h.Status, Code: h.Code, Of: h.Of, Advice: h.Advice, AdviceSaid: h.Advice, Words: s.wordsOf(h),
		})
	}
	return out
}

// wordsOf returns what the CRM says about the events of a flood: the message in the newest letter of a refused event, in which
// the event's values are masked. wordsOf returns "" for other holds, and while no such letter is known.
func (s *Server) wordsOf(h crmclient.Hold) string {
	if h.Cause != crmclient.HoldFlood {
		return ""
	}
	query := dlt.Query{Reasons: []string{string(crmclient.ReasonRefused)}, Limit: 1}
	if h.Code != "" {
		query.Codes = []string{h.Code}
	}
	for _, newest := range s.letters.shelf.Search(query).Items {
		return newest.Message
	}
	return ""
}

// titleOf returns in a few words what a hold is about.
func titleOf(h crmclient.Hold) string {
	if h.Of != "" {
		return "The CRM takes no " + h.Of
	}
	return titleOfCause(string(h.Cause))
}

// titleOfCause returns the title of a cause; a cause that this version does not know is its own title.
func titleOfCause(cause string) string {
	return cmp.Or(holdTitles[crmclient.Cause(cause)], cause)
}
