package schema

import (
	"slices"
	"strings"
)

// kind is what decides which keys a line has: its event, and its form, which is the
// action of process and conn events and the type of frames.
type kind struct{ event, form string }

// shape is the keys of an object in their order, with what their values are.
type shape struct {
	place map[string]int // of each key
	keys  map[string]*shape
	// names are the paths of the keys, such as "exchange.error.class", "conn close.rtt_ms"
	// for those of one form alone, or "$module.path" for those of a definition.
	names    map[string]string
	required map[string]bool
	items    *shape // of an array
	rest     *shape // of the keys of an object that may have any
	ms       bool   // a number with three decimals
}

// shaper makes shapes of the schema.
type shaper struct{ root *node }

// line returns the shape of the lines of a kind.
func (s shaper) line(k kind) *shape {
	out := newShape()
	s.add(out, s.root, k, k.event)
	return out
}

func newShape() *shape {
	return &shape{place: make(map[string]int), keys: make(map[string]*shape), names: make(map[string]string), required: make(map[string]bool)}
}

// add adds the keys that a schema gives to an object.
func (s shaper) add(to *shape, n *node, k kind, path string) {
	if n == nil {
		return
	}
	if n.Ref != "" {
		name := strings.TrimPrefix(n.Ref, "#/$defs/")
		to.ms = to.ms || strings.HasPrefix(name, "ms")
		if strings.Contains(path, ".") { // it is the value of a key, as of others
			path = "$" + name
		}
		s.add(to, s.root.Defs[name], k, path)
	}
	for _, one := range n.AllOf {
		s.add(to, one, k, path)
	}
	for _, name := range n.Properties.names {
		if n == s.root {
			continue // it says which events there are
		}
		at := path + "." + name
		if to.keys[name] == nil {
			to.place[name], to.names[name] = len(to.place), at
			to.keys[name] = newShape()
		}
		s.add(to.keys[name], n.Properties.of[name], k, at)
	}
	for _, name := range n.Required {
		to.required[name] = true
	}
	if n.Items != nil {
		to.items = newShape()
		s.add(to.items, n.Items, k, path)
	}
	if n.Rest != nil {
		to.rest = newShape()
		s.add(to.rest, n.Rest, k, path)
	}
	if n.Then != nil && n.If.holds(k) {
		if key, _ := n.If.values(); key != "event" {
			path += " " + k.form
		}
		s.add(to, n.Then, k, path)
	}
}

// kinds returns every kind of line that the schema names.
func (s shaper) kinds() (list []kind) {
	for _, one := range s.root.AllOf {
		_, events := one.If.values()
		for _, event := range events {
			forms := s.forms(one.Then)
			if len(forms) == 0 {
				forms = []string{""}
			}
			for _, form := range forms {
				list = append(list, kind{event, form})
			}
		}
	}
	return list
}

// forms returns the actions or types that the definition of an event distinguishes.
func (s shaper) forms(n *node) (list []string) {
	for _, one := range s.root.Defs[strings.TrimPrefix(n.Ref, "#/$defs/")].AllOf {
		_, values := one.If.values()
		for _, v := range values {
			if !slices.Contains(list, v) {
				list = append(list, v)
			}
		}
	}
	return list
}

// paths returns the paths of all keys below a shape.
func (sh *shape) paths() (list []string) {
	sh.each(func(one *shape) {
		for _, name := range one.names {
			list = append(list, name)
		}
	})
	return list
}

// each calls do with a shape and all below it.
func (sh *shape) each(do func(*shape)) {
	if sh == nil {
		return
	}
	do(sh)
	for _, below := range sh.keys {
		below.each(do)
	}
	sh.items.each(do)
	sh.rest.each(do)
}
