package main

import (
	"encoding/json"
	"strings"
	"testing"
)

const made = `{"bomFormat":"CycloneDX","metadata":{"timestamp":"2026-11-29T00:00:00Z","component":{"bom-ref":"pkg:golang/x@v0.0.0-1","purl":"pkg:golang/x@v0.0.0-1","name":"x","version":"v0.0.0-1"},
"tools":[{"vendor":"CycloneDX","name":"cyclonedx-gomod","version":"v1.10.0","hashes":[{"alg":"SHA-256","content":"5eed"}]}]},
"components":[{"bom-ref":"pkg:golang/y@v1","name":"y","purl":"pkg:golang/y@v1?goarch=amd64&goos=linux&type=module","licenses":[{"license":{"id":"MIT"}}]},{"bom-ref":"pkg:golang/std@go1.26.8","name":"std","version":"go1.26.8"}],"dependencies":[{"ref":"pkg:golang/x@v0.0.0-1","dependsOn":["pkg:golang/y@v1"]}]}`

// TestBill: what differs between two builds of a commit is gone, all else is there.
func TestBill(t *testing.T) {
	var out strings.Builder
	if err := run([]string{"bill", "-version", "v1.2.3"}, strings.NewReader(made), &out); err != nil {
		t.Fatal(err)
	}
	var bom struct {
		Metadata struct {
			Timestamp string
			Component map[string]string
			Tools     []map[string]any
		}
		Components   []map[string]any
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
	}
	if err := json.Unmarshal([]byte(out.String()), &bom); err != nil {
		t.Fatal(err)
	}
	if c := bom.Metadata.Component; bom.Metadata.Timestamp != "" || c["purl"] != "" || c["version"] != "v1.2.3" || c["bom-ref"] != "leadbridge" {
		t.Errorf("metadata: %+v", bom.Metadata)
	}
	if tools := bom.Metadata.Tools; len(tools) != 1 || tools[0]["version"] != "v1.10.0" || tools[0]["hashes"] != nil {
		t.Errorf("tools: %v", tools)
	}
	if std, err := json.Marshal(bom.Components[1]["evidence"]); err != nil || string(std) != `{"licenses":[{"license":{"id":"BSD-3-Clause"}}]}` {
		t.Errorf("the standard library's licence: %s, %v", std, err)
	}
	if d := bom.Dependencies; len(d) != 1 || d[0].Ref != "leadbridge" || d[0].DependsOn[0] != "pkg:golang/y@v1" || bom.Components[0]["licenses"] == nil || bom.Components[0]["purl"] != "pkg:golang/y@v1?type=module" {
		t.Errorf("%s", &out)
	}
}

// TestProvenance names each file, the commit, the compiler and the script.
func TestProvenance(t *testing.T) {
	sum := strings.Repeat("a", 64)
	args := []string{"provenance", "-version", "v1.2.3", "-revision", "c0ffee", "-toolchain", "go1.26.8", "-builder", "deploy/release.sh", "-platforms", "linux/amd64 darwin/arm64"}
	var out strings.Builder
	if err := run(args, strings.NewReader(sum+"  ./leadbridge\n"+sum+"  registry.example.com/leadbridge:1.2.3\n"), &out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"name": "leadbridge"`, `"name": "registry.example.com/leadbridge:1.2.3"`, `"sha256": "` + sum, `"gitCommit": "c0ffee"`,
		`"pkg:golang/toolchain@1.26.8"`, `/blob/main/deploy/release.sh"`, `"darwin/arm64"`, `"https://slsa.dev/provenance/v1"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the statement lacks %s:\n%s", want, &out)
		}
	}
}

// TestNothingIsAttestedForNothing refuses input that says nothing.
func TestNothingIsAttestedForNothing(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		in   string
	}{
		"no command":   {nil, ""},
		"other":        {[]string{"sign"}, ""},
		"no files":     {[]string{"provenance"}, ""},
		"no sum":       {[]string{"provenance"}, "abc  leadbridge\n"},
		"no bill":      {[]string{"bill"}, "<xml/>"},
		"no materials": {[]string{"bill"}, "{}"},
	} {
		var out strings.Builder
		if err := run(c.args, strings.NewReader(c.in), &out); err == nil || out.Len() > 0 {
			t.Errorf("%s: %v, wrote %q", name, err, &out)
		}
	}
}
