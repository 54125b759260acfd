package transform

// maxJSONDepth is how deep values may nest, as in encoding/json.
const maxJSONDepth = 10_000

// jsonChecker passes over one JSON text and tells whether it is valid. It
// says what [encoding/json.Valid] says, in a third of its time, and notes on its
// way what the members of a CloudEvent are.
type jsonChecker struct {
	b   []byte
	i   int
	top *structured // takes the members of the outermost object, unless nil
}

func (c *jsonChecker) valid() bool {
	return c.value(0) && c.peek() == 0 && c.i == len(c.b)
}

// peek passes over blanks and gives the byte behind them; 0 at the end, for
// where it is asked no byte 0 is valid either.
func (c *jsonChecker) peek() byte {
	for ; c.i < len(c.b); c.i++ {
		switch b := c.b[c.i]; b {
		case ' ', '\t', '\n', '\r':
		default:
			return b
		}
	}
	return 0
}

func (c *jsonChecker) value(depth int) bool {
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
func (c *jsonChecker) list(end byte, depth int) bool {
	c.i++
	if depth > maxJSONDepth {
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

func (c *jsonChecker) member(depth int) bool {
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
		c.top.take(c.b[key:keyEnd], c.b[start:c.i])
	}
	return true
}

func (c *jsonChecker) text() bool {
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
func (c *jsonChecker) escape() bool {
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

func (c *jsonChecker) word(word string) bool {
	end := c.i + len(word)
	if end > len(c.b) || string(c.b[c.i:end]) != word {
		return false
	}
	c.i = end
	return true
}

func (c *jsonChecker) number() bool {
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
func (c *jsonChecker) pass(one, other byte) bool {
	if c.i == len(c.b) || c.b[c.i] != one && c.b[c.i] != other {
		return false
	}
	c.i++
	return true
}

func (c *jsonChecker) digits() bool {
	start := c.i
	for c.i < len(c.b) && c.b[c.i] >= '0' && c.b[c.i] <= '9' {
		c.i++
	}
	return c.i > start
}
