package transform

import (
	"strings"
	"testing"
)

// TestHostilePrograms are programs that the parser or the compiler would take long for, much memory, or
// all of the stack: none of them reaches either.
func TestHostilePrograms(t *testing.T) {
	t.Parallel()
	for name, program := range map[string]string{
		"long":        strings.Repeat(" ", sentProgram().bytes) + ".",
		"brackets":    strings.Repeat("[", 1<<20),
		"parentheses": strings.Repeat("(", 300) + "1" + strings.Repeat(")", 300),
		"objects":     strings.Repeat("{a:", 300) + "1" + strings.Repeat("}", 300),
		"mixed":       strings.Repeat("[{a:(", 100) + "1" + strings.Repeat(")}]", 100),
		"in texts":    strings.Repeat(`"\(`, 300) + "1" + strings.Repeat(`)"`, 300),
		"calls":       strings.Repeat("map(", 300) + "." + strings.Repeat(")", 300),
		"sum":         strings.Repeat("1+", 8000) + "1",
		"signs":       strings.Repeat("-", 8000) + "1",
		"optional":    "." + strings.Repeat("?", 8000),
		"alternative": strings.Repeat("1//", 5000) + "1",
	} {
		if _, err := NewEditor(program); err == nil || len(err.Error()) > 200 {
			t.Errorf("%s: %.100v", name, err)
		}
	}
	for _, program := range []string{
		".", `.data.phone |= ("+7" + .)`, strings.Repeat("[", 100) + strings.Repeat("]", 100), strings.Repeat("1+", 900) + "1",
		"# " + strings.Repeat("x", sentProgram().bytes-10) + "\n.",
	} {
		if _, err := NewEditor(program); err != nil {
			t.Errorf("%.20s: %v", program, err)
		}
	}
}
