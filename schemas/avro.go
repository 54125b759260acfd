package schemas

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/twmb/avro"
)

// avroFormat reads Avro by the writer's schema. The library bounds what a schema or a value can cost: deep nesting, records
// that hold themselves, long arrays of empty elements.
type avroFormat struct {
	schema *avro.Schema
	order  map[string][]string // field names in the schema's order, by the full name of their record
}

// compileAvro compiles a schema, after those that it refers to.
func compileAvro(s source) (format, error) {
	f := &avroFormat{order: map[string][]string{}}
	var cache avro.SchemaCache
	for _, text := range append(slices.Clone(s.references), s.main) {
		schema, err := cache.Parse(text.text, f.options()...)
		if plainer, changed := withoutBrokenDecimals(text.text); err != nil && changed {
			schema, err = cache.Parse(plainer, f.options()...)
		}
		if err != nil {
			return nil, fmt.Errorf("the Avro schema cannot be used: %w", err)
		}
		f.schema = schema
		f.noteOrder(schema.Root())
	}
	return f, nil
}

// withoutBrokenDecimals returns a schema whose decimals of an impossible precision or scale are plain bytes, as the
// specification wants and other libraries read them, and whether there are any. The library refuses the whole schema.
//
// Source: Apache Avro specification, logical types.
func withoutBrokenDecimals(text string) (plainer string, changed bool) {
	var schema any
	reader := json.NewDecoder(strings.NewReader(text))
	reader.UseNumber()
	if reader.Decode(&schema) != nil {
		return text, false
	}
	if !dropBrokenDecimals(schema) {
		return text, false
	}
	b, err := json.Marshal(schema)
	return string(b), err == nil
}

func dropBrokenDecimals(schema any) (changed bool) {
	switch s := schema.(type) {
	case []any:
		for _, one := range s {
			changed = dropBrokenDecimals(one) || changed
		}
	case map[string]any:
		if s["logicalType"] == "decimal" && !possibleDecimal(s) {
			delete(s, "logicalType")
			changed = true
		}
		for name, one := range s {
			if name != "default" { // a value, which may look like a schema
				changed = dropBrokenDecimals(one) || changed
			}
		}
	}
	return changed
}

// possibleDecimal reports whether the precision and the scale of a decimal are as the specification wants them.
func possibleDecimal(s map[string]any) bool {
	given, _ := s["precision"].(json.Number)
	precision, err := given.Int64()
	if err != nil || precision <= 0 {
		return false
	}
	scale := int64(0)
	if s["scale"] != nil {
		given, _ := s["scale"].(json.Number)
		if scale, err = given.Int64(); err != nil {
			return false
		}
	}
	if size, fixed := s["size"].(json.Number); fixed {
		n, err := size.Float64()
		// The digits of the largest number of so many bytes.
		if err != nil || float64(precision) > math.Floor(math.Log10(2)*(8*n-1)) {
			return false
		}
	}
	return scale >= 0 && scale <= precision
}

// noteOrder notes the order of the fields of all records in a schema.
func (f *avroFormat) noteOrder(n *avro.SchemaNode) {
	if n.Type == "record" || n.Type == "error" {
		names := make([]string, len(n.Fields))
		for i := range n.Fields {
			names[i] = n.Fields[i].Name
		}
		f.order[recordName(n)] = names
	}
	for i := range n.Fields {
		f.noteOrder(&n.Fields[i].Type)
	}
	for i := range n.Branches {
		f.noteOrder(&n.Branches[i])
	}
	for _, inner := range []*avro.SchemaNode{n.Items, n.Values} {
		if inner != nil {
			f.noteOrder(inner)
		}
	}
}

func recordName(n *avro.SchemaNode) string { return strings.TrimPrefix(n.Namespace+"."+n.Name, ".") }

// json decodes a payload.
func (f *avroFormat) json(payload, _ []byte) ([]byte, error) {
	var value any
	rest, err := f.schema.Decode(payload, &value)
	if err != nil {
		return nil, errors.New("the value is not what its Avro schema says" + avroField(err))
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("the value is not what its Avro schema says: %d bytes are left over", len(rest))
	}
	w := newWriter(payload)
	writeAvro(&w, value)
	return w.end()
}

// avroField returns where decoding failed, for the end of a sentence, as far as that is known. It has names of the schema
// and no values.
func avroField(err error) string {
	if at, ok := errors.AsType[*avro.SemanticError](err); ok && at.Field != "" {
		return ", at " + at.Field
	}
	if errors.As(err, new(*avro.ShortBufferError)) {
		return ": it ends too early"
	}
	return ""
}

// An avroRecord is a decoded record with its fields in the schema's order.
type avroRecord struct {
	names  []string
	fields map[string]any
}

