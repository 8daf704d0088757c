package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
)

// node is the part of a schema that says which keys an object has, in which order.
type node struct {
	Ref        string           `json:"$ref"`
	AllOf      []*node          `json:"allOf"`
	If         condition        `json:"if"`
	Then       *node            `json:"then"`
	Properties properties       `json:"properties"`
	Required   []string         `json:"required"`
	Items      *node            `json:"items"`
	Rest       *node            `json:"additionalProperties"`
	Enum       []any            `json:"enum"`
	Const      any              `json:"const"`
	Defs       map[string]*node `json:"$defs"`
}

// UnmarshalJSON implements json.Unmarshaler. The schemas true and false have no keys.
func (n *node) UnmarshalJSON(b []byte) error {
	if b[0] != '{' {
		return nil
	}
	type plain node
	return json.Unmarshal(b, (*plain)(n))
}

// properties are the keys of an object with their order.
type properties struct {
	names []string
	of    map[string]*node
}

// UnmarshalJSON implements json.Unmarshaler.
func (p *properties) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &p.of); err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	if _, err := dec.Token(); err != nil {
		return err
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return err
		}
		p.names = append(p.names, name.(string))
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return err
		}
	}
	return nil
}

// condition is the values that an if requires of a key, as in
// {"properties": {"action": {"const": "open"}}}.
type condition struct {
	Properties map[string]*node `json:"properties"`
}

// values returns the key and the values, or nothing if the condition is of another form.
func (c *condition) values() (key string, values []string) {
	if len(c.Properties) != 1 {
		return "", nil
	}
	for name, n := range c.Properties {
		key = name
		if text, ok := n.Const.(string); ok {
			return key, []string{text}
		}
		for _, v := range n.Enum {
			if text, ok := v.(string); ok {
				values = append(values, text)
			}
		}
	}
	return key, values
}

// holds reports whether a line of this kind meets the condition.
func (c *condition) holds(k kind) bool {
	key, values := c.values()
	if key == "event" {
		return slices.Contains(values, k.event)
	}
	return slices.Contains(values, k.form)
}

// parse returns the root of the schema.
func parse(schema []byte) (*node, error) {
	var root node
	if err := json.Unmarshal(schema, &root); err != nil {
		return nil, err
	}
	if root.Defs == nil {
		return nil, errors.New("no $defs")
	}
	return &root, nil
}
