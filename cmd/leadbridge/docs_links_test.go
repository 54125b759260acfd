package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// docs are the pages for people: their texts by their paths in the repository.
func docs(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/ru/*.md", "bench/*.md", "deploy/*.md", "deploy/chart/*.md", "integration/*.md", "browser/*.md"} {
		found, err := filepath.Glob(filepath.Join(repository, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name, err := filepath.Rel(repository, path)
			if err != nil {
				t.Fatal(err)
			}
			pages[filepath.ToSlash(name)] = string(text)
		}
	}
	return pages
}

var (
	docLink = regexp.MustCompile(`(?:\]\(|(?:href|src|srcset)=")([^)"\s]+)[)"]`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```")
)

// TestDocsLinksLeadSomewhere follows links within the repository to a file, and to a heading in it.
func TestDocsLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	pages := docs(t)
	for page, text := range pages {
		for _, link := range docLink.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			path, anchor, _ := strings.Cut(link[1], "#")
			if strings.Contains(link[1], "://") {
				continue
			}
			target := page
			if path != "" {
				target = filepath.ToSlash(filepath.Join(filepath.Dir(page), path))
			}
			if _, err := os.Stat(filepath.Join(repository, target)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, link[1])
				continue
			}
			if anchor != "" && !slices.Contains(anchors(pages[target]), anchor) {
				t.Errorf("%s links to %s, and there is no such heading", page, link[1])
			}
		}
	}
}

func TestAnchorsAreThoseOfGitHub(t *testing.T) {
	t.Parallel()
	const page = "# Где лид?\n\n## The gate: `leadbridge ingest`\n\n```sh\n# no heading\n```\n\n### E-mail\n\n### E-mail\n"
	want := []string{"где-лид", "the-gate-leadbridge-ingest", "e-mail", "e-mail-1"}
	if diff := cmp.Diff(want, anchors(page)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// anchors are those of the page's headings in their order, as GitHub makes them: one that was there before gets a number.
func anchors(text string) []string {
	var names []string
	seen := map[string]int{}
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, h[1])
		n := seen[name]
		seen[name]++
		if n > 0 {
			name = fmt.Sprintf("%s-%d", name, n)
		}
		names = append(names, name)
	}
	return names
}
