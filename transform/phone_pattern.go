package transform

import (
	"encoding/binary"
	"regexp"
	"regexp/syntax"
	"slices"
)

// maxPatternStates bounds the table of a pattern, at 20 bytes a state.
const maxPatternStates = 2000

// digitPattern is a regular expression over digits, from their start on, as a
// table: a step takes about a nanosecond where package regexp takes twenty.
type digitPattern struct {
	next   [][10]uint16   // by state and digit; state 0 fails, state 1 is the first
	accept []bool         // by state
	slow   *regexp.Regexp // in place of a table that would be too large, or that cannot say it
}

// newDigitPattern compiles a pattern of libphonenumber's; nil: matches nothing.
func newDigitPattern(pattern string) *digitPattern {
	if pattern == "" || pattern == "NA" {
		return nil
	}
	b := tableBuilder{known: map[string]uint16{"": 0}, sets: [][]uint32{nil}}
	if p, ok := b.build(pattern); ok {
		return p
	}
	slow := regexp.MustCompile("^(?:" + pattern + ")")
	slow.Longest()
	return &digitPattern{slow: slow}
}

// matches tells whether the pattern matches all of the digits.
func (p *digitPattern) matches(digits string) bool {
	if p.slow != nil {
		at := p.slow.FindStringIndex(digits)
		return at != nil && at[1] == len(digits)
	}
	state := uint16(1)
	for i := range len(digits) {
		state = p.step(state, digits[i])
	}
	return p.accept[state]
}

// matchesStart tells whether the pattern matches what the digits begin with.
func (p *digitPattern) matchesStart(digits string) bool {
	if p.slow != nil {
		return p.slow.MatchString(digits)
	}
	state := uint16(1)
	for i := 0; i < len(digits) && !p.accept[state]; i++ {
		state = p.step(state, digits[i])
	}
	return p.accept[state]
}

func (p *digitPattern) step(state uint16, digit byte) uint16 {
	if digit -= '0'; digit > 9 {
		return 0
	}
	return p.next[state][digit]
}

// tableBuilder makes a state of each set of instructions at which a match can
// stand after some digits (the subset construction).
type tableBuilder struct {
	program *syntax.Prog
	known   map[string]uint16 // states by their sets
	sets    [][]uint32        // by state, sorted
}

func (b *tableBuilder) build(pattern string) (*digitPattern, bool) {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, false
	}
	if b.program, err = syntax.Compile(parsed.Simplify()); err != nil {
		return nil, false
	}
	first, ok := b.reach(nil, uint32(b.program.Start))
	if !ok {
		return nil, false
	}
	b.state(first)
	p := &digitPattern{}
	for len(p.next) < len(b.sets) { // each row may add states
		set := b.sets[len(p.next)]
		row, ok := b.row(set)
		if !ok || len(b.sets) > maxPatternStates {
			return nil, false
		}
		p.next = append(p.next, row)
		p.accept = append(p.accept, slices.ContainsFunc(set, func(i uint32) bool {
			return b.program.Inst[i].Op == syntax.InstMatch
		}))
	}
	return p, true
}

// row gives the states behind a set of instructions, by digit.
func (b *tableBuilder) row(set []uint32) (row [10]uint16, ok bool) {
	for digit := range row {
		var next []uint32
		for _, i := range set {
			inst := &b.program.Inst[i]
			if inst.Op == syntax.InstMatch || !inst.MatchRune('0'+rune(digit)) {
				continue
			}
			if next, ok = b.reach(next, inst.Out); !ok {
				return row, false
			}
		}
		row[digit] = b.state(next)
	}
	return row, true
}

// reach adds the instructions that read a digit, or end the match, from an
// instruction on; it is not ok when there are others among them.
func (b *tableBuilder) reach(set []uint32, i uint32) ([]uint32, bool) {
	inst := &b.program.Inst[i]
	switch inst.Op {
	case syntax.InstAlt, syntax.InstAltMatch:
		set, ok := b.reach(set, inst.Out)
		if !ok {
			return nil, false
		}
		return b.reach(set, inst.Arg)
	case syntax.InstCapture, syntax.InstNop:
		return b.reach(set, inst.Out)
	case syntax.InstFail:
		return set, true
	case syntax.InstEmptyWidth:
		return nil, false
	}
	if at, found := slices.BinarySearch(set, i); !found {
		set = slices.Insert(set, at, i)
	}
	return set, true
}

// state gives the number of a set.
func (b *tableBuilder) state(set []uint32) uint16 {
	key := make([]byte, 0, 4*len(set))
	for _, i := range set {
		key = binary.NativeEndian.AppendUint32(key, i)
	}
	state, ok := b.known[string(key)]
	if !ok {
		state = uint16(len(b.sets))
		b.known[string(key)] = state
		b.sets = append(b.sets, set)
	}
	return state
}
