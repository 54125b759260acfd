package consumer

import (
	"cmp"
	"slices"
)

// backlogKeys are the lines of a backlog's records, each with the offset of its last one. It is a plain value: what was
// dispatched since counts no more, as the caller says how far that is.
type backlogKeys struct {
	lines []lineEnd // ascending by line
}

// A lineEnd is where a line ends in a backlog.
type lineEnd struct {
	line uint64
	last int64 // the offset of its last record; crowded: see there
}

// crowded is the end of a line of so many persons that they do not wait for each other, see maxPersonsPerPoint. The ends
// of its persons are found by personIn.
const crowded = -1

// A backlogEntry is a record of a backlog in one of its lines. It is small, as a backlog may have many.
type backlogEntry struct {
	line   uint64
	offset uint32 // beyond the first offset of the backlog
	person uint32 // of the hash of the person, as much as is needed to tell some apart
}

// appendEntries appends an entry for each line of a record that lies so far beyond the first offset of the backlog.
func appendEntries(entries []backlogEntry, lines []lineKey, offset uint32) []backlogEntry {
	for _, k := range lines {
		person := uint32(0)
		if k.maxPersons > 0 {
			person = max(uint32(k.person), 1)
		}
		entries = append(entries, backlogEntry{k.line, offset, person})
	}
	return entries
}

// newBacklogKeys returns the keys of a backlog that begins at an offset. It sorts the entries.
func newBacklogKeys(entries []backlogEntry, first int64) backlogKeys {
	slices.SortFunc(entries, func(a, b backlogEntry) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.offset, b.offset))
	})
	var ends []lineEnd
	for len(entries) > 0 {
		n := 1
		for n < len(entries) && entries[n].line == entries[0].line {
			n++
		}
		ends = appendEnds(ends, entries[:n], first)
		entries = entries[n:]
	}
	slices.SortFunc(ends, func(a, b lineEnd) int { return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.last, b.last)) })
	return backlogKeys{lines: slices.Clip(ends)}
}

// appendEnds appends the end of one line, of which these are all entries, and of its persons if there are many.
func appendEnds(ends []lineEnd, entries []backlogEntry, first int64) []lineEnd {
	if !isCrowded(entries) {
		return append(ends, lineEnd{entries[0].line, first + int64(entries[len(entries)-1].offset)})
	}
	persons := map[uint32]int64{}
	for _, e := range entries {
		persons[e.person] = first + int64(e.offset)
	}
	ends = append(ends, lineEnd{entries[0].line, crowded})
	for person, last := range persons {
		ends = append(ends, lineEnd{personIn(entries[0].line, person), last})
	}
	return ends
}

// isCrowded reports whether the entries of a line are of more persons than wait for each other.
func isCrowded(entries []backlogEntry) bool {
	var persons [maxPersonsPerPoint]uint32
	n := 0
	for _, e := range entries {
		switch {
		case slices.Contains(persons[:n], e.person):
		case n == len(persons):
			return true
		default:
			persons[n] = e.person
			n++
		}
	}
	return false
}

// personIn stands for the records of one person in a crowded line.
func personIn(line uint64, person uint32) uint64 {
	return line ^ (uint64(person)+1)*0x9E3779B97F4A7C15 // spread over all bits
}

// lastOf returns the offset of the last record of the backlog that stands in one of these lines and is not below next; -1
// when there is none.
func (k *backlogKeys) lastOf(lines []lineKey, next int64) int64 {
	last := int64(-1)
	for _, l := range lines {
		end, found := k.find(l.line)
		if found && end == crowded {
			end, found = k.find(personIn(l.line, max(uint32(l.person), 1)))
		}
		if found && end >= next {
			last = max(last, end)
		}
	}
	return last
}

// find returns the end of a line; of equal ones the last.
func (k *backlogKeys) find(line uint64) (int64, bool) {
	i, _ := slices.BinarySearchFunc(k.lines, line, func(e lineEnd, line uint64) int {
		if e.line <= line {
			return -1
		}
		return 1
	})
	if i == 0 || k.lines[i-1].line != line {
		return 0, false
	}
	return k.lines[i-1].last, true
}
