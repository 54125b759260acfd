package webhook

import (
	"bytes"
	"unicode"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/internal/jsonscan"
)

// repaired returns text with the usual mistakes of hand-written JSON templates corrected:
//
//   - line ends, tabs and other control characters in texts are escaped, and so are quotes
//     that no comma, colon or closing bracket follows and backslashes that escape nothing
//   - commas that nothing follows are left out
//   - a value that is missing is null
//   - no-break spaces and the like between values are blanks
//
// A text that is cut off, or broken in another way, stays broken: nothing is guessed.
func repaired(text []byte) []byte {
	r := repair{in: text, out: make([]byte, 0, len(text)+len(text)/8)}
	for r.at < len(r.in) {
		if r.quoted {
			r.inText()
		} else {
			r.between()
		}
	}
	return r.out
}

// repair is one walk over a text.
type repair struct {
	in     []byte
	at     int // of the next byte
	out    []byte
	quoted bool // the next byte is inside a text
	last   int  // index in out of the last byte that is outside of texts and not a blank; see before
	any    bool // there is such a last byte; false: last means nothing
}

// before returns the last byte outside of texts that is not a blank; 0 when there is none.
func (r *repair) before() byte {
	if !r.any {
		return 0
	}
	return r.out[r.last]
}

func (r *repair) write(c byte) {
	r.last, r.any = len(r.out), true
	r.out = append(r.out, c)
}

// next returns the first byte from i on that is not a blank; 0 when there is none.
func (r *repair) next(i int) byte {
	if rest := bytes.TrimLeft(r.in[i:], " \t\r\n"); len(rest) > 0 {
		return rest[0]
	}
	return 0
}

// between passes over a byte outside of texts.
func (r *repair) between() {
	c := r.in[r.at]
	if c >= utf8.RuneSelf {
		if size := blankAt(r.in[r.at:]); size > 0 {
			r.out = append(r.out, ' ')
			r.at += size
			return
		}
	}
	r.at++
	switch c {
	case ' ', '\t', '\r', '\n':
		r.out = append(r.out, c)
	case '"':
		r.quoted = true
		r.write(c)
	case ',':
		r.comma()
	case '}', ']':
		r.null()
		r.write(c)
	default:
		r.write(c)
	}
}

// null writes null where a name has no value.
func (r *repair) null() {
	if r.before() == ':' {
		r.out = append(r.out, "nul"...)
		r.write('l')
	}
}

// comma writes a comma, unless there is nothing before it or after it.
func (r *repair) comma() {
	r.null()
	switch r.before() {
	case ',', '{', '[', 0:
		return
	}
	switch r.next(r.at) {
	case ',', '}', ']', 0:
	default:
		r.write(',')
	}
}

// inText passes over a byte, or an escape, of a text.
func (r *repair) inText() {
	c := r.in[r.at]
	r.at++
	switch {
	case c == '"' && r.closes():
		r.quoted = false
		r.write(c)
	case c == '"':
		r.out = append(r.out, '\\', '"')
	case c == '\\':
		r.escape()
	case c < ' ':
		r.out = append(r.out, escaped(c)...)
	default:
		r.out = append(r.out, c)
	}
}

// closes reports whether the quote that was just read ends its text.
func (r *repair) closes() bool {
	switch r.next(r.at) {
	case ',', ':', '}', ']', 0:
		return true
	}
	return false
}

// escape writes what stands behind a backslash.
func (r *repair) escape() {
	if r.at == len(r.in) {
		return
	}
	c := r.in[r.at]
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't', 'u':
		r.out = append(r.out, '\\', c)
		r.at++
	case '\'':
		r.out = append(r.out, c)
		r.at++
	default: // the backslash is itself
		r.out = append(r.out, '\\', '\\')
	}
}

func escaped(c byte) []byte {
	text := jsonscan.AppendText(nil, string(rune(c)))
	return text[1 : len(text)-1]
}

// blankAt returns how many bytes the first character of b has, if it looks like a blank and is not one in JSON; 0 otherwise.
func blankAt(b []byte) int {
	r, size := utf8.DecodeRune(b)
	if unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' {
		return size
	}
	return 0
}
