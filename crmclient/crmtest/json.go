package crmtest

import "github.com/leadbridge/leadbridge/internal/jsonscan"

// maxDepth bounds the nesting of what is read.
const maxDepth = 1000

// reader reads JSON in one pass. A fault makes it bad and ends all loops.
type reader struct {
	text string
	in   *jsonscan.Reader // of text, from the first call on
}

func (r *reader) scan() *jsonscan.Reader {
	if r.in == nil {
		r.in = jsonscan.NewBounded([]byte(r.text), maxDepth)
	}
	return r.in
}

func (r *reader) fail() { r.scan().Fail() }

// peek is the first byte of what comes next, 0 at the end.
func (r *reader) peek() byte { return r.scan().Peek() }

// whole reports whether all was good and nothing is left.
func (r *reader) whole() bool { return r.scan().Whole() }

// members yields the names of an object. The loop's body may read the value.
func (r *reader) members(yield func(name string) bool) {
	r.scan().Members(func(name []byte) bool { return yield(unquote(string(name))) })
}

// elements yields for each value of an array. The loop's body may read it.
func (r *reader) elements(yield func() bool) { r.scan().Elements(yield) }

// raw is the next value as it stands, "" when it is none.
func (r *reader) raw() string { return string(r.scan().Raw()) }

// word is the next value, a text or null.
func (r *reader) word() string {
	if c := r.peek(); c != '"' && c != 'n' {
		r.fail()
	}
	return unquote(r.raw())
}
