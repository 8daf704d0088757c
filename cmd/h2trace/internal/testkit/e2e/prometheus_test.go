package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// prometheus is a running Prometheus that scrapes one endpoint.
type prometheus struct {
	t   *testing.T
	url string
}

// startPrometheus starts Prometheus, with the rules in a file.
func startPrometheus(t *testing.T, target, rules string, flags ...string) *prometheus {
	t.Helper()
	if _, err := exec.LookPath("prometheus"); err != nil {
		t.Skip("needs prometheus, which scripts/setup installs")
	}
	dir := t.TempDir()
	config := fmt.Sprintf(`
global: {scrape_interval: 250ms, scrape_timeout: 250ms, evaluation_interval: 500ms}
rule_files: [%q]
scrape_configs: [{job_name: h2trace, static_configs: [{targets: [%q]}]}]
`, rules, target)
	file := filepath.Join(dir, "prometheus.yml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 5 { // another program can take the port first
		addr := closedAddr(t)
		p := &prometheus{t: t, url: "http://" + addr}
		var log bytes.Buffer
		cmd := exec.Command("prometheus", append([]string{
			"--config.file=" + file, "--storage.tsdb.path=" + filepath.Join(dir, "data"), "--web.listen-address=" + addr,
		}, flags...)...)
		cmd.Stdout, cmd.Stderr = &log, &log
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = cmd.Wait() // it is ended by a signal
		}()
		if p.ready(ended) {
			t.Cleanup(func() {
				_ = cmd.Process.Signal(syscall.SIGTERM)
				<-ended
			})
			return p
		}
		if !strings.Contains(log.String(), "address already in use") {
			t.Fatalf("prometheus ended:\n%s", indent(log.String()))
		}
	}
	t.Fatal("no port for prometheus")
	return nil
}

// ready waits until Prometheus answers, and returns false if it ends instead.
func (p *prometheus) ready(ended <-chan struct{}) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); {
		select {
		case <-ended:
			return false
		case <-time.After(20 * time.Millisecond):
		}
		resp, err := http.Get(p.url + "/-/ready")
		if err != nil {
			continue
		}
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return true
		}
	}
	return false
}

// get returns what the API answers.
func (p *prometheus) get(path string, to any) {
	p.t.Helper()
	resp, err := http.Get(p.url + path)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	var answer struct {
		Status, Error string
		Data          json.RawMessage
	}
	if err := json.Unmarshal(body, &answer); err != nil || answer.Status != "success" {
		p.t.Fatalf("%s: %v %s", path, err, indent(string(body)))
	}
	if err := json.Unmarshal(answer.Data, to); err != nil {
		p.t.Fatalf("%s: %v in %s", path, err, indent(string(body)))
	}
}

// series is one of the result of a query.
type series struct {
	Metric map[string]string
	Value  [2]any
}

func (s series) value() float64 {
	f, _ := strconv.ParseFloat(s.Value[1].(string), 64)
	return f
}

// query returns the present result of an expression.
func (p *prometheus) query(expr string) []series {
	p.t.Helper()
	var result struct{ Result []series }
	p.get("/api/v1/query?query="+url.QueryEscape(expr), &result)
	return result.Result
}

// number returns the only value of an expression, 0 if it has none.
func (p *prometheus) number(expr string) float64 {
	p.t.Helper()
	switch list := p.query(expr); len(list) {
	case 0:
		return 0
	case 1:
		return list[0].value()
	default:
		p.t.Fatalf("%s has %d values", expr, len(list))
		return 0
	}
}
