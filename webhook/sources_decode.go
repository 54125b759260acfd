package webhook

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/leadbridge/leadbridge/internal/human"
)

// places are the nodes of an object's fields, by the fields' names: faults name their lines.
type places map[string]*yaml.Node

// with adds further places to p, which may be nil, and returns it. A place in more replaces that of the same name.
func (p places) with(more places) places {
	if p == nil {
		p = places{}
	}
	maps.Copy(p, more)
	return p
}

// verbatim is a text whose blanks count.
type verbatim string

// decode fills the struct that into points to from a YAML object, and returns where each field stands. what names the
// object in faults. Fields are matched by their yaml tags:
//
//   - a string is one line of text; the tag oneof lists the words that it may be
//   - a []string is a list of such texts, or one text
//   - a verbatim is a scalar as it stands
//   - a bool, and a [time.Duration] above 0
//   - a *yaml.Node is left to the caller
//   - a struct is decoded likewise
//
// A field tagged `for:"a b"` exists only when kind is a or b. Unknown and repeated fields are faults, and so are wrong
// values, but for a verbatim. Fields that the object does not have stay as they are.
func (r *fileReader) decode(n *yaml.Node, what, kind string, into any) places {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		r.fault(n, what+" is not a mapping of names to values", "write NAME: VALUE, one a line")
		return nil
	}
	target := reflect.ValueOf(into).Elem()
	known := fieldsOf(target.Type(), kind)
	at := places{}
	for _, m := range members(n, 0) {
		name := m.key.Value
		i, ok := known[name]
		switch {
		case !ok:
			r.fault(m.key, what+" has no field "+human.Quote(name), "use "+strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		case at[name] != nil:
			r.fault(m.key, "the field "+name+" is given twice", "keep one of them")
		default:
			at[name] = m.value
			r.value(m.value, target.Type().Field(i), target.Field(i).Addr().Interface())
		}
	}
	return at
}

// fieldsOf returns the indexes of those fields of a struct that objects of a kind have, by their names in the file.
func fieldsOf(t reflect.Type, kind string) map[string]int {
	known := map[string]int{}
	for i := range t.NumField() {
		f := t.Field(i)
		kinds, limited := f.Tag.Lookup("for")
		if name := f.Tag.Get("yaml"); name != "" && (!limited || slices.Contains(strings.Fields(kinds), kind)) {
			known[name] = i
		}
	}
	return known
}

// value reads one field into the variable that into points to.
func (r *fileReader) value(n *yaml.Node, f reflect.StructField, into any) {
	name := f.Tag.Get("yaml")
	switch v := into.(type) {
	case *string:
		*v = r.oneOf(n, name, strings.Fields(f.Tag.Get("oneof")))
	case *[]string:
		*v = r.texts(n, name)
	case *bool:
		*v = r.oneOf(n, name, []string{"true", "false"}) == "true"
	case *time.Duration:
		*v = r.duration(n, name)
	case *verbatim:
		*v = verbatim(n.Value)
	case **yaml.Node:
		*v = n
	default:
		r.decode(n, name, "", into)
	}
}

// oneOf reads one of the words, or any text when there are none.
func (r *fileReader) oneOf(n *yaml.Node, what string, words []string) string {
	text := r.text(n, what)
	if text != "" && len(words) > 0 && !slices.Contains(words, text) {
		r.fault(n, what+" "+human.Quote(text)+" is not known", "write one of "+strings.Join(words, ", "))
	}
	return text
}

// text reads a scalar of one line that is not empty.
func (r *fileReader) text(n *yaml.Node, what string) string {
	text := strings.TrimSpace(n.Value)
	switch {
	case n.Kind != yaml.ScalarNode || n.Tag == "!!null" || text == "":
		r.fault(n, what+" is not a text", "write one value")
		return ""
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == 0x7f }):
		r.fault(n, what+" holds a control character", "write one line of plain text")
		return ""
	}
	return text
}

// texts reads a list of texts, or one text as a list of one.
func (r *fileReader) texts(n *yaml.Node, what string) (list []string) {
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		nodes = n.Content
	}
	for _, one := range nodes {
		if text := r.text(resolve(one), what); text != "" {
			list = append(list, text)
		}
	}
	if len(nodes) == 0 {
		r.fault(n, what+" is an empty list", "name at least one, or remove the field")
	}
	return list
}

func (r *fileReader) duration(n *yaml.Node, what string) time.Duration {
	text := r.text(n, what)
	if text == "" {
		return 0
	}
	d, problem, remedy := human.ParseDuration(text, time.Nanosecond) // the least above 0
	if problem != "" {
		r.fault(n, what+" "+human.Quote(text)+" "+problem, remedy)
	}
	return d
}
