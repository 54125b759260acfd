package admin

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/leadbridge/leadbridge/consumer"
)

// words are the texts of the page in a language: by key, one text or its forms by number.
type words map[string]map[string]string

// readWords reads a table of the page, whose lines are JSON.
func readWords(t *testing.T, name string) words {
	t.Helper()
	text, err := pageFiles.ReadFile("page/" + name)
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(text), "export default ")
	body = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(body), ";"), ",\n}") + "\n}"
	var raw map[string]json.RawMessage
	if err := json.Unmarshal([]byte(body), &raw); err != nil {
		t.Fatalf("%s is not JSON in lines: %v", name, err)
	}
	if lines := strings.Count(body, "\n") - 1; lines != len(raw) {
		t.Errorf("%s has %d lines and %d keys: one of them is there twice", name, lines, len(raw))
	}
	all := words{}
	for key, value := range raw {
		var forms map[string]string
		if json.Unmarshal(value, &forms) != nil {
			var one string
			if err := json.Unmarshal(value, &one); err != nil {
				t.Fatalf("%s: %s: %v", name, key, err)
			}
			forms = map[string]string{"": one}
		}
		all[key] = forms
	}
	return all
}

var inBraces = regexp.MustCompile(`\{(\w+)\}`)

// valuesOf returns the names of the values that a text has.
func valuesOf(text string) []string {
	var names []string
	for _, m := range inBraces.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Each text is there in both languages, with the same values and all forms of its number.
func TestTheLanguagesSayTheSame(t *testing.T) {
	forms := map[string][]string{"en": {"one", "other"}, "ru": {"few", "many", "one", "other"}}
	tables := map[string]words{"en": readWords(t, "words-en.js"), "ru": readWords(t, "words-ru.js")}
	if en, ru := slices.Sorted(maps.Keys(tables["en"])), slices.Sorted(maps.Keys(tables["ru"])); !slices.Equal(en, ru) {
		for key := range tables["en"] {
			if tables["ru"][key] == nil {
				t.Errorf("there is no Russian of %s", key)
			}
		}
		for key := range tables["ru"] {
			if tables["en"][key] == nil {
				t.Errorf("there is no English of %s", key)
			}
		}
	}
	for key, english := range tables["en"] {
		var want []string
		for _, text := range english {
			want = valuesOf(text)
		}
		for language, table := range tables {
			if given := slices.Sorted(maps.Keys(table[key])); !slices.Equal(given, []string{""}) && !slices.Equal(given, forms[language]) {
				t.Errorf("%s in %s has the forms %q, want %q", key, language, given, forms[language])
			}
			for form, text := range table[key] {
				if strings.TrimSpace(text) == "" {
					t.Errorf("%s in %s says nothing", key, language)
				}
				if got := valuesOf(text); !slices.Equal(got, want) {
					t.Errorf("%s in %s, form %q, has the values %q, want %q", key, language, form, got, want)
				}
			}
		}
	}
}

// inQuotes are the keys that a module may name: in quotes, or with a group in front of a code.
var inQuotes = regexp.MustCompile("\"([a-z][a-zA-Z0-9.-]*)\"|`([a-z-]+)\\.\\$\\{|data-(?:text|label)=\"([^\"]+)\"|named\\(\"([a-z-]+)\"")

// Each text of the tables is used, and each that a module names is in them.
func TestEachTextOfThePageIsUsed(t *testing.T) {
	table := readWords(t, "words-en.js")
	used, groups := map[string]bool{}, map[string]bool{}
	names, err := fs.Glob(pageFiles, "page/*")
	if err != nil {
		t.Fatal(err)
	}
	call := regexp.MustCompile(`\bt\("([^"]+)"`)
	for _, name := range names {
		text, err := pageFiles.ReadFile(name)
		if err != nil || strings.Contains(name, "/words-") {
			continue
		}
		for _, m := range inQuotes.FindAllStringSubmatch(string(text), -1) {
			used[m[1]], used[m[3]] = true, true
			groups[m[2]], groups[m[4]] = true, true
		}
		for _, m := range call.FindAllStringSubmatch(string(text), -1) {
			if table[m[1]] == nil {
				t.Errorf("%s says %s, which is in no table", name, m[1])
			}
		}
	}
	for key := range table {
		if group, _, _ := strings.Cut(key, "."); !used[key] && !groups[group] && group != "said" {
			t.Errorf("nothing says %s", key)
		}
	}
}

// goFiles returns the files of the product's packages, parsed.
func goFiles(t *testing.T, dirs ...string) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	set := token.NewFileSet()
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".go" && !strings.HasSuffix(path, "_test.go") {
				files[path], err = parser.ParseFile(set, path, nil, 0)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// textOfLiteral returns the text of a literal.
func textOfLiteral(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}

func isNamed(e ast.Expr, name string) bool {
	one, ok := e.(*ast.Ident)
	return ok && one.Name == name
}

// Each sentence of the server has words on the page, with its values. In English they are those of the server, except where
// these name flags of commands.
func TestThePageSaysWhatTheServerSays(t *testing.T) {
	table := readWords(t, "words-en.js")
	said := map[string]bool{}
	for path, file := range goFiles(t, "../admin", "../cmd", "../consumer", "../crmclient", "../dlt", "../find", "../internal", "../schemas", "../statetopic", "../transform") {
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			if fun, ok := call.Fun.(*ast.SelectorExpr); !ok || fun.Sel.Name != "New" || !isNamed(fun.X, "phrase") {
				return true
			}
			id, ok := textOfLiteral(call.Args[0])
			template, also := textOfLiteral(call.Args[1])
			if !ok || !also {
				t.Errorf("%s: the id and the template of a phrase must be literals", path)
				return true
			}
			var names []string
			for i := 2; i < len(call.Args); i += 2 {
				name, _ := textOfLiteral(call.Args[i])
				names = append(names, name)
			}
			slices.Sort(names)
			words := table["said."+id][""]
			switch {
			case said[id]:
				t.Errorf("%s: the id %s is used twice", path, id)
			case !slices.Equal(valuesOf(template), names):
				t.Errorf("%s: the template of %s has the values %q, and is given %q", path, id, valuesOf(template), names)
			case words == "":
				t.Errorf("%s: the page has no words for said.%s", path, id)
			case words != template && !strings.Contains(template, "--edit") && !strings.Contains(template, "words above"):
				t.Errorf("%s: said.%s is %q, want %q", path, id, words, template)
			}
			said[id] = true
			return true
		})
	}
	if len(said) < 90 {
		t.Errorf("found %d sentences", len(said))
	}
	for key := range table {
		if id, is := strings.CutPrefix(key, "said."); is && !said[id] {
			t.Errorf("the server never says %s", key)
		}
	}
}

