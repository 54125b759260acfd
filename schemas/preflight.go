package schemas

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Finding is the outcome of one check.
type Finding struct {
	Check  string
	Level  string // "ok", "warn", "fail"
	Detail string
	Remedy string
}

// Preflight checks whether the registry answers, and which of its subjects are those of a topic's values. Without a
// registry it returns nothing.
func (r *Reader) Preflight(ctx context.Context, topic string) []Finding {
	if r.registry == nil {
		return nil
	}
	found := Finding{Check: "schema registry", Level: "fail"}
	var subjects []string
	err := r.registry.get(ctx, "/subjects", &subjects)
	if down, ok := errors.AsType[*unavailable](err); ok {
		found.Detail, found.Remedy, _ = strings.Cut(down.advice.String(), ": ")
		return []Finding{found}
	}
	if err != nil {
		found.Detail, found.Remedy = "it does not list its subjects", "give its whole address by SCHEMA_REGISTRY_URL"
		return []Finding{found}
	}
	found.Level, found.Detail = "ok", fmt.Sprintf("it answers, and has %d subjects", len(subjects))
	return []Finding{found, r.subjects(ctx, topic, subjects)}
}

// PreflightWriting checks whether the registry has the schemas by whose ids a gate frames what it writes, and whether they
// are JSON Schemas. Without a registry, or when it does not answer, which Preflight reports, it returns nothing.
func (r *Reader) PreflightWriting(ctx context.Context, ids []uint32) (all []Finding) {
	if r.registry == nil {
		return nil
	}
	for _, id := range ids {
		found := Finding{Check: "schema to write", Level: "fail", Remedy: "give the sources with this schema the id of the JSON Schema of their topic's events"}
		var s registered
		err := r.registry.get(ctx, fmt.Sprintf("/schemas/ids/%d", id), &s)
		switch kind := kindOf(s.SchemaType); {
		case errors.Is(err, errUnknown):
			found.Detail = fmt.Sprintf("the registry has no schema of id %d", id)
		case err != nil:
			return all
		case kind != "JSON":
			found.Detail = fmt.Sprintf("the schema of id %d is %s, and the gate writes JSON", id, kind)
		default:
			found = Finding{Check: found.Check, Level: "ok", Detail: fmt.Sprintf("id %d is a JSON Schema", id)}
		}
		all = append(all, found)
	}
	return all
}

// subjects reports which of all subjects are the topic's: those whose names begin with it, as producers name them by
// default.
func (r *Reader) subjects(ctx context.Context, topic string, all []string) Finding {
	found := Finding{Check: "schemas", Level: "ok"}
	own := slices.DeleteFunc(slices.Sorted(slices.Values(all)), func(s string) bool {
		return !strings.HasPrefix(s, topic+"-") || s == topic+"-key"
	})
	if len(own) == 0 {
		found.Level = "warn"
		found.Detail = fmt.Sprintf("no subject of the topic %q is registered", topic)
		found.Remedy = "look whether the producers use this registry; values that name other subjects' schemas are read all the same"
		return found
	}
	var names []string
	for _, s := range own[:min(len(own), maxNamed)] {
		var latest struct {
			ID         int    `json:"id"`
			Version    int    `json:"version"`
			SchemaType string `json:"schemaType"`
		}
		path := "/subjects/" + url.PathEscape(s) + "/versions/latest"
		if err := r.registry.get(ctx, path, &latest); err != nil {
			names = append(names, s)
			continue
		}
		names = append(names, fmt.Sprintf("%s (%s, version %d, id %d)", s, kindOf(latest.SchemaType), latest.Version, latest.ID))
	}
	if more := len(own) - len(names); more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	found.Detail = strings.Join(names, ", ")
	return found
}

// maxNamed is how many subjects are named.
const maxNamed = 5
