package demo

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestProgress shows a small demo on a terminal and elsewhere: a line that is
// redrawn, or whole lines without anything that only a terminal understands.
func TestProgress(t *testing.T) {
	t.Parallel()
	for name, terminal := range map[string]bool{"terminal": true, "plain": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			ok, err := Run(t.Context(), Config{Events: 5, Seed: 1, Out: &out, Terminal: terminal, Version: "test"})
			if err != nil || !ok {
				t.Fatalf("%v %v\n%s", ok, err, out.String())
			}
			if got := strings.Contains(out.String(), "\r\x1b[K"); got != terminal {
				t.Errorf("redrawn: %v, want %v", got, terminal)
			}
			// On a busy machine further leads may have come before the last of the five was there.
			full := regexp.MustCompile(`\[#{` + strconv.Itoa(barWidth) + `}\]  in (\d+)  created (\d+)  dead letters 0`)
			last := full.FindAllStringSubmatch(out.String(), -1)
			if len(last) == 0 || last[len(last)-1][1] != last[len(last)-1][2] {
				t.Errorf("no last line of %v with as many contacts as leads:\n%s", full, out.String())
			}
		})
	}
}
