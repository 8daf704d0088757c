package metrics

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// exposedName is a name of a metric in an expression.
var exposedName = regexp.MustCompile(`\b(?:h2trace|http_client|http_server)_[a-z0-9_]+\b`)

// catalogued returns the names that a scrape has series of.
func catalogued() map[string]bool {
	names := make(map[string]bool)
	for _, m := range Catalogue {
		name := m.Exposed()
		names[name] = true
		if m.kind == histogramKind {
			names[name+"_bucket"], names[name+"_sum"], names[name+"_count"] = true, true, true
		}
	}
	return names
}

func promtool(t *testing.T, args ...string) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("needs promtool, which scripts/setup installs")
	}
	if out, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// TestRules has promtool check the rules and run their unit tests. Each alert fires in one of
// these, and each metric in the rules is one of the catalogue.
func TestRules(t *testing.T) {
	const rules, tests = "rules/h2trace.rules.yml", "rules/h2trace.rules.test.yml"
	promtool(t, "check", "rules", rules)
	promtool(t, "test", "rules", tests)
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	tested, err := os.ReadFile(tests)
	if err != nil {
		t.Fatal(err)
	}
	alerts := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(string(text), -1)
	if len(alerts) == 0 {
		t.Error("no alerts")
	}
	for _, a := range alerts {
		fires := regexp.MustCompile(`(?m)^ +- alertname: ` + a[1] + `\n +eval_time: \S+\n +exp_alerts:`)
		if !fires.Match(tested) {
			t.Errorf("%s fires in no unit test", a[1])
		}
	}
	known := catalogued()
	expr := regexp.MustCompile(`(?m)^ +#.*$|^ +(?:summary|description): .*$`).ReplaceAllString(string(text), "")
	for _, name := range exposedName.FindAllString(recorded.ReplaceAllString(expr, ""), -1) {
		if !known[name] {
			t.Errorf("%s is in the rules, and not in the catalogue", name)
		}
	}
}

// recorded are names of recording rules and of groups.
var recorded = regexp.MustCompile(`\b\w+:\w+:\w+\b|name: \S+`)
