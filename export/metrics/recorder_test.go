package metrics

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"h2trace/export"
)

// gathered returns the values of the series that a Recorder has, by name and labels as Prometheus
// writes them. Of a histogram it is the number of values.
func gathered(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			all[f.GetName()+labelsOf(m)] = valueOf(m)
		}
	}
	return all
}

func labelsOf(m *dto.Metric) string {
	var list []string
	for _, l := range m.GetLabel() {
		list = append(list, l.GetName()+"="+l.GetValue())
	}
	return "{" + strings.Join(list, ",") + "}"
}

func valueOf(m *dto.Metric) float64 {
	switch {
	case m.Counter != nil:
		return m.Counter.GetValue()
	case m.Gauge != nil:
		return m.Gauge.GetValue()
	}
	return float64(m.Histogram.GetSampleCount())
}

// event returns the line of an event.
func event(kind, rest string) []byte {
	return []byte(`{"v":1,"ts":"2026-01-02T03:04:05.000000000Z","event":"` + kind + `",` + rest + `}`)
}

// TestRecorder takes events of each kind that it reads.
func TestRecorder(t *testing.T) {
	r := New(Options{Version: "v1.2.3"})
	for _, line := range [][]byte{
		event("process", `"pid":7,"comm":"go","action":"attached"`),
		event("process", `"pid":8,"comm":"x","action":"skipped","reason":"not a Go program"`),
		event("process", `"pid":7,"comm":"go","action":"lock","wait_ms":250.000`),
		event("process", `"pid":7,"comm":"go","action":"error","error":{"class":"checksum","detail":"x"}`),
		event("conn", `"pid":7,"comm":"go","conn":"c1","action":"open","role":"client"`),
		event("conn", `"pid":7,"comm":"go","conn":"c2","action":"open","role":"server"`),
		event("conn", `"pid":7,"comm":"go","action":"failed","role":"client","name":"b.example","remote":"192.0.2.1:443","error":{"class":"dns","detail":""}`),
		event("exchange", `"conn":"c1","stream":1,"method":"GET","url":"https://a.example/secret.example/m/@v/list","status":200,"reused":false,`+
			`"request_bytes":0,"response_bytes":100,"dns_ms":1.000,"connect_ms":null,"tls_ms":3.000,"send_ms":0.000,"wait_ms":7.000,"receive_ms":1.000,"total_ms":12.000,`+
			`"stall_ms":{"recv_window":500.000,"send_window":0.000},"module":{"proxy":"https://proxy.example:8443/go"},"error":null`),
		event("exchange", `"conn":"c1","stream":3,"method":"BREW","url":"https://a.example/x","status":503,"reused":true,`+
			`"request_bytes":5,"response_bytes":null,"dns_ms":0.000,"total_ms":12.000,"stall_ms":null,"module":null,"error":{"class":"http_5xx","detail":""}`),
		event("exchange", `"conn":"c2","stream":3,"method":"GET","url":"https://me.example/x","status":200,"total_ms":12.000,"module":null,"error":null`),
		event("stall", `"conn":"c1","stream":1,"side":"recv_window","window":65535,"stall_ms":500.000`),
		event("conn", `"conn":"c1","action":"close","role":"client","retransmits":2,"out_of_order":1,"segments_sent":10,"segments_received":null`),
		event("verify", `"conn":"c1"`),
		event("loss", `"reason":"ring_full","records":4,"bytes":null`),
	} {
		r.Take(line)
	}
	got := gathered(t, r)
	const proxy = "server_address=proxy.example,server_port=8443}"
	for name, want := range map[string]float64{
		"h2trace_process_events_total{action=attached}":                                                       1,
		"h2trace_process_events_total{action=skipped}":                                                        1,
		"h2trace_process_events_total{action=exit}":                                                           0,
		"h2trace_lock_wait_seconds_total{}":                                                                   0.25,
		"h2trace_command_errors_total{error_type=checksum}":                                                   1,
		"h2trace_connections_open{role=client}":                                                               0,
		"h2trace_connections_open{role=server}":                                                               1,
		"h2trace_connection_failures_total{error_type=dns,server_address=b.example}":                          1,
		"h2trace_requests_total{role=client}":                                                                 2,
		"h2trace_requests_total{role=server}":                                                                 1,
		"h2trace_connections_total{" + proxy:                                                                  1,
		"http_client_request_duration_seconds{http_request_method=GET,http_response_status_code=200," + proxy: 1,
		"http_client_request_duration_seconds{error_type=503,http_request_method=_OTHER,http_response_status_code=503,server_address=a.example,server_port=443}": 1,
		"http_server_request_duration_seconds{http_request_method=GET,http_response_status_code=200,url_scheme=https}":                                           1,
		"h2trace_request_errors_total{error_type=http_5xx,server_address=a.example,server_port=443}":                                                             1,
		"h2trace_request_phase_seconds{phase=dns," + proxy:                                                                                                       1,
		"h2trace_request_phase_seconds{phase=wait," + proxy:                                                                                                      1,
		"h2trace_response_body_bytes_total{" + proxy:                                                                                                             100,
		"h2trace_request_body_bytes_total{server_address=a.example,server_port=443}":                                                                             5,
		"h2trace_request_stall_seconds_total{" + "server_address=proxy.example,server_port=8443,side=recv_window}":                                               0.5,
		"h2trace_stalls_total{side=recv_window}":                                                                                                                 1,
		"h2trace_stalls_total{side=send_window}":                                                                                                                 0,
		"h2trace_stall_seconds_total{side=recv_window}":                                                                                                          0.5,
		"h2trace_stall_window_bytes{side=recv_window}":                                                                                                           1,
		"h2trace_tcp_retransmits_total{" + proxy:                                                                                                                 2,
		"h2trace_tcp_out_of_order_total{" + proxy:                                                                                                                1,
		"h2trace_tcp_segments_total{direction=send," + proxy:                                                                                                     10,
		"h2trace_verify_mismatches_total{}":                                                                                                                      1,
		"h2trace_records_lost_total{}":                                                                                                                           4,
		"h2trace_limit_exceeded_total{limit=servers}":                                                                                                            0,
		"h2trace_info{version=v1.2.3}":                                                                                                                           1,
	} {
		if n, ok := got[name]; !ok || n != want {
			t.Errorf("%s: got %v, want %v", name, n, want)
		}
	}
	for name := range got {
		if strings.Contains(name, "phase=connect") || strings.Contains(name, "phase=dns,server_address=a.") {
			t.Errorf("%s of what is not known, or not of this request", name)
		}
		if strings.Contains(name, "secret") {
			t.Errorf("a module in %s", name)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}

// TestGatherMeanwhile gathers while lines are taken. No number ever falls, but that of what is open.
func TestGatherMeanwhile(t *testing.T) {
	r := New(Options{Usage: func() (export.Agent, error) { return export.Agent{}, errors.New("not known") }, Lost: func() (uint64, error) { return 5, nil }})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 2000 {
			r.Take(event("conn", fmt.Sprintf(`"conn":"c%d","action":"open","role":"client"`, i)))
			r.Take(event("exchange", fmt.Sprintf(`"conn":"c%d","method":"GET","url":"https://h%d.example/","status":200,"total_ms":1.000`, i, i%100)))
			r.Take(event("loss", `"records":1`))
		}
	}()
	before := gathered(t, r)
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		now := gathered(t, r)
		for name, n := range before {
			if now[name] < n && !strings.HasPrefix(name, "h2trace_connections_open") {
				t.Errorf("%s fell from %v to %v", name, n, now[name])
			}
		}
		before = now
	}
	if n := before["h2trace_requests_total{role=client}"]; n != 2000 {
		t.Errorf("%v requests", n)
	}
	if n := before["h2trace_records_lost_total{}"]; n != 2000 {
		t.Errorf("%v records lost, and the events have 2000", n)
	}
	for name := range before {
		if strings.HasPrefix(name, "h2trace_agent") {
			t.Errorf("%s is not known", name)
		}
	}
}
