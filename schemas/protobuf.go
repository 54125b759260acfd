package schemas

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
)

// maxMessageDepth is how deep messages may nest, in a schema and in a value.
const maxMessageDepth = 100

// protobufFormat reads Protobuf by the writer's file.
type protobufFormat struct {
	file  protoreflect.FileDescriptor
	types protoResolver
}

// protoResolver finds the messages of the schema, for those that a google.protobuf.Any holds.
type protoResolver interface {
	protoregistry.MessageTypeResolver
	protoregistry.ExtensionTypeResolver
}

// mainFile is the file name of the schema itself; no other schema imports it by this name.
const mainFile = "leadbridge-main.proto"

// compileProtobuf compiles a schema and what it imports.
func compileProtobuf(ctx context.Context, s source) (format, error) {
	texts := knownImports()
	for _, r := range s.references {
		texts[r.name] = r.text
	}
	texts[mainFile] = s.main.text
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(protoFiles(texts)),
		MaxParallelism: 1,
	}
	files, err := compiler.Compile(ctx, mainFile)
	if err != nil {
		return nil, fmt.Errorf("the Protobuf schema cannot be used: %w", err)
	}
	return &protobufFormat{file: files[0], types: files.AsResolver()}, nil
}

// protoFiles finds files by the names under which they are imported. A file is text or, as some serializers register
// it, a FileDescriptorProto in Base64.
type protoFiles map[string]string

func (f protoFiles) FindFileByPath(path string) (protocompile.SearchResult, error) {
	text, found := f[path]
	if !found {
		return protocompile.SearchResult{}, protoregistry.NotFound
	}
	if binary, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text)); err == nil {
		var file descriptorpb.FileDescriptorProto
		if proto.Unmarshal(binary, &file) == nil && len(file.GetMessageType()) > 0 {
			file.Name = new(path)
			nameFields(file.GetMessageType())
			return protocompile.SearchResult{Proto: &file}, nil
		}
	}
	return protocompile.SearchResult{Source: io.Reader(strings.NewReader(text))}, nil
}

// nameFields fills in the JSON names of fields, which some serializers leave out and the compiler needs.
func nameFields(messages []*descriptorpb.DescriptorProto) {
	for _, m := range messages {
		for i, f := range m.GetField() {
			if f.JsonName == nil {
				f.JsonName = new(fmt.Sprintf("f%d", i)) // any name will do: fields are written by their own names
			}
		}
		nameFields(m.GetNestedType())
	}
}

// json decodes a payload. The message indexes stand before it, unless a header has them.
func (f *protobufFormat) json(payload, indexes []byte) ([]byte, error) {
	var err error
	var path []int
	if indexes != nil {
		path, _, err = readIndexes(indexes)
	} else {
		path, payload, err = readIndexes(payload)
	}
	if err != nil {
		return nil, err
	}
	kind, ok := messageAt(f.file, path)
	if !ok {
		return nil, errors.New("the frame names a message that its Protobuf schema does not have")
	}
	message := dynamicpb.NewMessage(kind)
	if unmarshal(payload, message, f.types) != nil {
		return nil, errors.New("the value is not what its Protobuf schema says")
	}
	w := &protobufWriter{writer: newWriter(payload), types: f.types}
	w.message(message)
	if w.tooDeep {
		return nil, fmt.Errorf("the messages of the value nest more than %d deep", maxWrittenDepth)
	}
	return w.end()
}

func unmarshal(payload []byte, into proto.Message, types protoResolver) error {
	options := proto.UnmarshalOptions{AllowPartial: true, DiscardUnknown: true, RecursionLimit: maxMessageDepth, Resolver: types}
	return options.Unmarshal(payload, into)
}

