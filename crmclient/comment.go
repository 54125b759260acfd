package crmclient

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// CommentMode says where the CRM shows what a person wrote, and whatever else has no field of its own.
type CommentMode string

// The modes: values of CRM_COMMENT. The empty one is CommentOff.
const (
	CommentOff  CommentMode = "off"  // in the field comments
	CommentOn   CommentMode = "on"   // in a comment on the card's timeline
	CommentBoth CommentMode = "both" // in both
)

// timeline reports whether comments are written on timelines.
func (m CommentMode) timeline() bool { return m == CommentOn || m == CommentBoth }

// CommentModes returns all modes.
func CommentModes() []CommentMode { return []CommentMode{CommentOff, CommentOn, CommentBoth} }

// CommentState says what became of an event's comment.
type CommentState string

// The states of a comment; the empty one says that the event has none.
const (
	CommentWritten    CommentState = "written"
	CommentNotWritten CommentState = "not written"
)

// Reasons for which a comment is not written, besides those of a [Rejection], or a card is not filled.
const (
	reasonInDoubt    Reason = "IN_DOUBT"           // the comment may be there all the same
	reasonUnreadable Reason = "UNREADABLE"         // the comment may be there, and the card cannot be read
	reasonUnproven   Reason = "COMMENTS_NOT_SHOWN" // the comment may be there: lists of comments have not been seen to show ours
	reasonTooMany    Reason = "TOO_MANY_COMMENTS"  // the comment may be there, among more comments than are read
)

// newComment returns the step that comments on the card of the objects made before it.
func newComment(essential, suspect, lookUpFirst bool) *step {
	s := newStep(vibe.Timelines, suspect, lookUpFirst)
	s.extra = &extra{essential: essential}
	return s
}

// commentOn returns the card that an event's comment is for.
func (d *delivery) commentOn() vibe.CardID {
	return d.made().card()
}

// commentText returns the text of an event's comment, without its mark: the lines that the field comments of its
// objects would have, each once, those of the card's object first.
func (c *Creator) commentText(d *delivery, p *portal) string {
	var texts []string
	for _, entity := range slices.Backward(cmp.Or(d.req.Target, c.cfg.Target).entities()) {
		body := d.body(entity, c.cfg)
		c.bind(body, d, entity, d.match)
		p.kinds[entity].fields.Fit(body)
		text, _ := body["comments"].(string)
		texts = append(texts, text)
	}
	return JoinComments(texts...)
}

// CommentMark ends the comment of the event with that id in the CRM (Request.OriginID), as
// "[leadbridge 3f9ad07c51b2e864]".
func CommentMark(originator, origin string) string { return vibe.CommentMark(originator, origin) }

// JoinComments joins texts by line ends. A line that stands in an earlier text is left out.
func JoinComments(texts ...string) string {
	var lines []string
	for _, text := range texts {
		before := lines
		for line := range strings.SplitSeq(text, "\n") {
			if !slices.Contains(before, line) {
				lines = append(lines, line)
			}
		}
	}
	return strings.TrimSpace(strings.Join(lines, "\n"))
}

// commentState returns what became of a step's comment, and why it was not written, "" if it was.
func (s *step) commentState() (CommentState, string) {
	switch {
	case s.entity != vibe.Timelines:
	case s.state == stateDone:
		return CommentWritten, ""
	case s.state == stateNotWritten && s.extra.reason != "":
		return CommentNotWritten, s.extra.reason
	}
	return "", ""
}
