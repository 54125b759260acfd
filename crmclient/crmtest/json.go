package crmtest

import "strings"

// maxDepth bounds the nesting of what is read.
const maxDepth = 1000

// reader reads JSON in one pass and without copies: the simulator shares a machine with
// the client that is measured against it, so it has to cost little. A fault makes it bad
// and ends all loops.
type reader struct {
	text  string
	at    int
	depth int
	bad   bool
}

func (r *reader) fail() { r.bad, r.at = true, len(r.text) }

// peek is the first byte of what comes next, 0 at the end.
func (r *reader) peek() byte {
	for ; r.at < len(r.text); r.at++ {
		switch c := r.text[r.at]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// take tells whether c comes next, and goes behind it.
func (r *reader) take(c byte) bool {
	if r.peek() != c {
		return false
	}
	r.at++
	return true
}

// whole tells whether all was good and nothing is left.
func (r *reader) whole() bool {
	r.peek()
	return !r.bad && r.at == len(r.text)
}

// members yields the names of an object. The loop's body may read the value.
func (r *reader) members(yield func(name string) bool) {
	r.list('{', '}', func() bool {
		if r.peek() != '"' {
			r.fail()
			return false
		}
		name := unquote(r.raw())
		if !r.take(':') {
			r.fail()
			return false
		}
		return r.value(func() bool { return yield(name) })
	})
}

// elements yields for each value of an array. The loop's body may read it.
func (r *reader) elements(yield func() bool) {
	r.list('[', ']', func() bool { return r.value(yield) })
}

// value lets read have the next value, and skips it when that leaves it.
func (r *reader) value(read func() bool) bool {
	r.peek()
	from := r.at
	more := read()
	if r.at == from {
		r.skip()
	}
	return more
}

// list reads what stands between brackets, with commas between.
func (r *reader) list(opens, closes byte, item func() bool) {
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxDepth || !r.take(opens) {
		r.fail()
		return
	}
	if r.take(closes) {
		return
	}
	for item() && !r.bad {
		if r.take(',') {
			continue
		}
		if !r.take(closes) {
			r.fail()
		}
		return
	}
}

// raw is the next value as it stands, "" when it is none.
func (r *reader) raw() string {
	r.peek()
	from := r.at
	if r.skip(); r.bad {
		return ""
	}
	return r.text[from:r.at]
}

// word is the next value, a text or null.
func (r *reader) word() string {
	if c := r.peek(); c != '"' && c != 'n' {
		r.fail()
	}
	return unquote(r.raw())
}

// skip goes behind the next value.
func (r *reader) skip() {
	switch c := r.peek(); c {
	case '"':
		r.skipText()
	case '{':
		for range r.members {
		}
	case '[':
		for range r.elements {
		}
	case 't':
		r.skipWord("true")
	case 'f':
		r.skipWord("false")
	case 'n':
		r.skipWord("null")
	default:
		r.skipNumber()
	}
}

func (r *reader) skipWord(word string) {
	if !strings.HasPrefix(r.text[r.at:], word) {
		r.fail()
		return
	}
	r.at += len(word)
}

func (r *reader) skipText() {
	for i := r.at + 1; i < len(r.text); i++ {
		switch c := r.text[i]; {
		case c == '"':
			r.at = i + 1
			return
		case c < ' ':
			r.fail()
			return
		case c == '\\':
			n := escape(r.text[i:])
			if n == 0 {
				r.fail()
				return
			}
			i += n - 1
		}
	}
	r.fail()
}

// escape is the length of the escape that a text begins with, 0 when it is none.
func escape(text string) int {
	const short, long = len(`\n`), len(`\u0000`)
	switch {
	case len(text) < short:
		return 0
	case strings.IndexByte(`"\/bfnrt`, text[1]) >= 0:
		return short
	case text[1] != 'u' || len(text) < long:
		return 0
	}
	for _, c := range []byte(text[short:long]) {
		if (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'f') {
			return 0
		}
	}
	return long
}

// skipNumber goes behind -1.5e+3 and the like.
func (r *reader) skipNumber() {
	r.next("-")
	whole := r.digits()
	if whole == 0 || whole > 1 && r.text[r.at-whole] == '0' ||
		r.next(".") && r.digits() == 0 ||
		r.next("eE") && (r.next("+-") || true) && r.digits() == 0 {
		r.fail()
	}
}

// next goes behind the next byte when it is one of some.
func (r *reader) next(some string) bool {
	if r.at == len(r.text) || strings.IndexByte(some, r.text[r.at]) < 0 {
		return false
	}
	r.at++
	return true
}

// digits goes behind all digits and tells how many there were.
func (r *reader) digits() int {
	from := r.at
	for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
		r.at++
	}
	return r.at - from
}
