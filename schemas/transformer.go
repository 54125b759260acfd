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

// Decode reads a record. Beside the errors of [transform.Transformer.Decode], it is *[Unread] for one whose schema is not
// known yet; what its headers say of its identity is set all the same.
func (t *Transformer) Decode(r transform.Record) (transform.Event, error) {
	text, err := t.reader.JSON(&r)
	if err == nil {
		r.JSON = text
		return t.Transformer.Decode(r)
	}
	event, _ := t.Transformer.Decode(r) // which finds no JSON
	if f, ok := errors.AsType[*Fault](err); ok {
		return event, &transform.Rejection{Reason: f.Reason, Message: f.Message}
	}
	return event, err
}

// Unframed returns what can be shown of a framed value: its JSON or, as long as it cannot be read, nil and why. Of a value
// that is not framed both are empty.
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
