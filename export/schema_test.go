package export

import (
	"flag"
	"fmt"
	"os"
	"sync"
	"testing"

	"h2trace/export/schema"
)

// lines validates what the tests of this package print.
var lines struct {
	sync.Mutex
	*schema.Validator
}

// checkSchema validates a line, without its end.
func checkSchema(t testing.TB, line []byte) {
	t.Helper()
	lines.Lock()
	defer lines.Unlock()
	if err := lines.Line(line); err != nil {
		t.Errorf("schema: %v\n%s", err, line)
	}
}

// neverPrinted are keys of the schema that no test of this package prints with a value.
var neverPrinted = map[string]string{
	"conn.comm": "a process has it or not whatever its event",
}

// TestMain also looks, after all tests, for keys that none of them has printed: the type
// of such a key would be a guess. And it looks for keys that all events have, and that the
// schema does not require: nobody would notice if they went.
func TestMain(m *testing.M) {
	v, err := schema.New()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lines.Validator = v
	flag.Parse()
	status := m.Run()
	for _, name := range []string{"run", "skip", "fuzz", "list", "bench"} {
		if f := flag.Lookup("test." + name); f != nil && f.Value.String() != "" {
			os.Exit(status)
		}
	}
	for _, key := range v.Unseen() {
		if neverPrinted[key] == "" {
			fmt.Fprintf(os.Stderr, "no test of export prints a value of %s\n", key)
			status = 1
		}
	}
	for _, key := range v.Unrequired() {
		fmt.Fprintf(os.Stderr, "all events in the tests of export have %s: have the schema require it, or an event lack it\n", key)
		status = 1
	}
	os.Exit(status)
}
