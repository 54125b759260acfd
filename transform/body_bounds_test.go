package transform

import (
	"fmt"
	"strings"
	"testing"
)

// TestBodiesBounded: bodies of 1 MiB that nest, repeat and ask as much as they
// can end as a rejection, after a bounded number of questions to libphonenumber.
func TestBodiesBounded(t *testing.T) {
	t.Parallel()
	const size = 800 << 10
	repeat := func(one string) string { return strings.Repeat(one, size/len(one)) }
	numbered := func(format string) string {
		var b strings.Builder
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, format, i, i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	for name, data := range map[string]string{
		"persons":       `{"contacts":[` + strings.TrimSuffix(repeat(`{"phone":"99999999999"},`), ",") + `]}`,
		"real persons":  `{"contacts":[` + numbered(`{"phone":"+7916%07d","x":%d},`) + `]}`,
		"countries":     `{` + repeat(`"country":"Narnia",`) + `"contacts":[` + strings.TrimSuffix(strings.Repeat(`{"phone":"99999999999"},`, 4000), ",") + `]}`,
		"names":         `{"phone":"12","contacts":[` + strings.TrimSuffix(repeat(`{"name":"Anna"},`), ",") + `]}`,
		"one person":    `{"contacts":[` + strings.TrimSuffix(repeat(`{"phone":"+79161234567"},`), ",") + `]}`,
		"phones":        `{"contacts":[{"phone":["` + repeat(`99999999999","`) + `"]}]}`,
		"brackets":      `{` + numbered(`"a[%d]":%d,`) + `}`,
		"deep brackets": `{"a` + repeat(`[b]`) + `":1}`,
		"containers":    repeat(`{"data":`) + `1` + repeat(`}`),
		"pairs":         `{"fields":[` + numbered(`{"name":"n%d","value":%d},`) + `]}`,
		"unknown names": `{` + numbered(`"Сколько комнат %d":"%d",`) + `}`,
		"JSON in text":  `{"a":"` + strings.Repeat(`[`, 100) + repeat(`\"{`) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTransformer(t, Options{})
			e, err := tr.Decode(record(data))
			if err != nil {
				return // nests too deep
			}
			root, _ := readBodyObjects(e.data())
			if p := findPeople(root, tr.home()); p.tries > maxPhoneTries || len(p.all) > maxCandidates {
				t.Errorf("%d tries, %d candidates", p.tries, len(p.all))
			}
			if _, err := tr.Contact(e); reasonOf(err) != ReasonNoContactPoint {
				t.Errorf("err = %v", err)
			}
		})
	}
}
