package otlp

import (
	"strings"
	"testing"

	trace "go.opentelemetry.io/proto/otlp/trace/v1"
)

// TestLimits has the limits that OTEL_ variables set (OpenTelemetry SDK, Span Limits). What is
// beyond is counted in the span.
func TestLimits(t *testing.T) {
	stall := `{"v":1,"ts":"2026-11-30T12:00:01.900000000Z","event":"stall","pid":7,"comm":"client","conn":"c1","stream":1,` +
		`"side":"recv_window","window":1,"start":"2026-11-30T12:00:01.600000000Z","stall_ms":25.000,"ended_by":"WINDOW_UPDATE"}`
	lines := []string{openLine, stall, stall, stall, strings.Replace(exchangeLine(okKeys), "shop", "sübß", 1)}
	type counts struct{ attributes, events, eventAttributes, links int }
	for _, tt := range []struct {
		env        string
		want, lost counts
		host       string
	}{
		{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=5", counts{5, 3, 5, 1}, counts{8, 0, 0, 0}, "sübß.example"},
		{"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT=0", counts{0, 3, 5, 1}, counts{13, 0, 0, 0}, ""},
		{"OTEL_SPAN_EVENT_COUNT_LIMIT=2", counts{13, 2, 5, 1}, counts{0, 1, 0, 0}, "sübß.example"},
		{"OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT=1", counts{13, 3, 1, 1}, counts{0, 0, 4, 0}, "sübß.example"},
		{"OTEL_SPAN_LINK_COUNT_LIMIT=0", counts{13, 3, 5, 0}, counts{0, 0, 0, 1}, "sübß.example"},
		{"OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT=3", counts{13, 3, 5, 1}, counts{}, "süb"},
		{"OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT=12", counts{13, 3, 5, 1}, counts{}, "sübß.example"},
	} {
		t.Run(tt.env, func(t *testing.T) {
			name, value, _ := strings.Cut(tt.env, "=")
			t.Setenv(name, value)
			spans, _ := sent(t, nil, lines...)
			if len(spans) == 0 || spans[len(spans)-1].Kind != trace.Span_SPAN_KIND_CLIENT {
				t.Fatal("no span of the exchange")
			}
			s := spans[len(spans)-1]
			host, _ := s.Attributes["server.address"].(string)
			event := &trace.Span_Event{}
			if len(s.Events) > 0 {
				event = s.Events[0]
			}
			got := counts{len(s.Span.Attributes), len(s.Events), len(event.Attributes), len(s.Links)}
			lost := counts{int(s.DroppedAttributesCount), int(s.DroppedEventsCount), int(event.DroppedAttributesCount), int(s.DroppedLinksCount)}
			if got != tt.want || lost != tt.lost || host != tt.host {
				t.Errorf("got %+v without %+v of %q, want %+v without %+v of %q", got, lost, host, tt.want, tt.lost, tt.host)
			}
		})
	}
}
