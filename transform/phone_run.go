package transform

import (
	"slices"
	"strings"
)

// Two numbers with nothing but a blank between them are read when each is as
// long as a whole number: minBesideOther digits, or as many as its neighbours,
// and no less than minAlike.
const (
	minBesideOther = 10
	minAlike       = 7
)

// maxAreaDigits is how many digits may stand before a slash inside of a number
// ("030/123456"); behind more of them it separates two.
const maxAreaDigits = 6

// numbersOf reads a run of groups as one number, else as the fewest numbers
// that use up all of its groups; nil when there is no such reading or more than one.
func (s *phoneText) numbersOf(run []phoneGroup) []phone {
	if len(run) > maxRunGroups || slices.ContainsFunc(run, func(g phoneGroup) bool { return g.glued }) {
		return nil
	}
	best := make([]runReading, len(run)+1)
	best[0].ways = 1
	for end := 1; end <= len(run); end++ {
		best[end] = s.bestEnding(run, best, end)
	}
	if best[len(run)].ways != 1 {
		return nil
	}
	return best[len(run)].numbers
}

// maxRunGroups is how many groups of digits are read without a separator.
const maxRunGroups = 64

// runReading is how the groups up to some place are read with the fewest numbers.
type runReading struct {
	numbers []phone
	digits  int // of each of several numbers; 0: they differ, or there is one
	ways    int // to read them with as few numbers; 0: none
}

// bestEnding finds the reading of run[:end] by what its last number may be.
func (s *phoneText) bestEnding(run []phoneGroup, best []runReading, end int) runReading {
	var found runReading
	digits := ""
	for start := end - 1; start >= 0; start-- {
		if digits = run[start].digits + digits; len(digits) > maxPhoneDigits {
			break
		}
		before := best[start]
		if before.ways == 0 || !fitsSlashes(run[start:end]) || !fitsBeside(before, digits, run[start].slash) {
			continue
		}
		if found.ways > 0 && len(before.numbers)+1 > len(found.numbers) {
			continue
		}
		p, ok := s.readPart(digits, start == 0 && end == len(run))
		switch {
		case !ok:
		case found.ways == 0 || len(before.numbers)+1 < len(found.numbers):
			numbers := slices.Concat(before.numbers, []phone{p})
			found = runReading{numbers: numbers, digits: len(strings.TrimPrefix(digits, "+")), ways: before.ways}
		default:
			found.ways += before.ways
		}
	}
	return found
}

// readPart looks one number up. Digits that are only a part of the run are not
// taken for a number of another country without its plus.
func (s *phoneText) readPart(digits string, whole bool) (phone, bool) {
	home := s.reader.home
	if !whole {
		s.reader.home.stated = true
	}
	p, ok := s.reader.lookUp(digits)
	s.reader.home = home
	return p, ok
}

// fitsSlashes reports whether groups may be one number: a slash stands only
// behind an area code.
func fitsSlashes(groups []phoneGroup) bool {
	return splitAtSlash(groups) == len(groups)
}

// fitsBeside reports whether digits may be a number of their own beside those before.
func fitsBeside(before runReading, digits string, slash bool) bool {
	if len(before.numbers) == 0 || slash {
		return true
	}
	n := len(strings.TrimPrefix(digits, "+"))
	return n >= minBesideOther && before.digits >= minBesideOther || n >= minAlike && n == before.digits
}
