// Package jsonscan reads JSON where it lies: it checks a text and walks over its values in one pass, without
// copies and without decoding them.
package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth is how deep values may nest, as in encoding/json.
const maxDepth = 10_000

// Reader reads one JSON text from its beginning. It takes for JSON what [encoding/json.Valid] does. A fault makes it bad,
// and ends all loops.
type Reader struct {
	b        []byte
	i        int // of the next byte
	depth    int // how many brackets are open
	maxDepth int
	bad      bool
}

// New returns a reader of text, which must not be changed meanwhile. Values may nest 10,000 deep.
func New(text []byte) *Reader { return &Reader{b: text, maxDepth: maxDepth} }

// NewBounded returns a reader of text whose values may nest so deep.
func NewBounded(text []byte, depth int) *Reader { return &Reader{b: text, maxDepth: depth} }

// Fail makes the reader bad.
func (r *Reader) Fail() { r.bad, r.i = true, len(r.b) }

// Bad reports whether what was read so far is not JSON.
func (r *Reader) Bad() bool { return r.bad }

// Whole reports whether no fault was found and only blanks are left.
func (r *Reader) Whole() bool { return r.Peek() == 0 && !r.bad && r.i == len(r.b) }

// Peek passes over blanks and returns the byte behind them; 0 at the end of the text. A byte 0 in the text is
// a fault wherever Peek is called.
func (r *Reader) Peek() byte {
	for ; r.i < len(r.b); r.i++ {
		switch b := r.b[r.i]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

// Members yields the names of an object, as they stand in the text, with their quotes. The loop's body may read the value;
// otherwise it is skipped.
func (r *Reader) Members(yield func(name []byte) bool) {
	for more := r.begin('{', '}'); more; more = r.next('}') {
		name := r.name()
		if r.bad || !r.value(func() bool { return yield(name) }) {
			return
		}
	}
}

// Elements yields once for each value of an array. The loop's body may read the value; otherwise it is skipped.
func (r *Reader) Elements(yield func() bool) {
	for more := r.begin('[', ']'); more; more = r.next(']') {
		if !r.value(yield) {
			return
		}
	}
}

// value calls read, which may read the next value, and skips the value if read has not. It returns what read returns.
func (r *Reader) value(read func() bool) bool {
	r.Peek()
	from := r.i
	more := read()
	if r.i == from {
		r.Skip()
	}
	return more
}

// Raw returns the next value as it stands in the text; nil when there is a fault.
func (r *Reader) Raw() []byte {
	r.Peek()
	from := r.i
	if r.Skip(); r.bad {
		return nil
	}
	return r.b[from:r.i]
}

// Skip passes over the next value.
func (r *Reader) Skip() {
	ok := true
	switch r.Peek() {
	case '"':
		ok = r.text()
	case '{':
		for more := r.begin('{', '}'); more; more = r.next('}') {
			r.name()
			r.Skip()
		}
	case '[':
		for more := r.begin('[', ']'); more; more = r.next(']') {
			r.Skip()
		}
	case 't':
		ok = r.word("true")
	case 'f':
		ok = r.word("false")
	case 'n':
		ok = r.word("null")
	default:
		ok = r.number()
	}
	if !ok {
		r.Fail()
	}
}

// begin passes over an opening bracket, and over the closing one if nothing stands between them. It reports whether
// something does.
func (r *Reader) begin(opens, closes byte) bool {
	r.depth++
	if r.Peek() != opens || r.depth > r.maxDepth {
		r.Fail()
		return false
	}
	r.i++
	if r.Peek() != closes {
		return true
	}
	return r.end()
}

// next passes over the comma or the closing bracket behind an item, and reports whether another item follows.
func (r *Reader) next(closes byte) bool {
	switch r.Peek() {
	case ',':
		r.i++
		return !r.bad
	case closes:
		return r.end()
	}
	r.Fail()
	return false
}

// end passes over a closing bracket, and returns false for begin and next: no item follows.
func (r *Reader) end() bool {
	r.i++
	r.depth--
	return false
}

// name passes over a name and its colon, and returns the name with its quotes.
func (r *Reader) name() []byte {
	if r.Peek() != '"' {
		r.Fail()
		return nil
	}
	name := r.Raw()
	if r.Peek() != ':' {
		r.Fail()
		return nil
	}
	r.i++
	return name
}

func (r *Reader) text() bool {
	for r.i++; r.i < len(r.b); r.i++ {
		if r.i = plainEnd(r.b, r.i); r.i == len(r.b) {
			return false
		}
		switch b := r.b[r.i]; {
		case b == '"':
			r.i++
			return true
		case b < ' ', b == '\\' && !r.escape():
			return false
		}
	}
	return false
}

// plainEnd returns the index of the first byte from i on that is not an ordinary character of a string: a
// quote, a backslash or a control character.
func plainEnd(s []byte, i int) int {
	for ; i+8 <= len(s); i += 8 {
		x := binary.LittleEndian.Uint64(s[i:])
		if found := below(x, ' ') | equal(x, '"') | equal(x, '\\'); found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for ; i < len(s); i++ {
		if b := s[i]; b == '"' || b == '\\' || b < ' ' {
			break
		}
	}
	return i
}

// below and equal look at eight bytes at once, as one number, and set the highest bit of each byte that is found. Only the
// lowest bit that is set is certain: the subtraction's borrow may set others above it.
const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
)

// below sets the bits of the bytes that are less than c, which is at most 0x80.
func below(x uint64, c byte) uint64 { return (x - uint64(c)*eachByte) &^ x & highBits }

// equal sets the bits of the bytes that are c.
func equal(x uint64, c byte) uint64 { return below(x^uint64(c)*eachByte, 1) }

// escape passes over an escape up to its last byte, which the caller passes over. It reports whether it is a valid one.
func (r *Reader) escape() bool {
	if r.i++; r.i == len(r.b) {
		return false
	}
	switch r.b[r.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if r.i++; r.i == len(r.b) || !isHex(r.b[r.i]) {
				return false
			}
		}
		return true
	}
	return false
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func (r *Reader) word(word string) bool {
	end := r.i + len(word)
	if end > len(r.b) || string(r.b[r.i:end]) != word {
		return false
	}
	r.i = end
	return true
}

func (r *Reader) number() bool {
	r.pass('-', '-')
	if !r.pass('0', '0') && !r.digits() {
		return false
	}
	if r.pass('.', '.') && !r.digits() {
		return false
	}
	if r.pass('e', 'E') {
		r.pass('+', '-')
		return r.digits()
	}
	return true
}

// pass passes over one of two bytes if it is there.
func (r *Reader) pass(one, other byte) bool {
	if r.i == len(r.b) || r.b[r.i] != one && r.b[r.i] != other {
		return false
	}
	r.i++
	return true
}

func (r *Reader) digits() bool {
	start := r.i
	for r.i < len(r.b) && r.b[r.i] >= '0' && r.b[r.i] <= '9' {
		r.i++
	}
	return r.i > start
}
