package report

import (
	"fmt"
	"regexp"
	"strings"
)

// checksumAdvice is the advice if only the class is known.
const checksumAdvice = "a module is not what go.sum or the checksum database says: do not use it; compare it with what another proxy has, " +
	"and where that is the same, look at go.sum"

// comparedIn finds the source of the expected checksum in a complaint: a file or a checksum
// database.
var comparedIn = regexp.MustCompile(`\n\t(\S+): +h1:`)

// comparedWith returns the file or the checksum database with the expected checksum, or
// "".
func (t *trouble) comparedWith() string {
	for _, m := range comparedIn.FindAllStringSubmatch(t.detail, -1) {
		if m[1] != "downloaded" {
			return m[1]
		}
	}
	return ""
}

// checksum returns the advice for a module with a wrong checksum.
func (t *trouble) checksum() string {
	if strings.Contains(t.detail, "checksum missing from sumdb response") {
		return fmt.Sprintf("the checksum database has no checksum for %s in its answer: look at GOSUMDB, and at what stands between", t.what())
	}
	with := t.comparedWith()
	if with == "" {
		return checksumAdvice
	}
	whose, other := "what was downloaded, now or earlier into the module cache,", "whoever it was fetched from"
	if len(t.asked) > 0 {
		whose, other = "what "+t.asked[0]+" sent", t.asked[0] // of the module, before the checksum
	}
	if !strings.HasSuffix(with, ".sum") {
		return fmt.Sprintf("%s for %s is not what the checksum database %s says: %s has something else, or the version was published again after "+
			"the database had recorded it; do not use it, and compare it with what another proxy has", whose, t.what(), with, other)
	}
	advice := fmt.Sprintf("%s for %s is not what %s says: %s has something else, or %s is wrong or old; do not use it, and compare it "+
		"with what another proxy has", whose, t.what(), with, other, with)
	if t.path == "" {
		return advice
	}
	return advice + fmt.Sprintf(": where that is the same, take the lines of %s out of %s, and the go command asks the checksum database, unless GONOSUMDB or GOPRIVATE has it", t.what(), with)
}