func writeAvro(w *writer, value any) {
	switch v := value.(type) {
	case nil:
		w.raw("null")
	case bool:
		w.raw(fmt.Sprint(v))
	case int32:
		w.int(int64(v))
	case int64:
		w.int(v)
	case float32:
		w.float(float64(v), 32)
	case float64:
		w.float(v, 64)
	case string:
		w.text(v)
	case json.Number:
		w.raw(v.String())
	case []byte:
		w.text(base64.StdEncoding.EncodeToString(v[:min(len(v), maxJSON)]))
	case []any:
		w.list(len(v), func(i int) { writeAvro(w, v[i]) })
	case map[string]any:
		writeAvro(w, avroRecord{slices.Sorted(maps.Keys(v)), v})
	case avroRecord:
		w.object(func(o *objectWriter) {
			for _, name := range v.names {
				o.member(name)
				writeAvro(w, v.fields[name])
			}
		})
	default: // a type that a later version of the library may return
		w.text(fmt.Sprint(v))
	}
}

// options returns how logical types are decoded: dates and times to texts, decimals to numbers with all their digits, and
// records to avroRecord.
func (f *avroFormat) options() []avro.SchemaOpt {
	options := []avro.SchemaOpt{avro.WithLaxNames(nil)}
	add := func(logical, kind string, decode func(v any, n *avro.SchemaNode) (any, error)) {
		options = append(options, avro.WithCustomType(avro.CustomType{LogicalType: logical, AvroType: kind, Decode: decode}))
	}
	add("", "record", func(v any, n *avro.SchemaNode) (any, error) {
		fields, ok := v.(map[string]any)
		names := f.order[recordName(n)]
		if !ok || len(names) != len(fields) {
			return v, nil
		}
		return avroRecord{names, fields}, nil
	})
	add("date", "int", dateText)
	for logical, kind := range map[string]instantKind{
		"timestamp-millis": {time.RFC3339Nano, time.Millisecond}, "local-timestamp-millis": {localTime, time.Millisecond},
		"timestamp-micros": {time.RFC3339Nano, time.Microsecond}, "local-timestamp-micros": {localTime, time.Microsecond},
		"timestamp-nanos": {time.RFC3339Nano, time.Nanosecond}, "local-timestamp-nanos": {localTime, time.Nanosecond},
	} {
		add(logical, "long", kind.text)
	}
	add("time-millis", "int", func(v any, _ *avro.SchemaNode) (any, error) { return clockText(v, time.Millisecond) })
	add("time-micros", "long", func(v any, _ *avro.SchemaNode) (any, error) { return clockText(v, time.Microsecond) })
	add("decimal", "bytes", decimalNumber)
	add("decimal", "fixed", decimalNumber)
	add("uuid", "fixed", func(v any, _ *avro.SchemaNode) (any, error) {
		if b, ok := v.([]byte); ok && len(b) == 16 {
			return guidText(b), nil
		}
		return nil, avro.ErrSkipCustomType
	})
	add("duration", "fixed", func(v any, _ *avro.SchemaNode) (any, error) {
		b, ok := v.([]byte)
		if !ok || len(b) != 12 {
			return nil, avro.ErrSkipCustomType
		}
		d := avro.DurationFromBytes(b)
		return fmt.Sprintf("P%dM%dDT%d.%03dS", d.Months, d.Days, d.Milliseconds/1000, d.Milliseconds%1000), nil
	})
	return options
}

// localTime is a time of day and date without a zone.
const localTime = "2006-01-02T15:04:05.999999999"

// An instantKind says in which unit a timestamp counts, and in which layout it is written.
type instantKind struct {
	layout string
	unit   time.Duration
}

func (k instantKind) text(v any, _ *avro.SchemaNode) (any, error) {
	n, ok := v.(int64)
	if !ok {
		return nil, avro.ErrSkipCustomType
	}
	perSecond := int64(time.Second / k.unit)
	seconds, rest := n/perSecond, n%perSecond
	return time.Unix(seconds, rest*int64(k.unit)).UTC().Format(k.layout), nil
}

// dateText writes a number of days since 1970.
func dateText(v any, _ *avro.SchemaNode) (any, error) {
	days, ok := v.(int32)
	if !ok {
		return nil, avro.ErrSkipCustomType
	}
	return time.Unix(int64(days)*24*60*60, 0).UTC().Format(time.DateOnly), nil
}

// clockText writes a time of day.
func clockText(v any, unit time.Duration) (any, error) {
	var n int64
	switch v := v.(type) {
	case int32:
		n = int64(v)
	case int64:
		n = v
	default:
		return nil, avro.ErrSkipCustomType
	}
	perSecond := int64(time.Second / unit)
	return time.Unix(n/perSecond, n%perSecond*int64(unit)).UTC().Format("15:04:05.999999"), nil
}

// Bounds of decimals, far beyond any amount: writing one takes time and room that grow with them.
const (
	maxDecimalBytes = 64
	maxDecimalScale = 100
)

// decimalNumber writes all digits of a decimal.
func decimalNumber(v any, n *avro.SchemaNode) (any, error) {
	b, ok := v.([]byte)
	if !ok {
		return nil, avro.ErrSkipCustomType
	}
	return decimalText(b, n.Scale)
}

// decimalText writes a big-endian number in two's complement, of which scale digits are behind the point.
func decimalText(b []byte, scale int) (json.Number, error) {
	if len(b) > maxDecimalBytes || scale > maxDecimalScale || scale < -maxDecimalScale {
		return "", errors.New("a decimal is out of bounds")
	}
	return json.Number(avro.RatFromBytes(b, scale).FloatString(max(scale, 0))), nil
}
