package crmclient

import (
	"encoding/json"
	"math"
	"strconv"
	"testing"

	"github.com/rs/zerolog"
)

// A batch that is written as its contacts are encoded is what would be put together of them;
// when one of them does not leave with it, it is put together.
func TestSheetIsTheBatch(t *testing.T) {
	c := &Creator{log: zerolog.Nop(), cfg: Config{Originator: "us"}, reported: map[string]bool{}}
	p := &portal{fields: map[string]field{"name": {name: "name"}, "originId": {name: "originId"}}, way: way{"originId"}}
	write := func(names ...any) ([]*ticket, []byte) {
		s := c.newSheet(len(names))
		var fit []*ticket
		for i, name := range names {
			e := &event{req: Request{OriginID: "lb-" + strconv.Itoa(i), Contact: &Contact{UserFields: map[string]any{"name": name}}}}
			if name == "sent before" {
				e.body, e.bodyFor = []byte(`{}`), p
			}
			if s.add(func() error { return c.encode(e, p, s) }) == nil {
				fit = append(fit, &ticket{event: e})
			}
		}
		return fit, s.batch(len(fit))
	}
	for name, names := range map[string][]any{
		"all":             {"Иван", "a\"b", ""},
		"one unencodable": {"a", math.NaN(), "b"},
		"first":           {math.NaN(), "a", "b"},
		"last":            {"a", "b", math.NaN()},
	} {
		tickets, got := write(names...)
		if want := batchBody(tickets); string(got) != string(want) || !json.Valid(got) {
			t.Errorf("%s: %s\nwant %s", name, got, want)
		}
	}
	if _, got := write("a", "sent before", "b"); got != nil {
		t.Errorf("with one that is not on the sheet: %s", got)
	}
	if _, got := write("alone"); got != nil {
		t.Errorf("one alone: %s", got)
	}
	s := c.newSheet(2)
	if err := s.add(func() error { return nil }); err != nil || s.batch(2) != nil {
		t.Errorf("with one that does not leave: %v", err)
	}
}
