package main

import (
	"strings"
	"testing"
)

const component = `{"type":"library","bom-ref":"a","name":"a","version":"v1","hashes":[{"alg":"SHA-256","content":"f3b3e8c12209161b794e6cb264a24d478cb6bfb0a6f4e742cec48c47c8d72473"}],"evidence":{"licenses":[{"license":{"id":"MIT"}}]}}`

// TestBills finds what breaks the schema, the lists of licences and of hashes included.
func TestBills(t *testing.T) {
	t.Parallel()
	whole := `{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[` + component + `]}`
	for name, c := range map[string]struct{ text, want string }{
		"as it is to be":    {whole, ""},
		"another version":   {strings.Replace(whole, "1.6", "1.5", 1), ""},
		"a future version":  {strings.Replace(whole, "1.6", "9.9", 1), "bom-9.9.schema.json"},
		"another format":    {strings.Replace(whole, "CycloneDX", "SPDX", 1), "not one of CycloneDX"},
		"no JSON":           {"<bom/>", "invalid character"},
		"a made-up licence": {strings.Replace(whole, `"MIT"`, `"MINE"`, 1), "/components/0/evidence/licenses/0"},
		"half a hash":       {strings.Replace(whole, "f3b3", "", 1), "/components/0/hashes/0/content"},
		"a made-up field":   {strings.Replace(whole, `"version":`, `"goos":"linux","version":`, 1), "goos"},
		"an id twice":       {strings.Replace(whole, component, component+","+component, 1), "/components"},
	} {
		err := check(t.Context(), strings.NewReader(c.text))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", name, err, c.want)
		}
	}
}
