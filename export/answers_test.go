package export_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"sort"
	"strings"
)

// answers computes what the recipe of each question prints.
var answers = map[string]func([]event) []string{
	"Which modules took longest to fetch?":                                      slowModules,
	"How long did each proxy keep requests waiting?":                            waits,
	"How many bytes came from which host?":                                      bytesByHost,
	"What failed, by class?":                                                    failures,
	"Which requests were sent again, and why?":                                  retries,
	"When was a window at zero, how often and how long at most, by the second?": zeroWindows,
	"Which connections carried one request at most?":                            idleConns,
	"How long did each process run, and how much CPU did it use?":               processTimes,
	"All requests, for a spreadsheet:":                                          spreadsheet,
	"What is missing from the events?":                                          missing,
}

// groups collects events by a key, in the order of their first ones.
type groups struct {
	keys []string
	of   map[string][]event
}

func groupBy(list []event, key func(*event) (string, bool)) groups {
	g := groups{of: make(map[string][]event)}
	for i := range list {
		k, ok := key(&list[i])
		if !ok {
			continue
		}
		if g.of[k] == nil {
			g.keys = append(g.keys, k)
		}
		g.of[k] = append(g.of[k], list[i])
	}
	return g
}

func slowModules(list []event) []string {
	g := groupBy(list, func(e *event) (string, bool) {
		if e.Event != "exchange" || e.Module == nil || e.Module.Kind != "zip" {
			return "", false
		}
		return e.Module.Path, true
	})
	total := func(path string) (ms float64, bytes int) {
		for _, e := range g.of[path] {
			ms, bytes = ms+float(e.Total), bytes+e.ResponseBytes
		}
		return ms, bytes
	}
	slices.SortStableFunc(g.keys, func(a, b string) int {
		x, _ := total(a)
		y, _ := total(b)
		return cmp.Compare(y, x)
	})
	var rows [][]any
	for _, path := range g.keys {
		ms, bytes := total(path)
		rows = append(rows, []any{path, fmt.Sprintf("%.1f", ms), bytes})
	}
	return rowsOf("module.path total_ms_sum response_bytes_sum", rows...)
}

func waits(list []event) []string {
	g := groupBy(list, func(e *event) (string, bool) {
		if e.Event != "exchange" || e.Module == nil {
			return "", false
		}
		return e.Module.Proxy, true
	})
	var rows [][]any
	for _, proxy := range g.keys {
		var waits []json.Number
		for _, e := range g.of[proxy] {
			waits = append(waits, e.Wait)
		}
		sort.Slice(waits, func(i, j int) bool { return float(waits[i]) < float(waits[j]) })
		at := func(percent int) json.Number { return waits[min(len(waits)*percent/100, len(waits)-1)] }
		rows = append(rows, []any{proxy, len(waits), at(50), at(95), at(100)})
	}
	return rowsOf("module.proxy wait_ms_count wait_ms_p50 wait_ms_p95 wait_ms_max", rows...)
}

func bytesByHost(list []event) []string {
	sums := make(map[string]int)
	for _, e := range list {
		if u, err := url.Parse(e.URL); err == nil && e.Event == "exchange" {
			sums[u.Host] += e.ResponseBytes
		}
	}
	var rows [][]any
	for host, sum := range sums {
		rows = append(rows, []any{sum, host})
	}
	slices.SortFunc(rows, func(a, b []any) int { return cmp.Compare(b[0].(int), a[0].(int)) })
	return rowsOf("", rows...)
}

func failures(list []event) []string {
	g := groupBy(list, func(e *event) (string, bool) {
		var failed *struct{ Class string }
		if json.Unmarshal(e.Error, &failed) != nil || failed == nil {
			return "", false
		}
		return e.Event + " " + failed.Class, true
	})
	var rows [][]any
	for _, class := range g.keys {
		rows = append(rows, []any{class, len(g.of[class])})
	}
	return rowsOf("event error.class count", rows...)
}

func retries(list []event) []string {
	var rows [][]any
	for _, e := range list {
		if e.Retry != nil {
			rows = append(rows, []any{e.TS[11:19], e.Retry.Attempt, e.Retry.Class, e.Retry.Conn, e.URL})
		}
	}
	return rowsOf("", rows...)
}

func zeroWindows(list []event) []string {
	g := groupBy(list, func(e *event) (string, bool) {
		if e.Event != "stall" || e.Side != "recv_window" {
			return "", false
		}
		return strings.Split(e.Start[11:], ".")[0], true
	})
	var rows [][]any
	for _, second := range slices.Sorted(slices.Values(g.keys)) {
		longest := slices.MaxFunc(g.of[second], func(a, b event) int {
			return cmp.Compare(float(json.Number(a.Stall)), float(json.Number(b.Stall)))
		})
		rows = append(rows, []any{second, len(g.of[second]), string(longest.Stall)})
	}
	return rowsOf("", rows...)
}

func idleConns(list []event) []string {
	carried := make(map[string]int)
	for _, e := range list {
		if e.Event == "exchange" {
			carried[e.Conn]++
		}
	}
	var rows [][]any
	for _, e := range list {
		if e.Event == "conn" && e.Action == "close" && carried[e.Conn] <= 1 {
			rows = append(rows, []any{e.Conn, e.Name, e.Remote, carried[e.Conn]})
		}
	}
	return rowsOf("", rows...)
}

func processTimes(list []event) []string {
	text := func(n *json.Number) string {
		if n == nil {
			return ""
		}
		return n.String()
	}
	var rows [][]any
	for _, e := range list {
		if e.Event != "process" || e.Action != "exit" {
			continue
		}
		row := []any{e.PID, e.Comm}
		if e.ExitCode != nil {
			row = append(row, *e.ExitCode)
		}
		rows = append(rows, append(row, text(e.Duration), text(e.CPU)))
	}
	return rowsOf("", rows...)
}

func spreadsheet(list []event) []string {
	var rows [][]any
	for _, e := range list {
		if e.Event == "exchange" && len(rows) < 2 {
			rows = append(rows, []any{e.TS, e.PID, e.Conn, e.Stream, e.Status, e.Wait, e.Total, e.ResponseBytes, e.URL})
		}
	}
	return rowsOf("ts pid conn stream status wait_ms total_ms response_bytes url", rows...)
}

func missing(list []event) []string {
	var rows [][]any
	for _, e := range list {
		switch e.Event {
		case "loss":
			bytes, conn := "null", "null"
			if e.Bytes != nil {
				bytes = string(*e.Bytes)
			}
			if e.Conn != "" {
				conn = fmt.Sprintf("%q", e.Conn)
			}
			rows = append(rows, []any{fmt.Sprintf("%q", e.Reason), string(*e.Records), bytes, conn})
		case "summary":
			rows = append(rows, []any{strings.ReplaceAll(string(*e.Records), ",", " ")})
		}
	}
	return rowsOf("", rows...)
}
