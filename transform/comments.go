package transform

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/leadbridge/leadbridge/internal/human"
)

// maxComments is how many characters of comments a contact carries.
const maxComments = 60_000

// maxKey is the longest name of a field in the comments, in characters. The rest of a longer name is cut.
const maxKey = 200

// maxPath is the largest number of names in the path of a nested value. Deeper values get the path of the object at that depth.
const maxPath = 16

// comments collects lines up to a length, and counts those that do not fit, so that a note can say how many are
// missing.
type comments struct {
	b       strings.Builder
	runes   int // characters in b
	leftOut int // lines that did not fit, or not wholly
}

// cutRoom is how many characters are kept free for the sentence that says that the comments were cut.
const cutRoom = 100

// usualComments is the size in bytes that most comments do not exceed.
const usualComments = 128

// add adds a line, given in parts.
func (c *comments) add(parts ...string) {
	n := 0
	for _, part := range parts {
		n += utf8.RuneCountInString(part)
	}
	if n == 0 {
		return
	}
	if c.leftOut > 0 {
		c.leftOut++
		return
	}
	if c.b.Len() > 0 {
		c.b.WriteByte('\n')
		c.runes++
	}
	left := maxComments - cutRoom - c.runes
	if n > left {
		parts = []string{cutRunes(strings.Join(parts, ""), max(left, 1))}
		c.leftOut = 1
	}
	c.runes += min(n, left)
	if c.b.Cap() == 0 {
		c.b.Grow(usualComments)
	}
	for _, part := range parts {
		c.b.WriteString(part)
	}
}

// addAll adds the lines of other comments.
func (c *comments) addAll(o *comments) {
	if c.leftOut == 0 && c.runes+1+o.runes <= maxComments-cutRoom {
		if c.b.Len() > 0 && o.b.Len() > 0 {
			c.b.WriteByte('\n')
			c.runes++
		}
		c.b.WriteString(o.b.String())
		c.runes += o.runes
	} else {
		for line := range strings.SplitSeq(o.b.String(), "\n") {
			c.add(line)
		}
	}
	c.leftOut += o.leftOut
}

// note adds a field as "key: value". Each part of a nested value gets a line of its own.
func (c *comments) note(key string, value any) {
	if c.leftOut > 0 {
		c.leftOut++
		return
	}
	c.walk(cutRunes(cleanLine(key), maxKey), value, 1)
}

func (c *comments) walk(path string, value any, depth int) {
	if text, ok := textOf(value); ok {
		if text != "" {
			c.add(path, ": ", text)
		}
		return
	}
	switch v := value.(type) {
	case object:
		for _, m := range v {
			c.step(path, m.key, m.value, depth)
		}
	case []any:
		for i, e := range v {
			c.step(path, strconv.Itoa(i), e, depth)
		}
	}
}

func (c *comments) step(path, name string, value any, depth int) {
	if c.leftOut > 0 {
		c.leftOut++
		return
	}
	if depth < maxPath {
		path += "." + cutRunes(cleanLine(name), maxKey)
	}
	c.walk(path, value, depth+1)
}

func (c *comments) String() string {
	if c.leftOut == 0 {
		return c.b.String()
	}
	return fmt.Sprintf("%s\n[cut at %d characters: %s left out]", c.b.String(), maxComments, human.Count(c.leftOut, "line"))
}
