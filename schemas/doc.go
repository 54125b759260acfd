// Package schemas reads the values that producers frame by a schema registry. A frame names the schema in front of the
// value, or in a header. Avro and Protobuf are decoded to JSON by the writer's schema; from a value with a JSON Schema only
// the frame is removed. Schemas are fetched in the background, so that only those records wait for the registry whose
// schema is not known yet.
//
// It decides nothing about leads: the JSON that it returns is read by package transform like any other.
package schemas
