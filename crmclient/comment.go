package crmclient

import (
	"cmp"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/crmclient/internal/vibe"
)

// CommentMode says where in the CRM an event's comment is written: what the person wrote, and all that has no field of its own.
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

// Reasons for giving up a comment or a fill, besides those of a [Rejection].
const (
	reasonInDoubt    Reason = "IN_DOUBT"           // the comment may have been written
	reasonUnreadable Reason = "UNREADABLE"         // it may have been written, but the card cannot be read
	reasonUnproven   Reason = "COMMENTS_NOT_SHOWN" // it may have been written, but lists of comments have never shown one of ours
	reasonTooMany    Reason = "TOO_MANY_COMMENTS"  // it may have been written, but the card has more comments than are read
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

// commentText returns the text of an event's comment, without its mark. It has the lines that the event's objects would
// otherwise have in their field "comments", each line once, beginning with the object that the comment is for.
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

// CommentMark returns the text at the end of an event's comment by which the comment is found again, such as
// "[leadbridge 3f9ad07c51b2e864]". origin is the event's Request.OriginID.
func CommentMark(originator, origin string) string { return vibe.CommentMark(originator, origin) }

// JoinComments joins texts by line ends, and leaves out each line of a text that an earlier text has, too.
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

// commentState returns what became of a step's comment, and the reason if it was not written. Both are empty for other steps
// and while the comment's end is open.
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
