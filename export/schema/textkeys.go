package schema

import (
	"encoding/json"
	"maps"
	"slices"
)

// TextKeys returns the keys whose values may be any text, such as "exchange.module.proxy": neither
// one of some words nor of a pattern.
func (v *Validator) TextKeys() []string {
	keys := make(map[string]bool)
	for _, k := range v.shaper.kinds() {
		v.shaper.line(k).texts(k.event, keys)
	}
	return slices.Sorted(maps.Keys(keys))
}

// texts adds the keys below a shape that may be any text.
func (sh *shape) texts(path string, keys map[string]bool) {
	if sh == nil {
		return
	}
	if sh.text {
		keys[path] = true
	}
	for name, below := range sh.keys {
		if name != "event" { // the root of the schema lists its words
			below.texts(path+"."+name, keys)
		}
	}
	sh.items.texts(path, keys)
	sh.rest.texts(path, keys)
}

// Texts calls each with every text of a line, and its key as in TextKeys.
func (v *Validator) Texts(line []byte, each func(key, text string)) error {
	var members map[string]any
	if err := json.Unmarshal(line, &members); err != nil {
		return err
	}
	event, _ := members["event"].(string)
	eachText(members, event, each)
	return nil
}

func eachText(value any, path string, each func(key, text string)) {
	switch value := value.(type) {
	case string:
		each(path, value)
	case []any:
		for _, one := range value {
			eachText(one, path, each)
		}
	case map[string]any:
		for name, below := range value {
			switch path {
			case "exchange.server_timing", "summary.labels", "process.plan": // objects of any keys
				each(path, name)
				eachText(below, path, each)
			default:
				eachText(below, path+"."+name, each)
			}
		}
	}
}
