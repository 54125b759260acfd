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
// They have no fields page and no search: [ListComments] and [ListCommentsBatch] list those of a card.
const Timelines Entity = "timelines"

// Words names the objects of an entity for people: Timelines hold comments, Fills change cards.
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

// CommentBody is the body of a new comment on a card. Its text ends with the mark of the event.
func CommentBody(card CardID, text, originator, origin string) Body {
	if text != "" {
		text += "\n"
	}
	return Body{"entityType": card.Kind, "entityId": card.ID, "comment": text + CommentMark(originator, origin)}
}

// markDigits is the length of the mark that tells one event's comment from another's: 64 bits of a hash.
const markDigits = 16

// CommentMark ends the comment of an event, as "[leadbridge 3f9ad07c51b2e864]": it is made of the hash of the
// event's id in the CRM.
func CommentMark(originator, origin string) string {
	return "[" + originator + " " + markOf(origin) + "]"
}

func markOf(origin string) string {
	sum := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(sum[:])[:markDigits]
}

// HasMark reports whether a comment bears the mark of any event of the originator, in the form of [CommentMark].
func HasMark(comment, originator string) bool {
	_, rest, found := strings.Cut(strings.ToLower(comment), "["+strings.ToLower(originator)+" ")
	for found {
		if word, _, closed := strings.Cut(rest, "]"); closed && isMark(word) {
			return true
		}
		_, rest, found = strings.Cut(rest, "["+strings.ToLower(originator)+" ")
	}
	return false
}

// isMark reports whether a word in small letters can be a mark.
func isMark(word string) bool {
	return len(word) == markDigits && strings.Trim(word, "0123456789abcdef") == ""
}

// Marked reports whether a comment is that of an event: its last word that can be a mark is the event's. What
// somebody wrote into a form stands before it.
func Marked(comment, origin string) bool { return lastMark(comment) == markOf(origin) }

// lastMark returns the last word of a comment that can be a mark, "" for none.
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

// Comments are those that a list of a card's comments asks for.
type Comments struct {
	Card   CardID
	Over   int64 // those with a greater id; 0: all
	Under  int64 // those with a lesser id; 0: all
	Offset int   // so many are left out
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
	Stray  bool // it is of another card than was asked for
	Opaque bool // the row does not tell its text
}

// CommentOn reads a row of a list of a card's comments.
func (r Row) CommentOn(card CardID) CommentRow {
	found := r.pick([3]string{"id", "comment", "entityId"})
	c := CommentRow{ID: idIn(found[0]), Text: textIn(found[1]), Opaque: found[1] == nil}
	on, kind := idIn(found[2]), kindOfCard(r.pick([3]string{"entityType"})[0])
	c.Stray = on > 0 && on != card.ID || kind != "" && kind != card.Kind
	return c
}

// kindOfCard reads the kind of a card: contact, CONTACT, CRM_CONTACT, or the CRM's number of it, 3; "" for one that is not
// told.
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
