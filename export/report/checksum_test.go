package report

import (
	"strings"
	"testing"
)

// mismatch is a go command that got something else than it should have, asked for in
// this run or earlier.
func mismatch(with string, now bool) func(*writer) {
	return func(w *writer) {
		detail := "verifying " + adviceM + "@v1.0.0: checksum mismatch\n\tdownloaded: h1:a=\n\t" + with + ":     h1:b="
		if !now {
			w.complains(900, "checksum", adviceM, "v1.0.0", detail, "")
			return
		}
		w.exchange(asked(adviceAt+"v1.0.0.zip", 200, ""))
		urls := []string{adviceAt + "v1.0.0.zip"}
		if !strings.HasSuffix(with, ".sum") { // which was asked through the proxy
			urls = append(urls, adviser+"/sumdb/"+with+"/lookup/"+adviceM+"@v1.0.0")
		}
		w.complains(900, "checksum", adviceM, "v1.0.0", detail, adviser, urls...)
	}
}

// TestChecksum says what may be wrong by what a go command compared.
func TestChecksum(t *testing.T) {
	checkRows(t, []row{
		{
			name: "checksum of go.sum", write: mismatch("go.sum", true), exit: 1, cause: Checksum,
			text: "what " + adviser + " sent for m.example/org/m v1.0.0 is not what go.sum says: " + adviser + " has something else, or go.sum is wrong or old; " +
				"do not use it, and compare it with what another proxy has: where that is the same, take the lines of m.example/org/m v1.0.0 out of go.sum, " +
				"and the go command asks the checksum database, unless GONOSUMDB or GOPRIVATE has it",
		},
		{
			name: "checksum of go.work.sum, of what is in the module cache", write: mismatch("go.work.sum", false), exit: 1, cause: Checksum,
			text: "what was downloaded, now or earlier into the module cache, for m.example/org/m v1.0.0 is not what go.work.sum says: whoever it was fetched from " +
				"has something else, or go.work.sum is wrong or old; do not use it, and compare it with what another proxy has: where that is the same, " +
				"take the lines of m.example/org/m v1.0.0 out of go.work.sum, and the go command asks the checksum database, unless GONOSUMDB or GOPRIVATE has it",
		},
		{
			name: "checksum of a database", write: mismatch("sum.example", true), exit: 1, cause: Checksum,
			text: "what " + adviser + " sent for m.example/org/m v1.0.0 is not what the checksum database sum.example says: " + adviser + " has something else, " +
				"or the version was published again after the database had recorded it; do not use it, and compare it with what another proxy has",
			never: []string{"go.sum"},
		},
		{
			name: "no checksum in the database", write: func(w *writer) {
				w.complains(900, "checksum", adviceM, "v1.0.0", adviceM+"@v1.0.0: verifying module: checksum missing from sumdb response", "")
			}, exit: 1, cause: Checksum,
			text: "the checksum database has no checksum for m.example/org/m v1.0.0 in its answer: look at GOSUMDB, and at what stands between",
		},
	})
}
