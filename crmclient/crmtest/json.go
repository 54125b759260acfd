package crmtest

import "github.com/leadbridge/leadbridge/internal/jsonscan"

// maxDepth is the deepest nesting of JSON that is accepted.
const maxDepth = 1000

// reader reads JSON in one pass. After a mistake in the text all loops end, and whole returns false.
type reader struct {
	text string
	in   *jsonscan.Reader // reads text; nil before the first call
}

func (r *reader) scan() *jsonscan.Reader {
	if r.in == nil {
		r.in = jsonscan.NewBounded([]byte(r.text), maxDepth)
	}
	return r.in
}

func (r *reader) fail() { r.scan().Fail() }

// peek returns the first byte of the next value; 0 at the end.
func (r *reader) peek() byte { return r.scan().Peek() }

// whole reports whether the text was valid and nothing of it is left.
func (r *reader) whole() bool { return r.scan().Whole() }

// members yields the names of an object. The loop's body may read the value.
func (r *reader) members(yield func(name string) bool) {
	r.scan().Members(func(name []byte) bool { return yield(unquote(string(name))) })
}

// elements yields once for each value of an array. The loop's body may read the value.
func (r *reader) elements(yield func() bool) { r.scan().Elements(yield) }

// raw returns the next value as JSON; "" if there is no valid one.
func (r *reader) raw() string { return string(r.scan().Raw()) }

// word returns the next value, which must be a text or null.
func (r *reader) word() string {
	if c := r.peek(); c != '"' && c != 'n' {
		r.fail()
	}
	return unquote(r.raw())
}
