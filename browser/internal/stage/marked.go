package stage

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// MarkWords serves the English words of the page in marks, ⟦so⟧, without what they are filled in with: what is shown outside
// of marks is not of the table.
func (s *Stage) MarkWords() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marked = true
}

var (
	wordsLine = regexp.MustCompile(`(?m)^  ("[^"]+"): (.*),$`)
	literal   = regexp.MustCompile(`[^{}]*\pL[^{}]*|\{\w+\}|[{}]`)
)

func (s *Stage) words(w http.ResponseWriter, _ *http.Request, page string) {
	text, err := os.ReadFile(filepath.Join(page, "words-en.js"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	s.mu.Lock()
	marked := s.marked
	s.mu.Unlock()
	if marked {
		text = wordsLine.ReplaceAllFunc(text, func(line []byte) []byte {
			m := wordsLine.FindSubmatch(line)
			var one string
			if json.Unmarshal(m[2], &one) == nil {
				return []byte("  " + string(m[1]) + ": " + quoted(mark(one)) + ",")
			}
			var forms map[string]string
			_ = json.Unmarshal(m[2], &forms) // a test of the product reads the table
			for form, text := range forms {
				forms[form] = mark(text)
			}
			return []byte("  " + string(m[1]) + ": " + quoted(forms) + ",")
		})
	}
	w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	_, _ = w.Write(text)
}

// mark marks what stands between the values of a text.
func mark(text string) string {
	return literal.ReplaceAllStringFunc(text, func(part string) string {
		if strings.HasPrefix(part, "{") || part == "}" {
			return part
		}
		return "⟦" + part + "⟧"
	})
}

func quoted(v any) string {
	text, _ := json.Marshal(v) // texts can always be encoded
	return string(text)
}
