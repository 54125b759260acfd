package deploytest

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// update writes what TestValuesAreDescribed compares: the table of the chart's README, and the
// descriptions of its schema.
var update = flag.Bool("update", false, "write the table of values and the schema's descriptions from the comments of values.yaml")

// value is an entry of values.yaml that has a comment beginning with "--".
type value struct {
	path     string
	comment  string
	fallback string // as JSON
}

// described are the values of values.yaml, in its order.
func described(t *testing.T) []value {
	t.Helper()
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(chartDir, "values.yaml"))), &document); err != nil {
		t.Fatal(err)
	}
	var found []value
	walk(t, document.Content[0], "", &found)
	return found
}

func walk(t *testing.T, mapping *yaml.Node, prefix string, found *[]value) {
	t.Helper()
	for i := 0; i < len(mapping.Content); i += 2 {
		key, node := mapping.Content[i], mapping.Content[i+1]
		path := prefix + key.Value
		comment, isValue := entry(key.HeadComment)
		switch {
		case isValue:
			var plain any
			if err := node.Decode(&plain); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(plain)
			if err != nil {
				t.Fatal(err)
			}
			*found = append(*found, value{path, comment, string(text)})
		case node.Kind == yaml.MappingNode && len(node.Content) > 0:
			walk(t, node, path+".", found)
		default:
			t.Errorf("%s has no comment that begins with \"# -- \"", path)
		}
	}
}

// entry is what a comment says from "--" on, in one line.
func entry(comment string) (string, bool) {
	_, text, found := strings.Cut("\n"+comment, "\n# -- ")
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "\n# ", " ")), " "), found
}

// TestValuesAreDescribed compares the three places that describe values.
func TestValuesAreDescribed(t *testing.T) {
	t.Parallel()
	values := described(t)
	same(t, "README.md", tableIn(t, read(t, filepath.Join(chartDir, "README.md")), values))
	same(t, "values.schema.json", schemaWith(t, read(t, filepath.Join(chartDir, "values.schema.json")), values))
}

// same compares a file of the chart with what it should be, or writes that with -update.
func same(t *testing.T, name, want string) {
	t.Helper()
	file := filepath.Join(chartDir, name)
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := read(t, file); got != want {
		t.Errorf("%s is not what values.yaml says: (cd deploy/test && go test -run TestValuesAreDescribed . -update)", name)
	}
}

const tableBegin, tableEnd = "<!-- values: made from values.yaml -->\n", "<!-- end of values -->\n"

// tableIn puts the table of values where the README has one.
func tableIn(t *testing.T, readme string, values []value) string {
	t.Helper()
	before, rest, found := strings.Cut(readme, tableBegin)
	_, after, ends := strings.Cut(rest, tableEnd)
	if !found || !ends {
		t.Fatal("README.md has no place for the table of values")
	}
	var b strings.Builder
	b.WriteString(before + tableBegin + "| value | default | |\n|---|---|---|\n")
	for _, v := range values {
		fallback := "`" + v.fallback + "`"
		if v.fallback == `""` {
			fallback = ""
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", v.path, fallback, strings.ReplaceAll(v.comment, "|", `\|`))
	}
	b.WriteString(tableEnd + after)
	return b.String()
}

// schemaWith gives each value of the schema its description.
func schemaWith(t *testing.T, text string, values []value) string {
	t.Helper()
	var schema map[string]any
	if err := json.Unmarshal([]byte(text), &schema); err != nil {
		t.Fatal(err)
	}
	for _, v := range values {
		node := schema
		for step := range strings.SplitSeq(v.path, ".") {
			properties, _ := node["properties"].(map[string]any)
			next, ok := properties[step].(map[string]any)
			if !ok {
				t.Errorf("the schema does not know %s", v.path)
				break
			}
			if next["description"] == nil {
				next["description"] = "Values of " + step + "."
			}
			node = next
		}
		node["description"] = v.comment
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(schema); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSchemaIsStrict: each object of values lists what it may hold, each value is described, and
// the schema knows no value that values.yaml does not have.
func TestSchemaIsStrict(t *testing.T) {
	t.Parallel()
	var schema map[string]any
	if err := json.Unmarshal([]byte(read(t, filepath.Join(chartDir, "values.schema.json"))), &schema); err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"global": true}
	for _, v := range described(t) {
		for path := v.path; path != ""; {
			known[path] = true
			path = path[:max(strings.LastIndex(path, "."), 0)]
		}
	}
	strict(t, schema, "", known)
	definitions, _ := schema["$defs"].(map[string]any)
	for name, d := range definitions {
		strict(t, d.(map[string]any), "$defs."+name, nil)
	}
}

// strict walks a schema; known is nil within definitions, which values.yaml does not show.
func strict(t *testing.T, node map[string]any, path string, known map[string]bool) {
	t.Helper()
	properties, _ := node["properties"].(map[string]any)
	if len(properties) > 0 && node["additionalProperties"] != false {
		t.Errorf("%s takes what it does not know", path)
	}
	for name, p := range properties {
		below := strings.TrimPrefix(path+"."+name, ".")
		property := p.(map[string]any)
		if text, _ := property["description"].(string); text == "" {
			t.Errorf("%s is not described", below)
		}
		if known != nil && !known[below] {
			t.Errorf("the schema knows %s, which values.yaml does not have", below)
		}
		strict(t, property, below, known)
	}
}
