package schemas

import (
	"errors"

	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// Transformer is a [transform.Transformer] that reads framed values too.
type Transformer struct {
	*transform.Transformer
	reader *Reader
}

// NewTransformer makes one of a reader.
func NewTransformer(t *transform.Transformer, r *Reader) *Transformer { return &Transformer{t, r} }

// Decode reads a record. Its errors are those of [transform.Transformer.Decode], and *[Unread] when the record's schema is
// not known yet; even then the event has what the headers say of its identity.
func (t *Transformer) Decode(r transform.Record) (transform.Event, error) {
	text, err := t.reader.JSON(&r)
	if err == nil {
		r.JSON = text
		return t.Transformer.Decode(r)
	}
	event, _ := t.Transformer.Decode(r) // the value is not JSON, but the headers are read
	if f, ok := errors.AsType[*Fault](err); ok {
		return event, &transform.Rejection{Reason: f.Reason, Message: f.Message}
	}
	return event, err
}

// Unframed returns the JSON of a framed value, or nil and why it cannot be read. For a value that is not framed it returns
// nil and "".
func (t *Transformer) Unframed(r transform.Record) (text []byte, why string) {
	text, err := t.reader.JSON(&r)
	if err != nil {
		return nil, err.Error()
	}
	return text, ""
}

// Watch is [Reader.Watch].
func (t *Transformer) Watch(f func(advice phrase.Text)) { t.reader.Watch(f) }

// Close is [Reader.Close].
func (t *Transformer) Close() { t.reader.Close() }
