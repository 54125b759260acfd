package main

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// settingPages have the tables of all settings, which variables begin.
var settingPages = []string{"docs/settings.md", "docs/ingest.md"}

// TestEverySettingIsDocumented compares the flags of all commands that have a variable with the tables: a row
// names each setting and its default, and what a row begins with is a setting.
func TestEverySettingIsDocumented(t *testing.T) {
	t.Parallel()
	rows := settingRows(t)
	defaults := allSettings(t)
	for _, variable := range slices.Sorted(maps.Keys(defaults)) {
		value := defaults[variable]
		documented := slices.ContainsFunc(rows, func(row string) bool {
			return strings.Contains(row, "`"+variable+"`") &&
				(value == "" || strings.Contains(row, "`"+value+"`") || (value == "false" && strings.Contains(row, "| off |")))
		})
		if !documented {
			t.Errorf("no row of %s has %s and its default %q", strings.Join(settingPages, " or "), variable, value)
		}
	}
	for _, row := range rows {
		first, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " | ")
		for _, name := range settingName.FindAllStringSubmatch(first, -1) {
			if _, ok := defaults[name[1]]; !ok {
				t.Errorf("%s is documented as a setting, and no command has it", name[1])
			}
		}
	}
}

// allSettings returns the default of each variable that a flag of some command has.
func allSettings(t *testing.T) map[string]string {
	t.Helper()
	defaults := map[string]string{}
	err := kong.Visit(newModel(t), func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			for _, variable := range flag.Envs {
				defaults[variable] = flag.Default
			}
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
	return defaults
}

// newModel is the command line, without anything that runs it.
func newModel(t *testing.T) *kong.Application {
	t.Helper()
	parser, err := newParser(process{lookupEnv: func(string) (string, bool) { return "", false }})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model
}

var (
	settingTable = regexp.MustCompile(`(?m)^\| variable \| default \| meaning \|\n(?:\|.*\n)+`)
	settingName  = regexp.MustCompile("`([A-Z][A-Z0-9_]+)`")
)

// settingRows returns all rows of the tables.
func settingRows(t *testing.T) []string {
	t.Helper()
	var rows []string
	pages := docs(t)
	for _, page := range settingPages {
		for _, table := range settingTable.FindAllString(pages[page], -1) {
			rows = append(rows, strings.Split(strings.TrimSpace(table), "\n")...)
		}
	}
	return rows
}
