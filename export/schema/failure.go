package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	errkind "github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// explain returns what is wrong with a line, one cause after the other, instead of the
// tree of schemas that the library found it in.
func explain(err error) error {
	var failed *jsonschema.ValidationError
	if !errors.As(err, &failed) {
		return err
	}
	causes, unknown := leaves(failed)
	if len(causes) == 0 { // where one key is wrong, others of the line count as unknown, too
		causes = unknown
	}
	slices.Sort(causes)
	return errors.New(strings.Join(slices.Compact(causes), "; "))
}

// leaves returns the innermost causes, and the keys that the schema does not have.
func leaves(e *jsonschema.ValidationError) (causes, unknown []string) {
	at := strings.Join(e.InstanceLocation, ".")
	switch what := e.ErrorKind.(type) {
	case *errkind.FalseSchema:
		return nil, []string{fmt.Sprintf("key %q is not in the schema", at)}
	case *errkind.AdditionalProperties:
		for _, key := range what.Properties {
			causes = append(causes, fmt.Sprintf("key %q is not in the schema", strings.TrimPrefix(at+"."+key, ".")))
		}
		return causes, nil
	}
	for _, cause := range e.Causes {
		c, u := leaves(cause)
		causes, unknown = append(causes, c...), append(unknown, u...)
	}
	if len(e.Causes) == 0 {
		text := e.ErrorKind.LocalizedString(english)
		if at != "" {
			text = at + ": " + text
		}
		causes = append(causes, text)
	}
	return causes, unknown
}

var english = message.NewPrinter(language.English)
