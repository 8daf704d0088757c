package report

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The functions of assertions, and the quantile of those that have one.
var (
	functions     = []string{"p50", "p95", "p99", "max", "count", "rate"}
	quantileOf    = map[string]float64{"p50": 0.5, "p95": 0.95, "p99": 0.99}
	failuresNamed = "failures"
)

// Assertion is a condition on what the runs measured, such as p95(wait) < 800ms.
type Assertion struct {
	text     string // as written, with one form of spaces
	function string
	of       string // a metric, or failuresNamed
	compare  string
	limit    float64 // in nanoseconds, requests, or a share, or per second
	unit     unit
}

// unit is what the value of an assertion is in.
type unit int

const (
	inTime unit = iota
	inCount
	inShare
	perSecond
)

// assertionForm separates the parts of an assertion.
var assertionForm = regexp.MustCompile(`^\s*(\w+)\s*\(\s*(\w+)\s*\)\s*(<=|>=|==|<|>)\s*(.*?)\s*$`)

// ParseAssertion parses an assertion. Its errors say what to write instead.
func ParseAssertion(s string) (Assertion, error) {
	m := assertionForm.FindStringSubmatch(s)
	if m == nil {
		return Assertion{}, fmt.Errorf("%q is no assertion; write FUNCTION(MEASURE), one of < <= > >= ==, and a value, as in \"p95(wait) < 800ms\"", s)
	}
	a := Assertion{function: m[1], of: m[2], compare: m[3]}
	a.text = fmt.Sprintf("%s(%s) %s %s", m[1], m[2], m[3], m[4])
	known := append(slices.Clone(metricNames[:]), failuresNamed)
	switch {
	case !slices.Contains(functions, a.function):
		return a, fmt.Errorf("%q: there is no function %s; take one of %s", s, a.function, strings.Join(functions, ", "))
	case !slices.Contains(known, a.of):
		return a, fmt.Errorf("%q: there is no measure %s; take one of %s", s, a.of, strings.Join(known, ", "))
	case a.of == failuresNamed && a.function != "count" && a.function != "rate":
		return a, fmt.Errorf("%q: failures have no %s; take count(failures) or rate(failures)", s, a.function)
	}
	var err error
	if a.limit, a.unit, err = a.parseLimit(m[4]); err != nil {
		return a, fmt.Errorf("%q: %w", s, err)
	}
	return a, nil
}

// parseLimit parses the value to compare with.
func (a *Assertion) parseLimit(s string) (float64, unit, error) {
	switch {
	case a.function == "count":
		n, err := strconv.ParseUint(s, 10, 63)
		if err != nil {
			return 0, 0, fmt.Errorf("a count is compared with a whole number, such as 0 or 20, not with %q", s)
		}
		return float64(n), inCount, nil
	case a.isShare():
		n, ok := strings.CutSuffix(s, "%")
		v, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
		if !ok || err != nil || !(v >= 0 && v <= 100) {
			return 0, 0, fmt.Errorf("this rate is a share of the requests, and is compared with 0%% to 100%%, such as 1%%, not with %q", s)
		}
		return v / 100, inShare, nil
	case a.function == "rate":
		n, ok := strings.CutSuffix(s, "/s")
		v, err := strconv.ParseFloat(strings.TrimSpace(n), 64)
		if !ok || err != nil || !(v >= 0 && v <= 1e12) {
			return 0, 0, fmt.Errorf("this rate is a number per second, and is compared with one, such as 20/s, not with %q", s)
		}
		return v, perSecond, nil
	}
	d, err := time.ParseDuration(strings.ReplaceAll(s, " ", ""))
	if err != nil || d < 0 {
		return 0, 0, fmt.Errorf("a time is compared with one that has a unit, such as 800ms, 1.5s or 2m, not with %q", s)
	}
	return float64(d), inTime, nil
}

// isShare reports whether the rate is a share of the requests, and not a number per second.
func (a *Assertion) isShare() bool {
	return a.function == "rate" && (a.of == failuresNamed || a.of == metricNames[metricStall])
}

// Outcome is an assertion with what was measured.
type Outcome struct {
	Assertion string
	Value     string // "not measured" without one; then it does not hold
	Holds     bool
}

// notMeasured is the value of an assertion on what no run measured.
const notMeasured = "not measured"

// Check compares an assertion with all lines read so far. Without a measurement it does not
// hold.
func (b *Builder) Check(a Assertion) Outcome {
	b.settleAll()
	v, ok := a.value(b.sums)
	if !ok {
		return Outcome{a.text, notMeasured, false}
	}
	return Outcome{a.text, a.unit.write(v), a.holds(v)}
}

// value returns what the assertion is on, and false if it was not measured.
func (a *Assertion) value(s *sums) (float64, bool) {
	m := &s.measures
	if a.of == failuresNamed {
		switch {
		case m.requests <= 0:
			return 0, false
		case a.function == "count":
			return float64(max(m.failed, 0)), true
		}
		return float64(max(m.failed, 0)) / float64(m.requests), true
	}
	d := &m.of[slices.Index(metricNames[:], a.of)]
	if d.count == 0 {
		return 0, false
	}
	n := float64(d.count)
	if a.of == metricNames[metricStall] {
		n -= float64(d.zeros)
	}
	switch a.function {
	case "count":
		return n, true
	case "max":
		return float64(d.longest), true
	case "rate":
		if a.isShare() {
			return n / float64(d.count), true
		}
		wall := s.wall()
		return n / (float64(wall) / 1e9), wall > 0
	}
	return d.quantile(quantileOf[a.function])
}

func (a *Assertion) holds(v float64) bool {
	switch a.compare {
	case "<":
		return v < a.limit
	case "<=":
		return v <= a.limit
	case ">":
		return v > a.limit
	case ">=":
		return v >= a.limit
	}
	return v == a.limit
}

// write writes a value for reading.
func (u unit) write(v float64) string {
	switch u {
	case inCount:
		return fmt.Sprintf("%.0f", v)
	case inShare:
		return fmt.Sprintf("%.2f %%", v*100)
	case perSecond:
		return fmt.Sprintf("%.2f/s", v)
	}
	if v == 0 {
		return "0 s"
	}
	return human(time.Duration(v))
}
