package main

import "fmt"

// perSecond is the increase of a counter in a second, summed up by labels.
func perSecond(by, metric, of string) string {
	return fmt.Sprintf(`sum by (%s) (rate(%s{%s}[$__rate_interval]))`, by, metric, of)
}

// quantile is that of a histogram, by labels.
func quantile(q, by, metric, of string) string {
	return fmt.Sprintf(`histogram_quantile(%s, sum by (%sle) (rate(%s_bucket{%s}[$__rate_interval])))`, q, by, metric, of)
}

// ratio is the quotient of two expressions, and 0 where the upper one has no series.
func ratio(upper, lower string) string {
	return fmt.Sprintf(`(%s or 0 * %s) / (%s > 0)`, upper, lower, lower)
}

const (
	duration = "http_client_request_duration_seconds"
	failed   = of + `, error_type!="", error_type!~"404|410|aborted"`
)

// all is the increase of a counter in a second, without labels.
func all(metric, of string) string {
	return fmt.Sprintf(`sum(rate(%s{%s}[$__rate_interval]))`, metric, of)
}

// stats are the numbers at the top.
var stats = []panel{
	{title: "Requests", unit: "reqps", curves: []curve{{"", all(duration+"_count", of)}}},
	{
		title: "Failures", unit: "percentunit", description: "Share of the requests. 404, 410 and what clients gave up are none.",
		curves: []curve{{"", ratio(all(duration+"_count", failed), all(duration+"_count", of))}},
	},
	{title: "95 % take up to", unit: "s", curves: []curve{{"", quantile("0.95", "", duration, of)}}},
	{
		title: "Stalled", unit: "percentunit", description: "Share of the time of requests in which flow control stalled them.",
		curves: []curve{{"", ratio(all("h2trace_request_stall_seconds_total", of), all(duration+"_sum", of))}},
	},
	{title: "Open connections", unit: "short", curves: []curve{{"", `sum(h2trace_connections_open{` + agent + `})`}}},
	{
		title: "Lost records", unit: "short", description: "Where it is above 0, all other numbers are too low.",
		curves: []curve{{"", `sum(h2trace_records_lost_total{` + agent + `})`}},
	},
}

// row is a row of panels.
type row struct {
	title  string
	panels []panel
}

// rows are what is below the numbers.
var rows = []row{
	{"Requests", []panel{
		{title: "Requests by server", unit: "reqps", curves: []curve{{"{{server_address}}:{{server_port}}", perSecond("server_address, server_port", duration+"_count", of)}}},
		{title: "Responses by status", unit: "reqps", stacked: true, curves: []curve{{"{{http_response_status_code}}", perSecond("http_response_status_code", duration+"_count", of)}}},
		{title: "Errors by class", unit: "reqps", curves: []curve{{"{{server_address}} {{error_type}}", perSecond("server_address, error_type", "h2trace_request_errors_total", of)}}},
		{title: "Duration", unit: "s", curves: []curve{
			{"50 %", quantile("0.5", "", duration, of)}, {"95 %", quantile("0.95", "", duration, of)}, {"99 %", quantile("0.99", "", duration, of)},
		}},
		{
			title: "Time of a request by phase", unit: "s", stacked: true,
			description: "Mean over all requests; dns, connect and tls are those of the connections that they opened.",
			curves: []curve{{"{{phase}}", perSecond("phase", "h2trace_request_phase_seconds_sum", of) +
				` / scalar(sum(rate(` + duration + `_count{` + of + `}[$__rate_interval])))`}},
		},
		{title: "Wait for the first byte, 95 %", unit: "s", curves: []curve{{"{{server_address}}", quantile("0.95", "server_address, ", "h2trace_request_phase_seconds", of+`, phase="wait"`)}}},
		{title: "Bodies", unit: "Bps", curves: []curve{
			{"received from {{server_address}}", perSecond("server_address", "h2trace_response_body_bytes_total", of)},
			{"sent to {{server_address}}", perSecond("server_address", "h2trace_request_body_bytes_total", of)},
		}},
		{title: "Requests served", unit: "reqps", description: "By observed servers.", curves: []curve{
			{"{{http_request_method}} {{http_response_status_code}}", perSecond("http_request_method, http_response_status_code", "http_server_request_duration_seconds_count", agent)},
		}},
		{title: "Duration of requests served", unit: "s", curves: []curve{
			{"50 %", quantile("0.5", "", "http_server_request_duration_seconds", agent)}, {"95 %", quantile("0.95", "", "http_server_request_duration_seconds", agent)},
		}},
	}},
	{"Connections", []panel{
		{title: "Open connections", unit: "short", curves: []curve{{"{{role}}", `sum by (role) (h2trace_connections_open{` + agent + `})`}}},
		{title: "New connections", unit: "ops", curves: []curve{{"{{server_address}}", perSecond("server_address", "h2trace_connections_total", of)}}},
		{title: "Connections that were not made", unit: "ops", curves: []curve{{"{{server_address}} {{error_type}}", perSecond("server_address, error_type", "h2trace_connection_failures_total", agent)}}},
		{title: "Stalls", unit: "percentunit", description: "Streams and connections that flow control stalls, on average.", curves: []curve{{"{{side}}", perSecond("side", "h2trace_stall_seconds_total", agent)}}},
		{title: "Window credit of stalled senders", unit: "bytes", description: "Median. Where it is small, a larger window helps.", curves: []curve{{"{{side}}", quantile("0.5", "side, ", "h2trace_stall_window_bytes", agent)}}},
		{title: "TCP segments sent again", unit: "percentunit", description: "Of connections that are closed.", curves: []curve{
			{"{{server_address}}", ratio(perSecond("server_address", "h2trace_tcp_retransmits_total", of), perSecond("server_address", "h2trace_tcp_segments_total", of+`, direction="send"`))},
		}},
	}},
	{"Processes and h2trace", []panel{
		{title: "Events of processes", unit: "ops", curves: []curve{{"{{action}}", perSecond("action", "h2trace_process_events_total", agent)}}},
		{title: "Complaints of go commands", unit: "ops", curves: []curve{{"{{error_type}}", perSecond("error_type", "h2trace_command_errors_total", agent) + ` > 0 or ` + all("h2trace_command_errors_total", agent)}}},
		{title: "Waiting for locks", unit: "percentunit", description: "Processes that wait, on average.", curves: []curve{{"{{instance}}", perSecond("instance", "h2trace_lock_wait_seconds_total", agent)}}},
		{title: "CPU of h2trace", unit: "percentunit", curves: []curve{{"{{instance}}", perSecond("instance", "h2trace_agent_cpu_seconds_total", agent)}}},
		{title: "Memory of h2trace", unit: "bytes", description: "The largest so far.", curves: []curve{{"{{instance}}", `max by (instance) (h2trace_agent_max_rss_bytes{` + agent + `})`}}},
		{title: "Not told apart", unit: "ops", description: "Events beyond the number of servers, series and connections that h2trace tells apart.", curves: []curve{
			{"{{limit}}", perSecond("limit", "h2trace_limit_exceeded_total", agent)},
		}},
	}},
}
