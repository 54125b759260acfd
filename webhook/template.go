package webhook

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/leadbridge/leadbridge/internal/human"
)

// template is a text with parts of a request in it, such as {timestamp}.{body}.
type template []part

// part is a piece of a template: text as it stands, or what its kind names.
type part struct {
	kind string // "": text; body, method, url, path, query, timestamp, header
	text string // or the header's name
}

// partKinds are the words that may stand in braces, besides header:NAME.
var partKinds = []string{"body", "method", "url", "path", "query", "timestamp"}

var errOpenBrace = errors.New("has a { without a }")

// parseTemplate reads a template; its error says what is wrong with it.
func parseTemplate(text string) (t template, err error) {
	for text != "" {
		before, rest, found := strings.Cut(text, "{")
		if before != "" {
			t = append(t, part{text: before})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return nil, errOpenBrace
		}
		header, isHeader := strings.CutPrefix(name, "header:")
		switch {
		case isHeader && headerName.MatchString(header):
			t = append(t, part{kind: "header", text: header})
		case slices.Contains(partKinds, name):
			t = append(t, part{kind: name})
		default:
			return nil, fmt.Errorf("names %s, which is not a part of a request", human.Quote(name))
		}
		text = after
	}
	return t, nil
}

// has reports whether one of the parts is of one of the kinds.
func (t template) has(kinds ...string) bool {
	return slices.ContainsFunc(t, func(p part) bool { return slices.Contains(kinds, p.kind) })
}

// fill returns the text with the values of its parts; it is not ok when the request lacks one.
func (t template) fill(value func(part) (string, bool), body []byte) (text []byte, ok bool) {
	for _, p := range t {
		switch p.kind {
		case "":
			text = append(text, p.text...)
		case "body":
			text = append(text, body...)
		default:
			one, ok := value(p)
			if !ok {
				return nil, false
			}
			text = append(text, one...)
		}
	}
	return text, true
}