// readIndexes reads the message indexes, which say where in its file a message stands (see messageAt), and returns the bytes
// behind them. They are written as varints in zigzag: how many there are, and each of them. A 0 alone, the usual case, is
// the first message.
func readIndexes(b []byte) (path []int, rest []byte, err error) {
	broken := errors.New("the frame's list of message indexes is broken")
	n, size := binary.Varint(b)
	if size <= 0 || n < 0 || n > maxMessageDepth {
		return nil, nil, broken
	}
	b = b[size:]
	if n == 0 {
		return []int{0}, b, nil
	}
	for range n {
		index, size := binary.Varint(b)
		if size <= 0 || index < 0 || index > 1<<20 {
			return nil, nil, broken
		}
		path, b = append(path, int(index)), b[size:]
	}
	return path, b, nil
}

// messageAt finds a message by its indexes: the first counts the file's messages, each further one those nested in the
// message before.
func messageAt(file protoreflect.FileDescriptor, path []int) (protoreflect.MessageDescriptor, bool) {
	messages := file.Messages()
	var found protoreflect.MessageDescriptor
	for _, index := range path {
		if index >= messages.Len() {
			return nil, false
		}
		found = messages.Get(index)
		messages = found.Messages()
	}
	return found, found != nil
}

// A protobufWriter writes messages as JSON: fields by their names in the schema, those that are not set left out.
type protobufWriter struct {
	writer
	types   protoResolver
	depth   int
	tooDeep bool // it stopped at maxWrittenDepth
}

// maxWrittenDepth is how deep the messages of a value may nest, those in a google.protobuf.Any included: the decoder's own
// limit, maxMessageDepth, begins anew in each Any.
const maxWrittenDepth = 2 * maxMessageDepth

func (w *protobufWriter) message(m protoreflect.Message) {
	w.depth++
	defer func() { w.depth-- }()
	if !w.full && w.depth > maxWrittenDepth {
		w.full, w.tooDeep = true, true
	}
	if w.full || w.wellKnown(m) {
		return
	}
	w.object(func(o *objectWriter) { w.fields(o, m) })
}

func (w *protobufWriter) fields(o *objectWriter, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		if w.full || !m.Has(f) {
			continue
		}
		o.member(string(f.Name()))
		w.field(f, m.Get(f))
	}
}

func (w *protobufWriter) field(f protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch {
	case f.IsMap():
		w.object(func(o *objectWriter) {
			for _, key := range sortedKeys(v.Map()) {
				o.member(key.String())
				w.scalar(f.MapValue(), v.Map().Get(key))
			}
		})
	case f.IsList():
		w.list(v.List().Len(), func(i int) { w.scalar(f, v.List().Get(i)) })
	default:
		w.scalar(f, v)
	}
}

func (w *protobufWriter) scalar(f protoreflect.FieldDescriptor, v protoreflect.Value) {
	switch f.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		w.message(v.Message())
	case protoreflect.EnumKind:
		if name := f.Enum().Values().ByNumber(v.Enum()); name != nil {
			w.text(string(name.Name()))
			return
		}
		w.int(int64(v.Enum()))
	case protoreflect.StringKind:
		w.text(v.String())
	case protoreflect.BytesKind:
		w.text(base64.StdEncoding.EncodeToString(v.Bytes()))
	case protoreflect.FloatKind:
		w.float(v.Float(), 32)
	case protoreflect.DoubleKind:
		w.float(v.Float(), 64)
	default: // integers of all kinds, and bool
		w.raw(v.String())
	}
}

// wellKnown writes a message of a well-known type as what it stands for, such as a time, and reports whether it is one.
func (w *protobufWriter) wellKnown(m protoreflect.Message) bool {
	number := func(name string) int64 { return integer(m, name) }
	switch name := m.Descriptor().FullName(); name {
	case "google.protobuf.Timestamp":
		w.text(time.Unix(number("seconds"), number("nanos")).UTC().Format(time.RFC3339Nano))
	case "google.protobuf.Duration":
		w.text(durationText(number("seconds"), number("nanos")))
	case "google.type.Date":
		w.text(fmt.Sprintf("%04d-%02d-%02d", number("year"), number("month"), number("day")))
	case "google.type.TimeOfDay":
		text, ok := timeOfDayText(number("hours"), number("minutes"), number("seconds"), number("nanos"))
		if !ok {
			return false
		}
		w.text(text)
	case "confluent.type.Decimal":
		text, err := decimalText(m.Get(m.Descriptor().Fields().ByName("value")).Bytes(), int(number("scale")))
		if err != nil {
			return false
		}
		w.raw(text.String())
	case "google.protobuf.Struct", "google.protobuf.ListValue":
		f := m.Descriptor().Fields().Get(0)
		w.field(f, m.Get(f))
	case "google.protobuf.Value":
		w.dynamic(m)
	case "google.protobuf.Any":
		return w.any(m)
	default:
		return w.wrapped(m, name)
	}
	return true
}

