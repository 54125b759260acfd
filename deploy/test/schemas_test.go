package deploytest

import (
	"strings"
	"testing"
)

// TestSchemaRegistry gives the registry to those who read events, with its files and its port.
func TestSchemaRegistry(t *testing.T) {
	t.Parallel()
	values := `{
networkPolicy: {enabled: true},
replay: {enabled: true},
schemaRegistry: {url: "https://a.example.com:8443, http://b.example.com", username: me, existingSecret: reg, ca: {existingSecret: reg-ca}, client: {existingSecret: reg-client}},
}`
	text, err := tryRender(load(t), values)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(strings.Fields(joinedTexts(text)), " ")
	for _, want := range []string{
		"name: SCHEMA_REGISTRY_URL value: \"https://a.example.com:8443, http://b.example.com\"",
		"/etc/leadbridge/schema-registry/password", "/etc/leadbridge/schema-registry-ca/ca.crt",
		"/etc/leadbridge/schema-registry-client/tls.crt", "/etc/leadbridge/schema-registry-client/tls.key",
		"port: 8443", "secretName: reg-client",
	} {
		if n := strings.Count(all, want); n < 2 {
			t.Errorf("%q stands there %d times", want, n)
		}
	}
}

func joinedTexts(files map[string]string) string {
	var b strings.Builder
	for _, text := range files {
		b.WriteString(text)
		b.WriteByte('\n')
	}
	return b.String()
}
