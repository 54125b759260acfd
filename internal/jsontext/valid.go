// Package jsontext reads JSON where it lies: it checks a text and walks over its
// values without decoding them; and it writes texts. encoding/json copies what it reads and reads it twice, which
// shows where every event and every answer comes by.
package jsontext

import (
	"encoding/binary"
	"math/bits"
)

// maxDepth is how deep values may nest, as in encoding/json.
const maxDepth = 10_000

// Valid tells whether text is one JSON value: it says what [encoding/json.Valid] says, in
// a third of its time. On its way it calls member, unless that is nil, for each
// member of the outermost object, in their order; of a text that is found bad later too. Both
// arguments are parts of text, or as good as: they are not to be changed.
func Valid(text []byte, member func(name, value []byte)) bool {
	c := checker{b: text, top: member}
	return c.value(0) && c.peek() == 0 && c.i == len(c.b)
}

// A Part is a member of an object, or an element of a list, whose name is nil.
type Part struct {
	Depth       int // 1 in the outermost object or list
	Name, Value []byte
}

// Parts is Valid that tells all members and elements that nest no deeper than depth, in
// their order, each before those inside of it: to walk over a valid text reads it once more
// for each level.
func Parts(text []byte, depth int) (parts []Part, valid bool) {
	const usual = 64 // calls of a batch, and what stands around them
	c := checker{b: text, deep: depth}
	if depth > 1 {
		c.parts = make([]Part, 0, usual)
	}
	valid = c.value(0) && c.peek() == 0 && c.i == len(c.b)
	return c.parts, valid
}

// checker passes over one text.
type checker struct {
	b     []byte
	i     int
	top   func(name, value []byte)
	deep  int // what nests no deeper goes into parts
	parts []Part
}

// peek passes over blanks and gives the byte behind them; 0 at the end, for
// where it is asked no byte 0 is valid either.
func (c *checker) peek() byte {
	for ; c.i < len(c.b); c.i++ {
		switch b := c.b[c.i]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

func (c *checker) value(depth int) bool {
	switch c.peek() {
	case '"':
		return c.text()
	case '{':
		return c.list('}', depth+1)
	case '[':
		return c.list(']', depth+1)
	case 't':
		return c.word("true")
	case 'f':
		return c.word("false")
	case 'n':
		return c.word("null")
	}
	return c.number()
}

// list passes over an object or an array.
func (c *checker) list(end byte, depth int) bool {
	c.i++
	if depth > maxDepth {
		return false
	}
	if c.peek() == end {
		c.i++
		return true
	}
	for {
		if end == '}' && !c.member(depth) || end == ']' && !c.part(nil, depth) {
			return false
		}
		switch c.peek() {
		case ',':
			c.i++
		case end:
			c.i++
			return true
		default:
			return false
		}
	}
}

func (c *checker) member(depth int) bool {
	if c.peek() != '"' {
		return false
	}
	key := c.i
	if !c.text() {
		return false
	}
	keyEnd := c.i
	if c.peek() != ':' {
		return false
	}
	c.i++
	c.peek()
	start := c.i
	if !c.part(c.b[key:keyEnd], depth) {
		return false
	}
	if depth == 1 && c.top != nil {
		c.top(Bytes(c.b[key:keyEnd]), c.b[start:c.i])
	}
	return true
}

// part passes over the value of a member, whose name is given as it is written, or of an element.
func (c *checker) part(name []byte, depth int) bool {
	if depth > c.deep {
		return c.value(depth)
	}
	c.peek()
	at, start := len(c.parts), c.i
	c.parts = append(c.parts, Part{Depth: depth, Name: Bytes(name)})
	valid := c.value(depth)
	c.parts[at].Value = c.b[start:c.i]
	return valid
}

func (c *checker) text() bool {
	for c.i++; c.i < len(c.b); c.i++ {
		if c.i = plainEnd(c.b, c.i); c.i == len(c.b) {
			return false
		}
		switch b := c.b[c.i]; {
		case b == '"':
			c.i++
			return true
		case b < ' ', b == '\\' && !c.escape():
			return false
		}
	}
	return false
}

// plainEnd gives the place of the first byte from i on that may not stand in a string as it is,
// or begins or ends something there.
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

// Eight bytes are looked at together, as one number: their highest bits tell which of them are
// meant. The lowest bit that is set is exact: only above it a borrow can set others.
const (
	eachByte = 0x0101010101010101
	highBits = 0x80 * eachByte
)

// below tells which bytes are less than c, which is at most 0x80.
func below(x uint64, c byte) uint64 { return (x - uint64(c)*eachByte) &^ x & highBits }

// equal tells which bytes are c.
func equal(x uint64, c byte) uint64 { return below(x^uint64(c)*eachByte, 1) }

// escape passes over all of an escape but its last byte.
func (c *checker) escape() bool {
	if c.i++; c.i == len(c.b) {
		return false
	}
	switch c.b[c.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			if c.i++; c.i == len(c.b) || !isHex(c.b[c.i]) {
				return false
			}
		}
		return true
	}
	return false
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

func (c *checker) word(word string) bool {
	end := c.i + len(word)
	if end > len(c.b) || string(c.b[c.i:end]) != word {
		return false
	}
	c.i = end
	return true
}

func (c *checker) number() bool {
	c.pass('-', '-')
	if !c.pass('0', '0') && !c.digits() {
		return false
	}
	if c.pass('.', '.') && !c.digits() {
		return false
	}
	if c.pass('e', 'E') {
		c.pass('+', '-')
		return c.digits()
	}
	return true
}

// pass passes over one of two bytes if it is there.
func (c *checker) pass(one, other byte) bool {
	if c.i == len(c.b) || c.b[c.i] != one && c.b[c.i] != other {
		return false
	}
	c.i++
	return true
}

func (c *checker) digits() bool {
	start := c.i
	for c.i < len(c.b) && c.b[c.i] >= '0' && c.b[c.i] <= '9' {
		c.i++
	}
	return c.i > start
}
