package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"h2trace/export"
	"h2trace/export/report"
)

// labelList collects the --label flags of one command line. It is a pflag.Value.
type labelList []export.Label

// labelKey is what the Go benchmark format takes for a key, too.
var labelKey = regexp.MustCompile(`^[a-z][a-z0-9_.-]*$`)

// The bounds on labels.
const (
	maxLabels     = 32
	maxLabelKey   = 64
	maxLabelValue = 256
)

// Set adds KEY=VALUE.
func (l *labelList) Set(s string) error {
	key, value, ok := strings.Cut(s, "=")
	switch {
	case !ok:
		return fmt.Errorf("%q has no \"=\"; a label is KEY=VALUE, such as region=eu", s)
	case !labelKey.MatchString(key) || len(key) > maxLabelKey:
		return fmt.Errorf("%q is no key; it takes lower-case letters, digits, \"_\", \".\" and \"-\" after a letter, such as region", key)
	case slices.Contains(report.Groupings, key):
		return fmt.Errorf("the key %q means something else to report --group-by; take another", key)
	case value == "" || value != strings.TrimSpace(value) || len(value) > maxLabelValue:
		return fmt.Errorf("the value of %s is empty, begins or ends with a space, or is longer than %d bytes", key, maxLabelValue)
	case !utf8.ValidString(value) || strings.IndexFunc(value, control) >= 0:
		return fmt.Errorf("the value of %s is not one line of UTF-8", key)
	case slices.ContainsFunc(*l, func(o export.Label) bool { return o.Key == key }):
		return fmt.Errorf("the key %s is there twice", key)
	case len(*l) == maxLabels:
		return fmt.Errorf("there are more than %d labels", maxLabels)
	}
	*l = append(*l, export.Label{Key: key, Value: value})
	return nil
}

func control(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 || r == 0x2028 || r == 0x2029 }

// String is part of pflag.Value.
func (l *labelList) String() string { return "" }

// Type is part of pflag.Value.
func (l *labelList) Type() string { return "KEY=VALUE" }
