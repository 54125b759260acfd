package dlt

import (
	"errors"
	"slices"

	"github.com/leadbridge/leadbridge/transform"
)

// Rejected counts letters whose events, put back as a dry run has them, would be rejected again before the CRM is asked,
// for the same reason and in the same words.
type Rejected struct {
	Reason  string `json:"reason"`
	Message string `json:"message"` // why; "" for letters of all further messages, see maxRejected
	Letters int    `json:"letters"`
	Place   string `json:"place"` // of the first of them
}

// maxRejected is how many messages are counted by themselves. Letters with further ones are counted by their reason alone.
const maxRejected = 50

// countRejections builds what the events of a batch would become, and counts those of which nothing can be built. A value
// whose schema is not known now is not counted: its event would wait, and not be rejected.
func (r *replay) countRejections(batch []planned) {
	if r.opts.Transformer == nil {
		return
	}
	for _, p := range batch {
		_, err := p.event().Contact(r.opts.Transformer)
		if why, ok := errors.AsType[*transform.Rejection](err); ok {
			r.report.reject(string(why.Reason), why.Message, p.letter.Position)
		}
	}
}

// event returns the letter with the key, the value and the headers that would be put back.
func (p planned) event() Letter {
	l := p.letter
	l.Key, l.Value = p.key, p.value
	l.Headers = make([]transform.Header, len(p.headers))
	for i, h := range p.headers {
		l.Headers[i] = transform.Header{Key: h.Key, Value: h.Value}
	}
	return l
}

// reject counts a letter that would be rejected again.
func (r *Report) reject(reason, message string, at Position) {
	find := func(message string) int {
		return slices.IndexFunc(r.Rejected, func(o Rejected) bool { return o.Reason == reason && o.Message == message })
	}
	i := find(message)
	if i < 0 && len(r.Rejected) >= maxRejected {
		message = ""
		i = find(message)
	}
	if i < 0 {
		i = len(r.Rejected)
		r.Rejected = append(r.Rejected, Rejected{Reason: reason, Message: message, Place: at.String()})
	}
	r.Rejected[i].Letters++
}

// StillRejected returns how many letters would be rejected again; see [Rejected].
func (r Report) StillRejected() int {
	n := 0
	for _, one := range r.Rejected {
		n += one.Letters
	}
	return n
}
