package schemas

import (
	"errors"
	"math"
	"strconv"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// maxJSON is how long in bytes a value may be, framed and decoded: as long as any other value.
const maxJSON = 1 << 20

// A schema with long names makes a long text of few bytes. A decoded value may have growthFixed bytes and growthTimes those
// of the payload, so that the values in flight stay within a few times MAX_BUFFER.
const (
	growthFixed = 64 << 10
	growthTimes = 8
)

// errTooLong is the error of a decoded value that is beyond the bounds.
var errTooLong = errors.New("the decoded value is longer than 1 MiB, or than 64 KiB and eight times what was sent")

// A writer writes one JSON text, up to a limit; what comes after that is dropped, and end returns an error.
type writer struct {
	b     []byte
	limit int  // of b, in bytes
	full  bool // something was dropped
}

func newWriter(payload []byte) writer {
	return writer{limit: min(maxJSON, growthFixed+growthTimes*len(payload))}
}

func (w *writer) end() ([]byte, error) {
	if w.full {
		return nil, errTooLong
	}
	return w.b, nil
}

func (w *writer) raw(text string) {
	if w.full = w.full || len(w.b)+len(text) > w.limit; !w.full {
		w.b = append(w.b, text...)
	}
}

func (w *writer) text(s string) {
	if w.full = w.full || len(w.b)+len(s) > w.limit; !w.full {
		w.b = jsonscan.AppendText(w.b, s)
	}
}

func (w *writer) int(n int64) { w.raw(strconv.FormatInt(n, 10)) }

// float writes a number, and as a text what JSON has no number for.
func (w *writer) float(f float64, bits int) {
	switch {
	case math.IsNaN(f):
		w.text("NaN")
	case math.IsInf(f, 1):
		w.text("Infinity")
	case math.IsInf(f, -1):
		w.text("-Infinity")
	default:
		w.raw(strconv.FormatFloat(f, 'g', -1, bits))
	}
}

// list writes n elements.
func (w *writer) list(n int, element func(i int)) {
	w.raw("[")
	for i := 0; i < n && !w.full; i++ {
		if i > 0 {
			w.raw(",")
		}
		element(i)
	}
	w.raw("]")
}

// An objectWriter writes the members of one object.
type objectWriter struct {
	w     *writer
	begun bool
}

func (w *writer) object(members func(o *objectWriter)) {
	w.raw("{")
	members(&objectWriter{w: w})
	w.raw("}")
}

// member begins a member; its value is to be written next.
func (o *objectWriter) member(name string) {
	if o.begun {
		o.w.raw(",")
	}
	o.begun = true
	o.w.text(name)
	o.w.raw(":")
}
