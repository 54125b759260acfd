package settings

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"unicode"

	"github.com/leadbridge/leadbridge/internal/human"
)

// longestPauseNote is how much of a note in the file of PAUSED_FILE is shown, in characters.
const longestPauseNote = 100

// ReadPause reads a file of PAUSED_FILE: true or false (on, off, yes, no, 1, 0), and behind it a note of who pauses and why. A
// file that is missing or empty says false.
func ReadPause(file string) (paused bool, note string, err error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return false, "", nil
	}
	if err != nil {
		return false, "", errors.New("the file cannot be read (" + reason(err) + ")")
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(content)), "\n")
	word, note, _ := strings.Cut(strings.TrimSpace(line), " ")
	var p parser
	if paused = p.boolean("", strings.TrimRight(word, ":,;")); len(p.faults) > 0 {
		return false, "", errors.New("the file begins neither with true nor with false")
	}
	return paused, printable(note, longestPauseNote), nil
}

// printable returns at most so many characters of a text, without those that cannot be printed.
func printable(text string, most int) string {
	return human.Cut(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.TrimSpace(text)), most)
}
