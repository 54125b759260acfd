// Package schemas reads the values that producers frame by a schema registry: Avro and Protobuf become JSON by the
// writer's schema, of JSON Schema the frame is taken off. Schemas are fetched in the background, so that no record
// waits for the registry but those whose schema is not known yet.
//
// It decides nothing about leads: what it returns goes the way of all JSON, through package transform.
package schemas
