package crmtest

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"time"
)

// store holds the contacts. The simulator's lock guards it.
type store struct {
	rows    []*Contact // by id - 1; nil: deleted
	count   int
	seed    maphash.Seed
	index   index // by field and value
	repeats int   // contacts beyond the first of their OriginID
}

func newStore() *store {
	return &store{seed: maphash.MakeSeed(), index: index{first: map[uint64]int64{}, more: map[uint64][]int64{}}}
}

// index finds ids by the hash of a field and its value. Hashes may collide, so
// what it finds has to be compared.
type index struct {
	first map[uint64]int64
	more  map[uint64][]int64 // further ids of the same hash: rare, hence apart
}

func (x *index) add(h uint64, id int64) {
	if _, ok := x.first[h]; !ok {
		x.first[h] = id
		return
	}
	if !slices.Contains(x.find(h), id) {
		x.more[h] = append(x.more[h], id)
	}
}

func (x *index) find(h uint64) []int64 {
	id, ok := x.first[h]
	if !ok {
		return nil
	}
	return append([]int64{id}, x.more[h]...)
}

func (x *index) remove(h uint64, id int64) {
	rest := slices.DeleteFunc(x.find(h), func(other int64) bool { return other == id })
	delete(x.first, h)
	delete(x.more, h)
	if len(rest) > 0 {
		x.first[h] = rest[0]
	}
	if len(rest) > 1 {
		x.more[h] = rest[1:]
	}
}

func (t *store) hash(name, value string) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	h.WriteString(name)
	h.WriteByte(0)
	h.WriteString(value)
	return h.Sum64()
}

// originKey is the name under which the index keeps OriginID.
const originKey = "\x00origin"

// indexed tells whether equality with a value of this field is found by index.
func indexed(f field) bool {
	return f.name == "originId" || f.kind == kindPhone || f.kind == kindEmail || f.user != nil && f.kind == kindText
}

// keys are the hashes under which a contact is found, by its origin too.
func (t *store) keys(c *Contact, origin string) []uint64 {
	keys := make([]uint64, 0, 8)
	for v := range c.each {
		switch {
		case v.name == "phone":
			for e := range entries(v.raw) {
				keys = append(keys, t.hash(v.name, unquote(e.value)))
			}
		case v.name == "email":
			for e := range entries(v.raw) {
				keys = append(keys, t.hash(v.name, strings.ToLower(unquote(e.value))))
			}
		case v.name == "originId", strings.HasPrefix(v.name, userPrefix):
			keys = append(keys, t.hash(v.name, unquote(v.raw)))
		}
	}
	if origin != "" {
		keys = append(keys, t.hash(originKey, origin))
	}
	return keys
}

// insert makes a contact of the values.
func (t *store) insert(values []fieldValue, now time.Time) *Contact {
	c := &Contact{ID: int64(len(t.rows)) + 1, Created: now, Updated: now, data: pack(values)}
	t.rows = append(t.rows, c)
	t.count++
	t.enter(c)
	return c
}

// enter makes a row findable.
func (t *store) enter(c *Contact) {
	id := c.OriginID()
	if len(t.byOrigin(id)) > 0 {
		t.repeats++
	}
	for _, h := range t.keys(c, id) {
		t.index.add(h, c.ID)
	}
}

// withdraw is the inverse of enter.
func (t *store) withdraw(c *Contact) {
	id := c.OriginID()
	for _, h := range t.keys(c, id) {
		t.index.remove(h, c.ID)
	}
	if len(t.byOrigin(id)) > 0 {
		t.repeats--
	}
}

// byOrigin are the contacts with this OriginID, by id; the empty one is nobody's.
func (t *store) byOrigin(id string) []*Contact {
	if id == "" {
		return nil
	}
	found := t.byHash([]uint64{t.hash(originKey, id)})
	return slices.DeleteFunc(found, func(c *Contact) bool { return c.OriginID() != id })
}

// replace gives the row of this id new values; those that are not named stay, "" takes
// one away.
func (t *store) replace(c *Contact, values []fieldValue, now time.Time) *Contact {
	for old := range c.each {
		if !slices.ContainsFunc(values, func(v fieldValue) bool { return v.name == old.name }) {
			values = append(values, old)
		}
	}
	values = slices.DeleteFunc(values, func(v fieldValue) bool { return v.raw == "" })
	t.withdraw(c)
	next := &Contact{ID: c.ID, Created: c.Created, Updated: now, data: pack(values)}
	t.rows[c.ID-1] = next
	t.enter(next)
	return next
}

func (t *store) remove(id int64) bool {
	c := t.get(id)
	if c == nil {
		return false
	}
	t.withdraw(c)
	t.rows[id-1] = nil
	t.count--
	return true
}

// get is the contact of that id, or nil.
func (t *store) get(id int64) *Contact {
	if id < 1 || id > int64(len(t.rows)) {
		return nil
	}
	return t.rows[id-1]
}

// all yields the contacts by id.
func (t *store) all(yield func(*Contact) bool) {
	for _, c := range t.rows {
		if c != nil && !yield(c) {
			return
		}
	}
}

// byHash are the contacts that may carry one of the hashes, by id.
func (t *store) byHash(hashes []uint64) []*Contact {
	var found []*Contact
	for _, h := range hashes {
		for _, id := range t.index.find(h) {
			found = append(found, t.rows[id-1])
		}
	}
	slices.SortFunc(found, func(a, b *Contact) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(found, func(a, b *Contact) bool { return a.ID == b.ID })
}
