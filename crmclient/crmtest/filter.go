package crmtest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// operand is one value of a comparison.
type operand struct {
	null bool
	text string // e-mails in lower case, booleans as true and false
	num  float64
	time time.Time
}

// condition is one comparison of a filter.
type condition struct {
	field    field
	op       string // "$eq" for a plain value
	operands []operand
}

// readFilter reads the filter of a list or search.
func readFilter(sc *schema, raw json.RawMessage, zone *time.Location) ([]condition, *failure) {
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	var filter params
	if json.Unmarshal(raw, &filter) != nil {
		return nil, invalid("INVALID_REQUEST", "filter must be an object")
	}
	var all []condition
	for name, value := range filter {
		f, ok := sc.find(name)
		if !ok {
			return nil, invalid("INVALID_FILTER_FIELD", "Unknown filter field %q", name)
		}
		conditions, fail := readConditions(f, value, zone)
		if fail != nil {
			return nil, fail
		}
		all = append(all, conditions...)
	}
	return all, nil
}

// readConditions reads a plain value or an object of operators.
func readConditions(f field, raw json.RawMessage, zone *time.Location) ([]condition, *failure) {
	var ops params
	if json.Unmarshal(raw, &ops) != nil || ops == nil {
		ops = params{"$eq": raw}
	}
	var all []condition
	for op, value := range ops {
		if !slices.Contains([]string{"$eq", "$in", "$ne", "$gt", "$gte", "$lt", "$lte", "$contains"}, op) {
			return nil, invalid("INVALID_REQUEST", "Unknown operator %q of filter field %q", op, f.name)
		}
		operands, fail := readOperands(f, op, value, zone)
		if fail != nil {
			return nil, fail
		}
		all = append(all, condition{f, op, operands})
	}
	return all, nil
}

func readOperands(f field, op string, raw json.RawMessage, zone *time.Location) ([]operand, *failure) {
	list := []json.RawMessage{raw}
	if op == "$in" {
		list = nil
		if json.Unmarshal(raw, &list) != nil {
			return nil, invalid("INVALID_REQUEST", "$in of filter field %q takes an array", f.name)
		}
	}
	operands := make([]operand, len(list))
	for i, value := range list {
		o, ok := readOperand(f, string(value), zone)
		if !ok {
			return nil, invalid("INVALID_REQUEST", "Filter field %q cannot be compared with this value", f.name)
		}
		operands[i] = o
	}
	return operands, nil
}

// readOperand reads a JSON value for a field. Numbers may be given as texts.
func readOperand(f field, raw string, zone *time.Location) (operand, bool) {
	raw = strings.TrimSpace(raw)
	if raw == "null" {
		return operand{null: true}, true
	}
	text := raw
	if strings.HasPrefix(raw, `"`) {
		text = unquote(raw)
	} else if raw == "" || raw[0] == '{' || raw[0] == '[' {
		return operand{}, false
	}
	var o operand
	var err error
	switch f.kind {
	case kindNumber, kindAmount:
		o.num, err = strconv.ParseFloat(text, 64)
		o.text = strconv.FormatFloat(o.num, 'f', -1, 64)
		return o, err == nil
	case kindBool:
		value, good := readBool(text)
		if !good {
			value, good = readBool(`"` + text + `"`)
		}
		return operand{text: value}, good
	case kindTime:
		o.time, err = parseTime(text, zone)
		if f.zoneless {
			o.time = localTime(o.time, zone)
		}
		return o, err == nil
	case kindEmail:
		return operand{text: strings.ToLower(text)}, true
	case kindPhone:
		if f.normalised {
			text = normalPhone(text)
		}
	}
	return operand{text: text}, true
}

// parseTime reads a time. A time without a zone is in the portal's zone.
func parseTime(text string, zone *time.Location) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly} {
		if err == nil {
			break
		}
		t, err = time.ParseInLocation(layout, text, zone)
	}
	return t, err
}

// values returns the record's values of the field; a single null if it has none.
func (cond *condition) values(c *Record) []operand {
	f := cond.field
	var all []operand
	switch f.name {
	case "id":
		return []operand{{num: float64(c.ID)}}
	case "createdBy", "updatedBy":
		return []operand{{num: 1}}
	case "createdTime", "createdAt":
		return []operand{{time: c.Created.Truncate(time.Second)}}
	case "updatedTime", "updatedAt":
		return []operand{{time: c.Updated.Truncate(time.Second)}}
	case "phone", "email":
		for _, m := range c.multi(f.name) {
			o, _ := readOperand(f, string(appendJSON(nil, m.Value)), nil)
			all = append(all, o)
		}
	default:
		if raw := c.raw(f.name); raw != "" {
			o, ok := readOperand(f, raw, nil)
			if !ok {
				o.text = raw // a user field that holds an array
			}
			all = append(all, o)
		}
	}
	if len(all) == 0 {
		return []operand{{null: true}}
	}
	return all
}

// matches reports whether the record meets the condition.
func (cond *condition) matches(c *Record) bool {
	values := cond.values(c)
	anyPair := func(test func(value, with operand) bool) bool {
		return slices.ContainsFunc(values, func(v operand) bool {
			return slices.ContainsFunc(cond.operands, func(with operand) bool { return test(v, with) })
		})
	}
	switch cond.op {
	case "$eq", "$in":
		return anyPair(cond.equal)
	case "$ne":
		return !anyPair(cond.equal)
	case "$contains":
		return anyPair(func(v, with operand) bool { return !v.null && !with.null && strings.Contains(v.text, with.text) })
	}
	return anyPair(func(v, with operand) bool {
		if v.null || with.null {
			return false
		}
		n := cond.compare(v, with)
		switch cond.op {
		case "$gt":
			return n > 0
		case "$gte":
			return n >= 0
		case "$lt":
			return n < 0
		default:
			return n <= 0
		}
	})
}

func (cond *condition) equal(v, with operand) bool {
	if v.null || with.null {
		return v.null == with.null
	}
	return cond.compare(v, with) == 0
}

func (cond *condition) compare(v, with operand) int {
	switch cond.field.kind {
	case kindNumber, kindAmount:
		switch {
		case v.num < with.num:
			return -1
		case v.num > with.num:
			return 1
		}
		return 0
	case kindTime:
		return v.time.Compare(with.time)
	default:
		return strings.Compare(v.text, with.text)
	}
}
