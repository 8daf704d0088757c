package schema

import (
	"encoding/json"
	"fmt"
	"strings"
)

// walk reads one line.
type walk struct {
	dec    *json.Decoder
	seen   map[string]bool
	counts map[string]*carried
}

// value reads a value and reports whether it is not null.
func (w *walk) value(sh *shape) (known bool, err error) {
	token, err := w.dec.Token()
	if err != nil {
		return false, err
	}
	switch t := token.(type) {
	case json.Delim:
		if t == '{' {
			err = w.object(sh)
		} else {
			for err == nil && w.dec.More() {
				_, err = w.value(sh.items)
			}
		}
		if err != nil {
			return false, err
		}
		_, err = w.dec.Token()
	case json.Number:
		if sh != nil && sh.ms && !threeDecimals(t.String()) {
			return false, fmt.Errorf("%s is not milliseconds with three decimals", t)
		}
	case nil:
		return false, nil
	}
	return true, err
}

// object reads what follows the brace of an object. A key may be followed by its exact
// bytes.
func (w *walk) object(sh *shape) error {
	last, previous := -1, ""
	taken := make(map[string]bool)
	for w.dec.More() {
		token, err := w.dec.Token()
		if err != nil {
			return err
		}
		key := token.(string)
		if taken[key] {
			return fmt.Errorf("key %q twice", key)
		}
		taken[key] = true
		var below *shape
		if sh != nil {
			below = sh.keys[key]
			switch place, ordered := sh.place[key]; {
			case ordered && place < last:
				return fmt.Errorf("key %q after %q", key, previous)
			case ordered:
				last, previous = place, key
			case sh.rest != nil && len(sh.place) == 0:
				below = sh.rest
			case key != previous+"_b64":
				return fmt.Errorf("key %q after %q", key, previous)
			}
		}
		known, err := w.value(below)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		if known && below != nil && sh.names[key] != "" {
			w.seen[sh.names[key]] = true
		}
	}
	w.count(sh, taken)
	return nil
}

// count counts the keys of an object.
func (w *walk) count(sh *shape, taken map[string]bool) {
	if sh == nil {
		return
	}
	for key, path := range sh.names {
		c := w.counts[path]
		if c == nil {
			c = &carried{}
			w.counts[path] = c
		}
		if taken[key] {
			c.with++
		} else {
			c.without++
		}
	}
}

// threeDecimals reports whether a number is written with three decimals.
func threeDecimals(number string) bool {
	dot := len(number) - 4
	return dot > 0 && number[dot] == '.' && number[0] != '-' && !strings.ContainsAny(number, "eE")
}
