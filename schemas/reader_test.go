package schemas

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/leadbridge/leadbridge/internal/phrase"
	"github.com/leadbridge/leadbridge/transform"
)

// answers is a registry in memory, without a network, so that time may be virtual.
type answers struct {
	mu      sync.Mutex
	down    bool          // it answers 500
	hang    time.Duration // before each answer
	broken  string        // a path that it always answers 500
	schemas map[string]string
	asked   []string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	hang, down, text := a.hang, a.down || r.URL.Path == a.broken, a.schemas[r.URL.Path]
	a.asked = append(a.asked, r.URL.Path)
	a.mu.Unlock()
	select {
	case <-time.After(hang):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	status := http.StatusOK
	switch {
	case down:
		status, text = http.StatusInternalServerError, `{"error_code":50001,"message":"of the backend store"}`
	case text == "":
		status, text = http.StatusNotFound, `{"error_code":40403,"message":"Schema not found"}`
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

func (a *answers) set(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

func (a *answers) requests() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

// avroText is the answer for a record with one text.
func avroText(field string) string {
	schema := fmt.Sprintf(`{"type":"record","name":"R","fields":[{"name":%q,"type":"string"}]}`, field)
	text, _ := json.Marshal(map[string]string{"schema": schema})
	return string(text)
}

// framed is a value of the schema of avroText.
func framed(id uint32, text string) *transform.Record {
	b := binary.BigEndian.AppendUint32([]byte{0}, id)
	b = binary.AppendVarint(b, int64(len(text)))
	return &transform.Record{Value: append(b, text...)}
}

// delivering is a reader as the service has it.
func delivering(t *testing.T, a *answers) *Reader {
	t.Helper()
	r, err := New(Config{URLs: []string{"http://registry.example"}, Transport: a})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func isUnread(err error) bool {
	_, ok := errors.AsType[*Unread](err)
	return ok
}

func TestRegistryThatIsDownKeepsNobodyAndIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{schemas: map[string]string{"/schemas/ids/1": avroText("email"), "/schemas/ids/2": avroText("phone")}}
		r := delivering(t, a)
		defer r.Close()
		var told []string
		r.Watch(func(advice phrase.Text) { told = append(told, advice.String()) })
		if text, err := r.JSON(framed(1, "a@example.com")); err != nil || string(text) != `{"email":"a@example.com"}` {
			t.Fatalf("%s, %v", text, err)
		}
		a.set(func() { a.down = true })
		began := time.Now()
		_, err := r.JSON(framed(2, "+7916"))
		if !isUnread(err) {
			t.Fatalf("the error is %v", err)
		}
		for range 1000 {
			if _, err := r.JSON(framed(2, "+7916")); !isUnread(err) {
				t.Fatal(err)
			}
		}
		if text, err := r.JSON(framed(1, "b@example.com")); err != nil || string(text) != `{"email":"b@example.com"}` {
			t.Errorf("a known schema: %s, %v", text, err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("that took %v", took)
		}
		before := a.requests()
		time.Sleep(10 * time.Minute)
		if n := a.requests() - before; n < 15 || n > 30 {
			t.Errorf("it was asked %d times in ten minutes", n)
		}
		u, _ := errors.AsType[*Unread](err)
		a.set(func() { a.down = false })
		began = time.Now()
		<-u.Ready()
		if took := time.Since(began); took > lastPause {
			t.Errorf("the schema came %v after the registry", took)
		}
		synctest.Wait()
		if text, err := r.JSON(framed(2, "+7916")); err != nil || string(text) != `{"phone":"+7916"}` {
			t.Errorf("%s, %v", text, err)
		}
		if len(told) != 2 || !strings.Contains(told[0], "500") || told[1] != "" {
			t.Errorf("told %q", told)
		}
	})
}

// One id that the registry fails on, and a flood of ids that it does not know, keep no other schema.
func TestOneBadIDKeepsNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{broken: "/schemas/ids/7", schemas: map[string]string{"/schemas/ids/1": avroText("email")}}
		r := delivering(t, a)
		defer r.Close()
		if _, err := r.JSON(framed(7, "x")); !isUnread(err) {
			t.Fatal(err)
		}
		a.set(func() { a.hang = 100 * time.Millisecond })
		for i := range 500 {
			if _, err := r.JSON(framed(uint32(1000+i), "x")); err == nil {
				t.Fatal("an unknown schema was found")
			}
		}
		_, err := r.JSON(framed(1, "a@example.com"))
		u, ok := errors.AsType[*Unread](err)
		if !ok {
			t.Fatal(err)
		}
		began := time.Now()
		<-u.Ready()
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// A reader that others wait behind waits a tenth of the time at most.
func TestDeliveryWaitsATenthOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{hang: 200 * time.Millisecond, schemas: map[string]string{}}
		r := delivering(t, a)
		defer r.Close()
		began, waited := time.Now(), time.Duration(0)
		for i := uint32(0); time.Since(began) < time.Minute; i++ {
			at := time.Now()
			_, _ = r.JSON(framed(1000+i, "x"))
			waited += time.Since(at)
			time.Sleep(10 * time.Millisecond)
		}
		if waited > 7*time.Second {
			t.Errorf("it waited %v of a minute", waited)
		}
	})
}

