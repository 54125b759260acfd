package table

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTable(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	err := Table{{"case", "µs"}, {"a", "12.5"}, {"länger", "7"}}.Write(&b, 1)
	want := "" +
		"| case   |   µs |\n" +
		"| ------ | ---: |\n" +
		"| a      | 12.5 |\n" +
		"| länger |    7 |\n"
	if diff := cmp.Diff(want, b.String()); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
