package report

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
)

// xDownload writes a log of "go mod download -x" of some modules.
func xDownload(modules int) string {
	var b strings.Builder
	for i := range modules {
		for _, file := range []string{"@v/v1.2.3.info", "@v/v1.2.3.mod", "@v/v1.2.3.zip"} {
			url := fmt.Sprintf("https://goproxy.example/example.com/group/module%d/%s", i, file)
			fmt.Fprintf(&b, "# get %s\n# get %s: 200 OK (0.0%02ds)\n", url, url, i%90)
		}
		url := fmt.Sprintf("https://goproxy.example/sumdb/sum.example/tile/8/0/x%03d/%03d", i/1000, i%1000)
		fmt.Fprintf(&b, "# get %s\n# get %s: 200 OK (0.002s)\n", url, url)
	}
	return b.String()
}

// xBuild writes what "go build -x" prints for some packages, in the form of Go 1.26.
func xBuild(packages int) string {
	var b strings.Builder
	b.WriteString("WORK=/tmp/go-build3571\n")
	for i := range packages {
		fmt.Fprintf(&b, "mkdir -p $WORK/b%03d/\ncat >$WORK/b%03d/importcfg << 'EOF' # internal\n# import config\n", i, i)
		for j := range 20 {
			fmt.Fprintf(&b, "packagefile example.com/group/module%d/internal/part=/home/user/.cache/go-build/3f/3f1ab6%02d-d\n", j, j)
		}
		fmt.Fprintf(&b, "EOF\ncd /home/user/src/p%d\n/opt/go/pkg/tool/linux_amd64/compile -o $WORK/b%03d/_pkg_.a -trimpath \"$WORK/b%03d=>\" "+
			"-p example.com/p%d -lang=go1.26 -complete -buildid x/x -c=4 -shared -importcfg $WORK/b%03d/importcfg -pack%s\n",
			i, i, i, i, i, strings.Repeat(" ./file_of_some_name.go", 20))
		fmt.Fprintf(&b, "/opt/go/pkg/tool/linux_amd64/buildid -w $WORK/b%03d/_pkg_.a # internal\ncp $WORK/b%03d/_pkg_.a /home/user/.cache/go-build/1d/1d-d # internal\n", i, i)
	}
	return b.String()
}

// BenchmarkReadLog reads logs of "go -x": one of requests only, and one of go get, which also
// builds; set H2TRACE_XLOG to one of your own. It reports MB/s.
func BenchmarkReadLog(b *testing.B) {
	logs := map[string]string{"download": xDownload(2000), "get": xDownload(200) + xBuild(500)}
	if file := os.Getenv("H2TRACE_XLOG"); file != "" {
		own, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		logs["own"] = string(own)
	}
	for name, log := range logs {
		b.Run(name, func(b *testing.B) {
			data := bytes.Repeat([]byte(log), 1+(16<<20)/len(log))
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				builder := NewBuilder()
				if err := builder.Read(bytes.NewReader(data)); err != nil {
					b.Fatal(err)
				}
				if builder.Report().Logs == nil {
					b.Fatal("no log")
				}
			}
		})
	}
}
