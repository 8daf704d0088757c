package record

import (
	"bytes"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// TestVectors runs testdata/*.txtar, which other people computed.
func TestVectors(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("testdata: %v, %v", names, err)
	}
	for _, name := range names {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			t.Run(file.Name, func(t *testing.T) { runVector(t, parseVector(t, string(file.Data))) })
		}
	}
}

// vector is one generation of one direction.
type vector struct {
	suite           Suite
	secret, key, iv []byte
	records         []vectorRecord
}

type vectorRecord struct {
	record, content []byte
	typ             string
}

// parseVector reads lines of a name, and indented lines of hex that belong to
// it.
func parseVector(t *testing.T, text string) vector {
	t.Helper()
	var v vector
	blocks := strings.Split("\n"+text, "\n")
	for i := 0; i < len(blocks); i++ {
		name := blocks[i]
		var data string
		for ; i+1 < len(blocks) && strings.HasPrefix(blocks[i+1], "\t"); i++ {
			data += blocks[i+1]
		}
		value := unhex(t, data)
		switch word, rest, _ := strings.Cut(name, " "); word {
		case "":
		case "suite":
			id, err := strconv.ParseUint(rest, 16, 16)
			if err != nil {
				t.Fatal(err)
			}
			v.suite, _ = SuiteByID(uint16(id))
		case "secret":
			v.secret = value
		case "key":
			v.key = value
		case "iv":
			v.iv = value
		case "record":
			v.records = append(v.records, vectorRecord{record: value})
		default:
			last := &v.records[len(v.records)-1]
			last.typ, last.content = name, value
		}
	}
	return v
}

func runVector(t *testing.T, v vector) {
	derived, err := NewTLS13(v.suite, v.secret)
	if err != nil {
		t.Fatal(err)
	}
	if got := derived.opener.(*aead).iv[:]; !bytes.Equal(got, v.iv) {
		t.Errorf("IV is %x, want %x", got, v.iv)
	}
	key, err := ExpandLabel(v.suite.info.hash, v.secret, "key", v.suite.info.key)
	if err != nil || !bytes.Equal(key, v.key) {
		t.Errorf("key is %x, want %x; error %v", key, v.key, err)
	}
	known, err := NewKey(TLS13, v.suite, v.key, v.iv)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*Reader{derived, known} {
		for i, each := range v.records {
			if number, ok := r.Find(each.record, 0, 1<<40); !ok || number != uint64(i) {
				t.Errorf("record %d is found as %d, %v", i, number, ok)
			}
			got, typ, err := r.Open(nil, slices.Clone(each.record))
			if err != nil || typ.String() != each.typ || !bytes.Equal(got, each.content) {
				t.Errorf("record %d: got %x of %v, error %v, want %x of %s", i, got, typ, err, each.content, each.typ)
			}
		}
	}
}
