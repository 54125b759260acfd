package crmtest

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"
	"time"
)

// store holds the objects of a kind. The simulator's lock guards it.
type store struct {
	rows    []*Record // by id - 1; nil: deleted
	count   int
	seed    maphash.Seed
	index   index // by field and value
	repeats int   // objects after the first one of their OriginID
}

func newStore() *store {
	return &store{seed: maphash.MakeSeed(), index: index{first: map[uint64]int64{}, more: map[uint64][]int64{}}}
}

// index finds ids by the hash of a field and its value. As hashes may collide, the objects that it finds must
// be compared.
type index struct {
	first map[uint64]int64
	more  map[uint64][]int64 // further ids of the same hash; they are rare, so most hashes need no slice
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

// originKey is the field name under which the index has OriginID.
const originKey = "\x00origin"

// indexed reports whether the index finds records by a value of this field.
func indexed(f field) bool {
	if f.normalised {
		return false // the index has only the stored spelling
	}
	isID := f.name == "originId" || f.name == "contactId" || f.name == "entityId"
	isPoint := f.kind == kindPhone || f.kind == kindEmail
	isUserText := f.user != nil && f.kind == kindText
	return isID || isPoint || isUserText
}

// keys returns the hashes under which the index has a record, including that of its origin id.
func (t *store) keys(c *Record, origin string) []uint64 {
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
		case v.name == "contactId", v.name == "entityId":
			keys = append(keys, t.hash(v.name, v.raw))
		case v.name == "originId", strings.HasPrefix(v.name, userPrefix):
			keys = append(keys, t.hash(v.name, unquote(v.raw)))
		}
	}
	if origin != "" {
		keys = append(keys, t.hash(originKey, origin))
	}
	return keys
}

// insert makes a record of the values.
func (t *store) insert(values []fieldValue, now time.Time) *Record {
	c := &Record{ID: int64(len(t.rows)) + 1, Created: now, Updated: now, data: pack(values)}
	t.rows = append(t.rows, c)
	t.count++
	t.enter(c)
	return c
}

// enter adds a record to the index.
func (t *store) enter(c *Record) {
	id := c.OriginID()
	if len(t.byOrigin(id)) > 0 {
		t.repeats++
	}
	for _, h := range t.keys(c, id) {
		t.index.add(h, c.ID)
	}
}

// withdraw removes a record from the index.
func (t *store) withdraw(c *Record) {
	id := c.OriginID()
	for _, h := range t.keys(c, id) {
		t.index.remove(h, c.ID)
	}
	if len(t.byOrigin(id)) > 0 {
		t.repeats--
	}
}

// byOrigin returns the records with this OriginID, by id; none for "".
func (t *store) byOrigin(id string) []*Record {
	if id == "" {
		return nil
	}
	found := t.byHash([]uint64{t.hash(originKey, id)})
	return slices.DeleteFunc(found, func(c *Record) bool { return c.OriginID() != id })
}

// replace gives a record new values. Fields that are not named stay, and the value "" removes a
// field.
func (t *store) replace(c *Record, values []fieldValue, now time.Time) *Record {
	for old := range c.each {
		if !slices.ContainsFunc(values, func(v fieldValue) bool { return v.name == old.name }) {
			values = append(values, old)
		}
	}
	values = slices.DeleteFunc(values, func(v fieldValue) bool { return v.raw == "" })
	t.withdraw(c)
	next := &Record{ID: c.ID, Created: c.Created, Updated: now, data: pack(values)}
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

// get returns the record with an id, or nil.
func (t *store) get(id int64) *Record {
	if id < 1 || id > int64(len(t.rows)) {
		return nil
	}
	return t.rows[id-1]
}

// all yields the records by id.
func (t *store) all(yield func(*Record) bool) {
	for _, c := range t.rows {
		if c != nil && !yield(c) {
			return
		}
	}
}

// byHash returns the records that may have a value with one of the hashes, by id.
func (t *store) byHash(hashes []uint64) []*Record {
	var found []*Record
	for _, h := range hashes {
		for _, id := range t.index.find(h) {
			found = append(found, t.rows[id-1])
		}
	}
	slices.SortFunc(found, func(a, b *Record) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(found, func(a, b *Record) bool { return a.ID == b.ID })
}
