package main

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// russianGlossary is the one Russian page without an English one: it says by which word each term is translated.
const russianGlossary = "docs/ru/glossary.md"

// mutantsReport is written by a program (make mutants), so that it has no translation.
const mutantsReport = "docs/mutants.md"

// russianOf returns the path of the Russian translation of a page that has to have one, "" for other pages.
func russianOf(page string) string {
	switch {
	case page == "README.md":
		return "README.ru.md"
	case page == mutantsReport:
	case path.Dir(page) == "docs" && path.Ext(page) == ".md":
		return "docs/ru/" + path.Base(page)
	}
	return ""
}

// englishOf returns the path of the English page of which the page is the Russian translation, "" for other pages.
func englishOf(page string) string {
	switch {
	case page == "README.ru.md":
		return "README.md"
	case path.Dir(page) == "docs/ru" && page != russianGlossary:
		return "docs/" + path.Base(page)
	}
	return ""
}

// TestRussianPagesAreInStep fails when a page has no Russian translation, a translation has no page, or the two
// differ in what a translation keeps.
func TestRussianPagesAreInStep(t *testing.T) {
	t.Parallel()
	pages := docs(t)
	for page := range pages {
		if russian := russianOf(page); russian != "" && pages[russian] == "" {
			t.Errorf("%s has no Russian translation: write %s", page, russian)
		}
		english := englishOf(page)
		if english == "" {
			continue
		}
		if pages[english] == "" {
			t.Errorf("%s translates %s, which does not exist: remove it", page, english)
			continue
		}
		for kind, diff := range outOfStep(pages, english, page) {
			t.Errorf("%s: %s differ (-%s +%s):\n%s", page, kind, english, page, diff)
		}
	}
}

// TestOutOfStepFindsEachDifference spoils a translation in each way, and looks for that difference alone.
func TestOutOfStepFindsEachDifference(t *testing.T) {
	t.Parallel()
	const english = "# One\n\nSet `WINDOW`, see [two](#two), [b](b.md#why) or [ours](../bench/README.md).\n\n![A](a.png) <img src=\"b.png\">\n\n" +
		"## Two\n\n```sh\nmake test   # all\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- In a list:\n\n  | c |\n  |---|\n  | 3 |\n"
	const russian = "# Один\n\nЗадайте `WINDOW`, см. [два](#два), [б](b.md#почему) или [наше](../../bench/README.md). [По-английски](../a.md)\n\n" +
		"![А](../a.png) <img src=\"../b.png\">\n\n" +
		"## Два\n\n```sh\nmake test   # all\n```\n\n| а | б |\n|---|---|\n| 1 | 2 |\n\n- В списке:\n\n  | в |\n  |---|\n  | 3 |\n"
	for _, c := range []struct{ name, old, with, want string }{
		{"translated as it should be", "", "", ""},
		{"a heading is missing", "## Два", "Два", "headings links"},
		{"a heading has another level", "## Два", "### Два", "headings"},
		{"a comment in a code block is translated", "# all", "# все", "code blocks"},
		{"a code block is missing", "```sh\nmake test   # all\n```\n", "", "code blocks"},
		{"a row is missing", "| 1 | 2 |\n", "", "tables"},
		{"a row is missing in a list", "  | 3 |\n", "", "tables"},
		{"a column is missing", "| а | б |\n|---|---|\n| 1 | 2 |", "| а |\n|---|\n| 1 |", "tables"},
		{"two tables have become one", "\n- В списке:\n\n", "", "tables"},
		{"an image is missing", "![А](../a.png)", "", "images"},
		{"another image", "../b.png", "../c.png", "images"},
		{"a link is missing", "[наше](../../bench/README.md)", "наше", "links"},
		{"a link leads to the English page", "(b.md#почему)", "(../b.md#why)", "links"},
		{"a link leads to another heading", "(#два)", "(#один)", "links"},
		{"a setting is not named", "`WINDOW`", "окно", "names"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pages := map[string]string{
				"docs/a.md":       english,
				"docs/ru/a.md":    strings.Replace(russian, c.old, c.with, 1),
				"docs/b.md":       "# B\n\n## Why\n",
				"docs/ru/b.md":    "# Б\n\n## Почему\n",
				"bench/README.md": "# Benchmarks\n",
			}
			var kinds []string
			for kind := range outOfStep(pages, "docs/a.md", "docs/ru/a.md") {
				kinds = append(kinds, kind)
			}
			slices.Sort(kinds)
			if got := strings.Join(kinds, " "); got != c.want {
				t.Errorf("the differences are %q, not %q", got, c.want)
			}
		})
	}
}

