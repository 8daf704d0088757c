// Package schema holds the JSON Schema of the events of h2trace, and checks lines with it.
//
// The schema names every key of every event in the order in which it is printed. A
// Validator also checks what JSON Schema cannot say: that order, and how numbers are
// written. It serves the tests; h2trace itself validates nothing.
package schema

import _ "embed"

// JSON is the schema (https://json-schema.org/draft/2020-12).
//
//go:embed events.schema.json
var JSON []byte