func TestUnknownSchemaIsAFaultUntilItIsRegistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &answers{schemas: map[string]string{}}
		r := delivering(t, a)
		defer r.Close()
		_, err := r.JSON(framed(9, "x"))
		f, ok := errors.AsType[*Fault](err)
		if !ok || !strings.Contains(f.Message, "no schema of id 9") || !strings.Contains(f.Message, "SCHEMA_REGISTRY_URL") {
			t.Fatalf("the error is %v", err)
		}
		a.set(func() { a.schemas["/schemas/ids/9"] = avroText("email") })
		if _, err := r.JSON(framed(9, "x")); err == nil {
			t.Error("it was asked for again at once")
		}
		time.Sleep(2 * faultTime)
		if text, err := r.JSON(framed(9, "x")); err != nil {
			t.Errorf("%s, %v", text, err)
		}
	})
}

func TestWithoutARegistry(t *testing.T) {
	r := newReader(t, nil)
	for name, c := range map[string]struct {
		value   string
		headers map[string]string
		want    string // of the JSON, or of the fault; "": it is not framed
	}{
		"plain":                  {value: `{"email":"a@example.com"}`},
		"nothing":                {value: ""},
		"a zero":                 {value: "\x00\x00\x00"},
		"json schema":            {value: "\x00\x00\x00\x00\x07" + `{"email":"a"}`, want: `{"email":"a"}`},
		"json schema, list":      {value: "\x00\x00\x00\x00\x07" + ` [{"email":"a"}]`, want: ` [{"email":"a"}]`},
		"json schema by GUID":    {value: "\x01" + strings.Repeat("g", 16) + `{"a":1}`, want: `{"a":1}`},
		"json schema, 8 bytes":   {value: "\x00\x00\x00\x00\x00\x00\x00\x00\x07" + `{"a":1}`, want: `{"a":1}`},
		"avro":                   {value: "\x00\x00\x00\x00\x07\x02a", want: "the value is framed by a schema registry (id 7), and none is set: set SCHEMA_REGISTRY_URL"},
		"avro, 8 bytes":          {value: "\x00\x00\x00\x00\x00\x00\x00\x00\x07\x02a", want: "id of eight bytes"},
		"cut":                    {value: "\x00\x00\x00\x00\x07", want: "none is set"},
		"header and json":        {value: `{"a":1}`, headers: map[string]string{headerConfluent: "\x00\x00\x00\x00\x07"}, want: `{"a":1}`},
		"header and avro":        {value: "\x02a", headers: map[string]string{headerConfluent: "\x00\x00\x00\x00\x07"}, want: "(id 7), and none is set"},
		"broken header":          {value: "\x02a", headers: map[string]string{headerConfluent: "7"}, want: "__value_schema_id does not hold a schema id"},
		"Apicurio's content id":  {value: "\x02a", headers: map[string]string{headerApicurioContent: "\x00\x00\x00\x00\x00\x00\x00\x07"}, want: "(id 7), and none is set"},
		"Apicurio's global id":   {value: "\x02a", headers: map[string]string{headerApicurioGlobal: "\x00\x00\x00\x00\x00\x00\x00\x07"}, want: "apicurio.registry.use-id=contentId"},
		"Apicurio's id and json": {value: `{"a":1}`, headers: map[string]string{headerApicurioGlobal: "\x00\x00\x00\x00\x00\x00\x00\x07"}, want: `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &transform.Record{Value: []byte(c.value)}
			for key, value := range c.headers {
				rec.Headers = append(rec.Headers, transform.Header{Key: key, Value: []byte(value)})
			}
			text, err := r.JSON(rec)
			got := string(text)
			if err != nil {
				got = err.Error()
			}
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What a schema or a value can do at worst is a fault, soon and in little room.
func TestBombs(t *testing.T) {
	long := strings.Repeat("N", 100_000)
	avroOf := func(schema string) string {
		text, _ := json.Marshal(map[string]string{"schema": schema})
		return string(text)
	}
	protoOf := func(schema string) string {
		text, _ := json.Marshal(map[string]string{"schema": schema, "schemaType": "PROTOBUF"})
		return string(text)
	}
	count := func(n int64) string { return string(binary.AppendVarint(nil, n)) }
	for name, c := range map[string]struct{ schema, payload, want string }{
		"array of nothing":        {avroOf(`{"type":"array","items":"null"}`), count(1<<40) + "\x00", "what its Avro schema says"},
		"text without an end":     {avroOf(`"string"`), count(1 << 40), "what its Avro schema says"},
		"list without an end":     {avroOf(`{"type":"record","name":"L","fields":[{"name":"n","type":["null","L"]}]}`), strings.Repeat("\x02", 1<<19), "what its Avro schema says"},
		"record in itself":        {avroOf(`{"type":"record","name":"L","fields":[{"name":"n","type":"L"}]}`), "\x00", "what its Avro schema says"},
		"long symbols":            {avroOf(`{"type":"array","items":{"type":"enum","name":"E","symbols":["` + long + `"]}}`), count(1<<16) + strings.Repeat("\x00", 1<<16+1), "longer than"},
		"long names":              {avroOf(`{"type":"array","items":{"type":"record","name":"R","fields":[{"name":"` + long + `","type":"int"}]}}`), count(1<<16) + strings.Repeat("\x00", 1<<16+1), "longer than"},
		"decimal of many digits":  {avroOf(`{"type":"bytes","logicalType":"decimal","precision":100000,"scale":100000}`), "\x02\x01", "Avro schema"},
		"rest":                    {avroOf(`"null"`), "x", "1 bytes are left over"},
		"no schema":               {avroOf(`{"type":"nonsense"}`), "", "cannot be used"},
		"schema that is too long": {avroOf(`"` + strings.Repeat(" ", maxSchema) + `"`), "", "longer than 1 MiB"},
		"answer without an end":   {`{"schema":"` + strings.Repeat(" ", maxAnswer) + `"}`, "", "longer than 1 MiB"},
		"unknown type":            {`{"schema":"<a/>","schemaType":"XSD"}`, "", `type "XSD"`},
		"protobuf: deep":          {protoOf(`syntax="proto3"; message A { A a = 1; string b = 2; }`), "\x00" + nested(5000), "what its Protobuf schema says"},
		"protobuf: long enum":     {protoOf(`syntax="proto3"; message A { enum E { ` + long + ` = 0; } repeated E e = 1; }`), "\x00\x0a" + string(binary.AppendUvarint(nil, 1<<16)) + strings.Repeat("\x00", 1<<16), "longer than"},
		"protobuf: no message":    {protoOf(`syntax="proto3"; message A { string b = 1; }`), "\x02\x0a", "a message that its Protobuf schema does not have"},
		"protobuf: bad indexes":   {protoOf(`syntax="proto3"; message A { string b = 1; }`), "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "list of message indexes is broken"},
		"protobuf: itself":        {protoOf(`syntax="proto3"; import "leadbridge-main.proto"; message A { string b = 1; }`), "\x00", "cannot be used"},
		"protobuf: a false date":  {protoOf(`syntax="proto3"; package google.protobuf; message Struct { }`), "\x00", "cannot be read by its schema"},
		"protobuf: deep by Any":   {protoOf(`syntax="proto3"; import "google/protobuf/any.proto"; message A { google.protobuf.Any a = 1; }`), "\x00" + nestedAny(150), "nest more than 200 deep"},
		"protobuf: nonsense":      {protoOf(`message {`), "\x00", "cannot be used"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &answers{schemas: map[string]string{"/schemas/ids/1": c.schema}}
			r := newReader(t, func(cfg *Config) { cfg.Transport = a }, "http://registry.example")
			text, err := r.JSON(&transform.Record{Value: []byte("\x00\x00\x00\x00\x01" + c.payload)})
			if _, ok := errors.AsType[*Fault](err); !ok || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %.100q, %q; want %q, in one line", text, err, c.want)
			}
		})
	}
}

// nested is a message in a message, so many times.
func nested(depth int) string {
	inner := []byte{0x12, 1, 'x'}
	for range depth {
		inner = append(binary.AppendUvarint([]byte{0x0a}, uint64(len(inner))), inner...)
	}
	return string(inner)
}

// nestedAny is a message A with an Any of a message A, so many times.
func nestedAny(depth int) string {
	var a []byte
	for range depth {
		var inner []byte
		inner = protowire.AppendTag(inner, 1, protowire.BytesType)
		inner = protowire.AppendString(inner, "type.googleapis.com/A")
		inner = protowire.AppendTag(inner, 2, protowire.BytesType)
		inner = protowire.AppendBytes(inner, a)
		a = protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), inner)
	}
	return string(a)
}

// The faults that mean something else than a value's length have another reason than it.
func TestDeepValueIsNotTooLarge(t *testing.T) {
	r := ofProtobuf(t, `import "google/protobuf/any.proto"; message A { google.protobuf.Any a = 1; }`)
	_, err := r.JSON(&transform.Record{Value: []byte("\x00\x00\x00\x00\x01\x00" + nestedAny(150))})
	if f, ok := errors.AsType[*Fault](err); !ok || f.Reason != transform.ReasonMalformed {
		t.Errorf("the error is %#v", err)
	}
	if text, err := r.JSON(&transform.Record{Value: []byte("\x00\x00\x00\x00\x01\x00" + nestedAny(50))}); err != nil {
		t.Errorf("%.100s, %v", text, err)
	}
}

func TestDurations(t *testing.T) {
	r := ofProtobuf(t, `import "google/protobuf/duration.proto"; message A { google.protobuf.Duration d = 1; }`)
	for _, c := range []struct {
		seconds, nanos int64
		want           string
	}{
		{0, 0, "0s"},
		{1, 500_000_000, "1.5s"},
		{0, 500_000_000, "0.5s"},
		{0, -500_000_000, "-0.5s"},
		{-1, -500_000_000, "-1.5s"},
		{-1, 0, "-1s"},
		{100, 0, "100s"},
		{0, -1, "-0.000000001s"},
		// Not valid, as the signs differ or a second has more than a second's nanoseconds: the sum is written.
		{1, -500_000_000, "0.5s"},
		{-1, 500_000_000, "-0.5s"},
		{2, -500_000_000, "1.5s"},
		{0, 1_500_000_000, "1.5s"},
		{0, -1_500_000_000, "-1.5s"},
		{math.MinInt64, -999_999_999, "-9223372036854775808.999999999s"},
		{math.MaxInt64, 999_999_999, "9223372036854775807.999999999s"},
	} {
		d := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(c.seconds))
		d = protowire.AppendVarint(protowire.AppendTag(d, 2, protowire.VarintType), uint64(c.nanos))
		value := append([]byte("\x00\x00\x00\x00\x01\x00"), protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), d)...)
		if text, err := r.JSON(&transform.Record{Value: value}); err != nil || string(text) != `{"d":"`+c.want+`"}` {
			t.Errorf("%d s and %d ns: %s, %v; want %s", c.seconds, c.nanos, text, err, c.want)
		}
	}
}

func TestTimesOfDay(t *testing.T) {
	r := ofProtobuf(t, `import "google/type/timeofday.proto"; message A { google.type.TimeOfDay t = 1; }`)
	for _, c := range []struct {
		of   [4]int64 // hours, minutes, seconds, nanoseconds
		want string
	}{
		{[4]int64{14, 30}, `"14:30:00"`},
		{[4]int64{14, 30, 0, 500_000_000}, `"14:30:00.5"`},
		{[4]int64{0, 0, 0, 1}, `"00:00:00.000000001"`},
		{[4]int64{9, 5, 10, 999_999_999}, `"09:05:10.999999999"`},
		{[4]int64{24}, `"24:00:00"`},
		{[4]int64{23, 59, 60}, `"23:59:60"`},
		// No time of day: the fields as they are.
		{[4]int64{25}, `{"hours":25}`},
		{[4]int64{1, 60}, `{"hours":1,"minutes":60}`},
		{[4]int64{1, 2, 3, 1_000_000_000}, `{"hours":1,"minutes":2,"seconds":3,"nanos":1000000000}`},
		{[4]int64{-1}, `{"hours":-1}`},
	} {
		var day []byte
		for i, n := range c.of {
			if n != 0 {
				day = protowire.AppendVarint(protowire.AppendTag(day, protowire.Number(i+1), protowire.VarintType), uint64(n))
			}
		}
		value := append([]byte("\x00\x00\x00\x00\x01\x00"), protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), day)...)
		if text, err := r.JSON(&transform.Record{Value: value}); err != nil || string(text) != `{"t":`+c.want+`}` {
			t.Errorf("%v: %s, %v; want %s", c.of, text, err, c.want)
		}
	}
}

// ofProtobuf is a reader of values of one schema, whose id is 1.
func ofProtobuf(t *testing.T, schema string) *Reader {
	t.Helper()
	text, err := json.Marshal(map[string]string{"schema": `syntax="proto3"; ` + schema, "schemaType": "PROTOBUF"})
	if err != nil {
		t.Fatal(err)
	}
	a := &answers{schemas: map[string]string{"/schemas/ids/1": string(text)}}
	return newReader(t, func(cfg *Config) { cfg.Transport = a }, "http://registry.example")
}

func TestReferencesInACircleEnd(t *testing.T) {
	text := func(next string) string {
		return `{"schema":"\"string\"","references":[{"name":"` + next + `","subject":"` + next + `","version":1}]}`
	}
	a := &answers{schemas: map[string]string{"/schemas/ids/1": text("a"), "/subjects/a/versions/1": text("b"), "/subjects/b/versions/1": text("a")}}
	r := newReader(t, func(cfg *Config) { cfg.Transport = a }, "http://registry.example")
	if text, err := r.JSON(framed(1, "x")); err != nil || string(text) != `"x"` {
		t.Errorf("%s, %v", text, err)
	}
	if n := a.requests(); n != 3 {
		t.Errorf("%d requests", n)
	}
}

func TestReferenceThatIsMissingIsAFault(t *testing.T) {
	a := &answers{schemas: map[string]string{"/schemas/ids/1": `{"schema":"\"string\"","references":[{"name":"n","subject":"gone","version":3}]}`}}
	r := newReader(t, func(cfg *Config) { cfg.Transport = a }, "http://registry.example")
	if _, err := r.JSON(framed(1, "x")); err == nil || !strings.Contains(err.Error(), `version 3 of the subject "gone"`) {
		t.Error(err)
	}
}

func TestLoginAndFurtherAddresses(t *testing.T) {
	var asked atomic.Int32
	dead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer dead.Close()
	live := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		asked.Add(1)
		user, password, _ := req.BasicAuth()
		if req.Header.Get("Authorization") != "Bearer hush" && (user != "me" || password != "hush") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, avroText("email"))
	}))
	defer live.Close()
	hush := func() (string, error) { return "hush", nil }
	for name, adjust := range map[string]func(*Config){
		"basic":  func(c *Config) { c.Username, c.Password = "me", hush },
		"bearer": func(c *Config) { c.Token = hush },
	} {
		t.Run(name, func(t *testing.T) {
			r := newReader(t, adjust, dead.URL, live.URL)
			if text, err := r.JSON(framed(1, "x")); err != nil || string(text) != `{"email":"x"}` {
				t.Errorf("%s, %v", text, err)
			}
		})
	}
	t.Run("none", func(t *testing.T) {
		r := newReader(t, nil, dead.URL, live.URL)
		told := make(chan string, 1)
		r.Watch(func(advice phrase.Text) { told <- advice.String() })
		go func() { _, _ = r.JSON(framed(1, "x")) }()
		if advice := <-told; !strings.Contains(advice, "refuses the login (401)") || strings.Contains(advice, "hush") {
			t.Errorf("told %q", advice)
		}
	})
}

func TestAnswersOfOthersAreNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		status int
		text   string
		want   string
	}{
		"a page":           {200, "<html>", "no registry's"},
		"nothing is there": {404, "<html>", "its whole path"},
		"another's 404":    {404, `{"error":"no route"}`, "its whole path"},
		"a redirect":       {302, "", "answers 302"},
		"forbidden":        {403, "", "refuses the login (403)"},
		"throttled":        {429, "", "answers 429"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = io.WriteString(w, c.text)
			}))
			defer server.Close()
			r := newReader(t, nil, server.URL)
			told := make(chan string, 1)
			r.Watch(func(advice phrase.Text) {
				select {
				case told <- advice.String():
				default:
				}
			})
			go func() { _, _ = r.JSON(framed(1, "x")) }()
			if advice := <-told; !strings.Contains(advice, c.want) {
				t.Errorf("told %q, want %q", advice, c.want)
			}
		})
	}
}

func TestTransformerKeepsTheIdentityOfTheFrame(t *testing.T) {
	plain, err := transform.New(transform.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a := &answers{schemas: map[string]string{"/schemas/ids/1": avroText("email")}}
	by := NewTransformer(plain, newReader(t, func(cfg *Config) { cfg.Transport = a }, "http://registry.example"))
	rec := framed(1, "a@example.com")
	rec.Topic = "leads"
	unread, _ := plain.Decode(*rec)
	event, err := by.Decode(*rec)
	if err != nil || event.ID != unread.ID {
		t.Fatalf("%q, %v; want %q", event.ID, err, unread.ID)
	}
	if contact, err := by.Contact(event); err != nil || contact.Emails[0].Value != "a@example.com" {
		t.Errorf("%+v, %v", contact, err)
	}
	if _, err := by.Decode(*framed(2, "x")); !errors.As(err, new(*transform.Rejection)) {
		t.Errorf("the error is %T", err)
	}
}

func TestPreflight(t *testing.T) {
	a := &answers{schemas: map[string]string{
		"/subjects": `["leads-value","leads-key","other-value"]`, "/subjects/leads-value/versions/latest": `{"id":9,"version":3,"schemaType":"PROTOBUF"}`,
	}}
	r := newReader(t, func(cfg *Config) { cfg.Transport = a }, "http://registry.example")
	found := r.Preflight(t.Context(), "leads")
	if len(found) != 2 || found[0].Detail != "it answers, and has 3 subjects" || found[1].Detail != "leads-value (PROTOBUF, version 3, id 9)" {
		t.Errorf("%+v", found)
	}
	if found := r.Preflight(t.Context(), "web"); found[1].Level != "warn" {
		t.Errorf("%+v", found)
	}
	a.set(func() { a.down = true })
	if found := r.Preflight(t.Context(), "leads"); len(found) != 1 || found[0].Level != "fail" || found[0].Remedy == "" {
		t.Errorf("%+v", found)
	}
	if found := newReader(t, nil).Preflight(t.Context(), "leads"); found != nil {
		t.Errorf("%+v", found)
	}
}

// TestPreflightWriting finds ids that a gate writes and that readers could do nothing with.
func TestPreflightWriting(t *testing.T) {
	a := &answers{schemas: map[string]string{"/schemas/ids/17": `{"schemaType":"JSON","schema":"{}"}`, "/schemas/ids/3": `{"schema":"\"string\""}`}}
	r := newReader(t, func(cfg *Config) { cfg.Transport = a }, "http://registry.example")
	var got []string
	for _, f := range r.PreflightWriting(t.Context(), []uint32{3, 17, 99}) {
		got = append(got, f.Level+" "+f.Detail)
	}
	want := []string{"fail the schema of id 3 is AVRO, and the gate writes JSON", "ok id 17 is a JSON Schema", "fail the registry has no schema of id 99"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	a.set(func() { a.down = true })
	if found := r.PreflightWriting(t.Context(), []uint32{17}); found != nil {
		t.Errorf("without an answer: %+v", found)
	}
	if found := newReader(t, nil).PreflightWriting(t.Context(), []uint32{17}); found != nil {
		t.Errorf("without a registry: %+v", found)
	}
}

// Whatever stands behind a frame is read or is a fault; nothing panics.
func FuzzJSON(f *testing.F) {
	a := &answers{schemas: map[string]string{}}
	for i, s := range []string{
		avroText("email"),
		`{"schema":"{\"type\":\"record\",\"name\":\"L\",\"fields\":[{\"name\":\"n\",\"type\":[\"null\",\"L\",\"string\"]},{\"name\":\"m\",\"type\":{\"type\":\"map\",\"values\":\"bytes\"}}]}"}`,
		`{"schemaType":"PROTOBUF","schema":"syntax=\"proto3\"; import \"google/protobuf/any.proto\"; import \"google/protobuf/struct.proto\"; message A { google.protobuf.Any any = 1; google.protobuf.Struct s = 2; map<int32, A> m = 3; repeated A a = 4; }"}`,
	} {
		a.schemas[fmt.Sprintf("/schemas/ids/%d", i+1)] = s
	}
	r, err := New(Config{URLs: []string{"http://registry.example"}, Transport: a, Patience: time.Minute})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(r.Close)
	for id := range byte(4) {
		f.Add([]byte{0, 0, 0, 0, id, 2, 'a'})
	}
	golden, _ := base64.StdEncoding.DecodeString("AAAAAAIAAhJhQGV4YW1wbGU=")
	f.Add(golden)
	f.Fuzz(func(t *testing.T, value []byte) {
		text, err := r.JSON(&transform.Record{Value: value})
		if err == nil && text != nil && !json.Valid(text) {
			t.Errorf("%q is no JSON", text)
		}
	})
}

// TestDecimalsThatCannotBe are read as the bytes that they are, as other libraries do, and the rest of their record as ever.
func TestDecimalsThatCannotBe(t *testing.T) {
	a := &answers{schemas: map[string]string{}}
	r := newReader(t, func(c *Config) { c.Transport = a }, "http://registry.example")
	for id, c := range []struct{ decimal, want string }{
		{`{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}`, "0.07"},
		{`{"type":"bytes","logicalType":"decimal"}`, `"Bw=="`},
		{`{"type":"bytes","logicalType":"decimal","precision":0}`, `"Bw=="`},
		{`{"type":"bytes","logicalType":"decimal","precision":2,"scale":3}`, `"Bw=="`},
		{`{"type":"bytes","logicalType":"decimal","precision":2,"scale":-1}`, `"Bw=="`},
		{`{"type":"bytes","logicalType":"decimal","precision":"2"}`, `"Bw=="`},
		{`["null",{"type":"bytes","logicalType":"decimal"}]`, `"Bw=="`},
		{`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":5}`, `"Agc="`},
		{`{"type":"fixed","name":"F","size":2,"logicalType":"decimal","precision":4}`, "519"},
	} {
		schema := `{"type":"record","name":"R","fields":[{"name":"email","type":"string"},{"name":"budget","type":` + c.decimal + `},{"name":"phone","type":"string","default":"+7"}]}`
		text, err := json.Marshal(map[string]string{"schema": schema})
		if err != nil {
			t.Fatal(err)
		}
		a.set(func() { a.schemas[fmt.Sprintf("/schemas/ids/%d", id+1)] = string(text) })
		rec := framed(uint32(id+1), "a@example.com")
		switch c.decimal[0:13] {
		case `{"type":"byte`:
			rec.Value = append(rec.Value, 2, 7) // one byte
		case `{"type":"fixe`:
			rec.Value = append(rec.Value, 2, 7)
		default:
			rec.Value = append(rec.Value, 2, 2, 7) // the second branch
		}
		rec.Value = append(rec.Value, 4, '+', '7')
		got, err := r.JSON(rec)
		if want := `{"email":"a@example.com","budget":` + c.want + `,"phone":"+7"}`; err != nil || string(got) != want {
			t.Errorf("%s: got %s, %v, want %s", c.decimal, got, err, want)
		}
	}
}