// durationText returns a google.protobuf.Duration as its JSON has it, such as "1.5s". One that is not valid, as the signs
// differ or there are more nanoseconds than in a second, is written as the sum.
func durationText(seconds, nanos int64) string {
	const second = int64(time.Second)
	seconds, nanos = seconds+nanos/second, nanos%second
	switch {
	case seconds > 0 && nanos < 0:
		seconds, nanos = seconds-1, nanos+second
	case seconds < 0 && nanos > 0:
		seconds, nanos = seconds+1, nanos-second
	}
	sign := ""
	if seconds == 0 && nanos < 0 { // otherwise the seconds are printed with the sign
		sign = "-"
	}
	text := fmt.Sprintf("%s%d.%09d", sign, seconds, max(nanos, -nanos))
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".") + "s"
}

// timeOfDayText is a google.type.TimeOfDay as a text, and whether it is one: 24:00:00 and a leap second are.
func timeOfDayText(hours, minutes, seconds, nanos int64) (string, bool) {
	within := func(n, most int64) bool { return n >= 0 && n <= most }
	if !within(hours, 24) || !within(minutes, 59) || !within(seconds, 60) || !within(nanos, int64(time.Second)-1) {
		return "", false
	}
	text := fmt.Sprintf("%02d:%02d:%02d.%09d", hours, minutes, seconds, nanos)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), "."), true
}

// wrapped writes what google.protobuf's wrappers hold, such as StringValue.
func (w *protobufWriter) wrapped(m protoreflect.Message, name protoreflect.FullName) bool {
	if name.Parent() != "google.protobuf" || !strings.HasSuffix(string(name), "Value") {
		return false
	}
	f := m.Descriptor().Fields().ByName("value")
	if f == nil {
		return false
	}
	w.field(f, m.Get(f))
	return true
}

// dynamic writes a google.protobuf.Value.
func (w *protobufWriter) dynamic(m protoreflect.Message) {
	f := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	if f == nil || f.Name() == "null_value" {
		w.raw("null")
		return
	}
	w.field(f, m.Get(f))
}

// any writes the message in a google.protobuf.Any, and reports whether the schema has that message.
func (w *protobufWriter) any(m protoreflect.Message) bool {
	fields := m.Descriptor().Fields()
	url, value := m.Get(fields.ByName("type_url")).String(), m.Get(fields.ByName("value")).Bytes()
	kind, err := w.types.FindMessageByURL(url)
	if err != nil {
		return false
	}
	inner := kind.New().Interface()
	if unmarshal(value, inner, w.types) != nil {
		return false
	}
	w.message(inner.ProtoReflect())
	return true
}

// integer returns the value of a field, 0 when there is none of that name.
func integer(m protoreflect.Message, name string) int64 {
	f := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if f == nil {
		return 0
	}
	switch v := m.Get(f).Interface().(type) {
	case int32:
		return int64(v)
	case int64:
		return v
	case uint32:
		return int64(v)
	}
	return 0
}

// sortedKeys returns the keys of a map in a fixed order, so that its text is the same each time.
func sortedKeys(m protoreflect.Map) []protoreflect.MapKey {
	var keys []protoreflect.MapKey
	m.Range(func(k protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, k)
		return true
	})
	slices.SortFunc(keys, func(a, b protoreflect.MapKey) int { return cmp.Compare(a.String(), b.String()) })
	return keys
}