// constants returns the values of the constants that a directory declares whose "Name Type" matches a pattern.
func constants(t *testing.T, dir, pattern string) []string {
	t.Helper()
	wanted := regexp.MustCompile(pattern)
	var values []string
	for _, file := range goFiles(t, dir) {
		for _, decl := range file.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				one := spec.(*ast.ValueSpec) //nolint:forcetypeassert // so are those of constants
				name := ""
				switch of := one.Type.(type) {
				case *ast.Ident:
					name = of.Name
				case *ast.SelectorExpr:
					name = of.Sel.Name
				}
				for i, v := range one.Values {
					if text, ok := textOfLiteral(v); ok && wanted.MatchString(one.Names[i].Name+" "+name) {
						values = append(values, text)
					}
				}
			}
		}
	}
	if len(values) == 0 {
		t.Fatalf("%s has no constants like %s", dir, pattern)
	}
	return values
}

// Each code that the server can send has words.
func TestEachCodeHasWords(t *testing.T) {
	causes := slices.Concat(constants(t, "../crmclient/internal/limit", " Cause$"), constants(t, "../consumer", " Cause$"))
	whys := slices.Concat(constants(t, "../crmclient", " Wait$"), constants(t, "../consumer", " (Wait|Why)$"), causes)
	for group, codes := range map[string][]string{
		"cause": causes,
		// Those who wait for one of these wait as "letter", "result" or "schema".
		"why": slices.DeleteFunc(whys, func(why string) bool {
			return slices.Contains([]string{"dead_letter_topic", "result_topic", "schema_registry"}, why)
		}),
		"reason": slices.Concat(consumer.Reasons(), constants(t, "../transform", " Reason$")),
		"state": append(slices.DeleteFunc(constants(t, "../cmd/leadbridge/internal/monitor", " State$"), func(state string) bool {
			return state == "taking" // the gate, which has no page
		}), "throttled", "stopped"),
		"letter-state": constants(t, "../dlt", " State$"),
		"outcome":      constants(t, "../transform", " Outcome$"),
		"fate":         constants(t, "../find", " State$"),
		"by":           constants(t, "../find", " By$"),
		"left":         constants(t, "../dlt", `^Left\w+ $`),
		"budget":       {"create", "lookup", "replay", "setup"},
		"diff":         {"same", "changed", "added", "removed"},
		"kind":         {"contacts", "leads", "deals", "contact", "lead", "deal"},
		"owner":        {ownerThis, ownerOther, "none"},
	} {
		for _, language := range []string{"en", "ru"} {
			table := readWords(t, "words-"+language+".js")
			for _, code := range codes {
				if table[group+"."+code] == nil {
					t.Errorf("%s.%s has no words in %s", group, code, language)
				}
			}
		}
	}
}
