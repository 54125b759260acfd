package probe

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Bounds of what a profile keeps of an API's description.
const (
	maxPaths       = 400
	maxSchemas     = 200
	maxProperties  = 100 // of a schema
	maxDescription = 16 << 10
)

// askOpenAPI reads the API's description of itself, and asks for duplicates of a contact.
func (p *probe) askOpenAPI(ctx context.Context) {
	r := p.c.do(ctx, "openapi", http.MethodGet, "/openapi.json", nil)
	o := &p.seen.OpenAPI
	o.Answer = r.answer()
	var api struct {
		Paths      map[string]json.RawMessage
		Components struct {
			Schemas map[string]struct{ Properties map[string]json.RawMessage }
		}
	}
	if r.ok() && json.Unmarshal(r.body, &api) == nil {
		o.Bytes = r.size
		duplicates := map[string]json.RawMessage{}
		for _, path := range slices.Sorted(maps.Keys(api.Paths)) {
			if len(o.Paths) < maxPaths && isPath(path) {
				o.Paths = append(o.Paths, path+methods(api.Paths[path]))
			}
			if strings.Contains(path, "duplicate") {
				duplicates[path] = api.Paths[path]
			}
		}
		if text, err := json.Marshal(duplicates); err == nil && len(duplicates) > 0 && len(text) <= maxDescription {
			o.Duplicates = text
		}
	}
	for _, name := range slices.Sorted(maps.Keys(api.Components.Schemas)) {
		if len(o.Schemas) < maxSchemas {
			o.add(plainID(name), api.Components.Schemas[name].Properties)
		}
	}
	phone := p.newRecord(contacts).phone
	if sample, ok := p.cardOf(contacts); ok {
		phone = sample.phone
	}
	r = p.c.do(ctx, "duplicates", http.MethodGet, "/duplicates?"+url.Values{"phone": {phone}}.Encode(), nil)
	p.seen.Duplicates.Answer = r.answer()
	var data any
	if r.ok() && json.Unmarshal(r.data, &data) == nil {
		p.seen.Duplicates.Shape = shape(data)
	}
}

// methods returns the methods of a path, each after a blank.
func methods(path json.RawMessage) (text string) {
	var given map[string]json.RawMessage
	_ = json.Unmarshal(path, &given) // a path that cannot be read has none
	for _, m := range []string{"get", "post", "put", "patch", "delete"} {
		if _, ok := given[m]; ok {
			text += " " + m
		}
	}
	return text
}

// add notes the names of a schema's fields.
func (o *OpenAPI) add(name string, properties map[string]json.RawMessage) {
	if o.Schemas == nil {
		o.Schemas = map[string][]string{}
	}
	fields := []string{}
	for _, field := range slices.Sorted(maps.Keys(properties)) {
		if len(fields) < maxProperties {
			fields = append(fields, plainID(field))
		}
	}
	o.Schemas[name] = fields
}

// isPath reports whether a text is a path of an API and nothing else.
func isPath(s string) bool {
	return len(s) < 200 && strings.HasPrefix(s, "/") && !strings.ContainsFunc(s, func(r rune) bool {
		return r <= ' ' || r > '~' || r == '@' || r == '?'
	})
}

// shape returns names and types of a value's fields, and none of its texts.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, value := range v {
			if strings.Trim(name, "0123456789") == "" {
				name = "0" // a number that names something
			}
			out[plainID(name)] = shape(value)
		}
		return out
	case []any:
		if len(v) == 0 {
			return []any{}
		}
		return []any{shape(v[0])}
	case string:
		return "string"
	case float64:
		return "number"
	case bool:
		return "boolean"
	}
	return "null"
}
