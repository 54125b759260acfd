package vibe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Timelines are the comments on the cards of contacts, leads and deals (vendor's reference: POST /v1/timelines).
// The API does not describe their fields and has no search for them. [ListComments] and [ListCommentsBatch] list the
// comments of cards.
const Timelines Entity = "timelines"

// Words names the objects of an entity for people.
func (e Entity) Words() string {
	switch e {
	case Timelines:
		return "comments"
	case Fills:
		return "changes of cards"
	}
	return string(e)
}

// CardID is a card of the portal.
type CardID struct {
	Kind string // contact, lead or deal
	ID   int64
}

// CommentBody returns the body of a new comment on a card. The comment ends with the mark of its event.
func CommentBody(card CardID, text, originator, origin string) Body {
	if text != "" {
		text += "\n"
	}
	return Body{"entityType": card.Kind, "entityId": card.ID, "comment": text + CommentMark(originator, origin)}
}

// markDigits is how many hexadecimal digits of a hash distinguish the comments of events: 64 bits.
const markDigits = 16

// CommentMark returns the mark at the end of an event's comment, such as "[leadbridge 3f9ad07c51b2e864]". The digits are
// the first ones of the hash of the event's origin id.
func CommentMark(originator, origin string) string {
	return "[" + originator + " " + markOf(origin) + "]"
}

func markOf(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:])[:markDigits]
}

// HasMark reports whether a comment has the mark of any event of the originator, in the form of [CommentMark].
func HasMark(comment, originator string) bool {
	begin := "[" + strings.ToLower(originator) + " "
	_, rest, found := strings.Cut(strings.ToLower(comment), begin)
	for found {
		if word, _, closed := strings.Cut(rest, "]"); closed && isMark(word) {
			return true
		}
		_, rest, found = strings.Cut(rest, begin)
	}
	return false
}

// isMark reports whether a word in small letters can be the digits of a mark.
func isMark(word string) bool {
	return len(word) == markDigits && strings.Trim(word, "0123456789abcdef") == ""
}

// Marked reports whether a comment is an event's own. Only the last mark in the comment counts, because a person may have
// typed another one into a form, and that text comes first.
func Marked(comment, origin string) bool { return lastMark(comment) == markOf(origin) }

// lastMark returns the last word of a comment that can be the digits of a mark; "" if there is none.
func lastMark(comment string) string {
	words := strings.FieldsFunc(comment, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	for _, word := range slices.Backward(words) {
		if w := strings.ToLower(word); isMark(w) {
			return w
		}
	}
	return ""
}

// Comments says which comments of a card a list asks for.
type Comments struct {
	Card   CardID
	Over   int64 // only comments with greater ids; 0: all
	Under  int64 // only comments with lesser ids; 0: all
	Offset int   // how many of the comments that match are skipped
}

func commentFields() []string { return []string{"id", "entityType", "entityId", "comment"} }

// ListComments asks for up to [PageLimit] comments of a card: GET /v1/timelines, read by [Outcome.Page].
func ListComments(which Comments) Call {
	q := url.Values{"limit": {strconv.Itoa(PageLimit)},
		"filter[entityType]": {which.Card.Kind}, "filter[entityId]": {strconv.FormatInt(which.Card.ID, 10)}}
	if which.Over > 0 {
		q.Set("filter[id][$gt]", strconv.FormatInt(which.Over, 10))
	}
	if which.Under > 0 {
		q.Set("filter[id][$lt]", strconv.FormatInt(which.Under, 10))
	}
	if which.Offset > 0 {
		q.Set("offset", strconv.Itoa(which.Offset))
	}
	return Call{Operation: OpLookUp, method: http.MethodGet, path: "/" + string(Timelines) + "?" + q.Encode()}
}

// ListCommentsBatch asks for up to [PageLimit] comments of each of several cards in one request, as [ListBatch]
// does for objects.
func ListCommentsBatch(cards []CardID) Call {
	filters := make([]Filter, len(cards))
	for i, card := range cards {
		filters[i] = Filter{"entityType": Equal(card.Kind), "entityId": EqualNumber(card.ID)}
	}
	return ListBatch(Timelines, commentFields(), PageLimit, filters...)
}

// CommentRow is a comment as a list has it.
type CommentRow struct {
	ID     int64
	Text   string
	Stray  bool // the comment belongs to another card than the one that was asked for; false: to that card, or the row does not say
	Opaque bool // the row lacks the text, so that Text says nothing
}

// CommentOn reads a row of a list of a card's comments.
func (r Row) CommentOn(card CardID) CommentRow {
	found := r.pick([3]string{"id", "comment", "entityId"})
	c := CommentRow{ID: idIn(found[0]), Text: textIn(found[1]), Opaque: found[1] == nil}
	on, kind := idIn(found[2]), kindOfCard(r.field("entityType"))
	c.Stray = on > 0 && on != card.ID || kind != "" && kind != card.Kind
	return c
}

// kindOfCard reads the kind of a card, which may be spelled contact, CONTACT, CRM_CONTACT, or as the CRM's number for it, 3.
// It returns "" if there is none.
func kindOfCard(raw json.RawMessage) string {
	switch n := idIn(raw); n {
	case 1:
		return "lead"
	case 2:
		return "deal"
	case 3:
		return "contact"
	case 4:
		return "company"
	}
	return strings.TrimPrefix(strings.ToLower(textIn(raw)), "crm_")
}