// outOfStep compares a translation with its page: the differences by their kind.
func outOfStep(pages map[string]string, english, russian string) map[string]string {
	diffs := map[string]string{}
	want, got := kept(pages, english), kept(pages, russian)
	for kind := range want {
		if diff := cmp.Diff(want[kind], got[kind]); diff != "" {
			diffs[kind] = diff
		}
	}
	return diffs
}

var (
	headingLevel = regexp.MustCompile(`(?m)^#+ `)
	image        = regexp.MustCompile(`(?:!\[[^\]]*\]\(|(?:src|srcset)=")([^)"\s]+)[)"]`)
	inlineCode   = regexp.MustCompile("`[^`\n]+`")
)

// kept is what a translation keeps of its page, by kind: levels of headings, code blocks and shapes of tables in
// their order, images and links by where they lead, and names, which stand in backticks. The order of what stands
// in sentences is the language's own.
func kept(pages map[string]string, page string) map[string][]string {
	text := fenced.ReplaceAllString(pages[page], "")
	k := map[string][]string{
		"headings":    headingLevel.FindAllString(text, -1),
		"code blocks": fenced.FindAllString(pages[page], -1),
		"tables":      tableShapes(text),
		"images":      {},
		"links":       {},
		"names":       inlineCode.FindAllString(text, -1),
	}
	for _, found := range image.FindAllStringSubmatch(text, -1) {
		// A picture of the page in Russian stands for that in English.
		k["images"] = append(k["images"], strings.Replace(path.Join(path.Dir(page), found[1]), "-ru-", "-", 1))
	}
	for _, found := range docLink.FindAllStringSubmatch(image.ReplaceAllString(text, ""), -1) {
		if to := leadsTo(pages, page, found[1]); to != "" {
			k["links"] = append(k["links"], to)
		}
	}
	for _, kind := range []string{"images", "links", "names"} {
		slices.Sort(k[kind])
	}
	k["names"] = slices.Compact(k["names"])
	return k
}

// leadsTo names the end of a link so that a page's link and that of its translation are equal: by the path of the
// English page and the number of its heading. It is "" for a link from a page to its translation and back. A link
// from a Russian page to an English one that is translated keeps the mark "English".
func leadsTo(pages map[string]string, page, link string) string {
	if strings.Contains(link, "://") {
		return link
	}
	file, anchor, _ := strings.Cut(link, "#")
	target := page
	if file != "" {
		target = path.Join(path.Dir(page), file)
	}
	end := target
	if english := englishOf(target); english != "" {
		end = english
	}
	switch {
	case englishOf(page) == target || englishOf(target) == page:
		return ""
	case englishOf(page) != "" && russianOf(target) != "":
		end += " (English)"
	}
	if anchor != "" {
		end += fmt.Sprint(" heading ", slices.Index(anchors(pages[target]), anchor)+1)
	}
	return end
}

// tableShapes are the tables of a text in their order, as rows and columns.
func tableShapes(text string) []string {
	var shapes []string
	rows, columns := 0, 0
	for line := range strings.SplitSeq(text+"\n", "\n") {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "|"):
			rows++
			if strings.HasPrefix(line, "|-") || strings.HasPrefix(line, "|:") {
				columns = strings.Count(line, "|") - 1
			}
		case rows > 0:
			shapes = append(shapes, fmt.Sprintf("%d rows, %d columns", rows, columns))
			rows, columns = 0, 0
		}
	}
	return shapes
}
