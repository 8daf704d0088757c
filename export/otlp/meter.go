package otlp

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	metricspb "go.opentelemetry.io/proto/otlp/metrics/v1"
	respb "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/protobuf/proto"
)

// defaultInterval is that of OTEL_METRIC_EXPORT_INTERVAL.
const defaultInterval = time.Minute

// meter sends metrics from time to time, and at the end. Those of a batch that is lost are in the
// next one, too: all are sums since the beginning.
type meter struct {
	client   *client
	gatherer prometheus.Gatherer
	said     *complaints
	counts   counts
	points   *points
	resource *respb.Resource
	version  string
	interval time.Duration
	hurry    chan struct{} // closed at the end
	done     chan struct{}
}

// newMeter starts a meter, which sends until ctx is done.
func newMeter(ctx context.Context, o *Options, c *client, of *resource.Resource, said *complaints) (*meter, error) {
	m := &meter{
		client: c, gatherer: o.Metrics, said: said, version: o.Version, points: newPoints(time.Now()), interval: defaultInterval,
		hurry: make(chan struct{}), done: make(chan struct{}),
	}
	if v := o.Getenv("OTEL_METRIC_EXPORT_INTERVAL"); v != "" {
		ms, err := strconv.Atoi(v)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("OTEL_METRIC_EXPORT_INTERVAL is to be a number of milliseconds")
		}
		m.interval = time.Duration(ms) * time.Millisecond
	}
	m.resource = agentResource(o, of)
	go m.run(ctx)
	return m, nil
}

// agentResource describes h2trace itself: metrics are of all processes that it observes. The id
// tells apart two of it on one host.
func agentResource(o *Options, inherited *resource.Resource) *respb.Resource {
	own := []attribute.KeyValue{
		semconv.ServiceName("h2trace"), semconv.ServiceVersion(o.Version), semconv.ServiceInstanceID(uuid.NewString()),
	}
	if o.Host != "" {
		own = append(own, semconv.HostName(o.Host))
	}
	list := attribute.NewSet(append(inherited.Attributes(), own...)...) // the last of a key counts
	r := &respb.Resource{}
	for _, kv := range list.ToSlice() {
		r.Attributes = append(r.Attributes, &common.KeyValue{
			Key: string(kv.Key), Value: &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: kv.Value.String()}},
		})
	}
	return r
}

func (m *meter) run(ctx context.Context) {
	defer close(m.done)
	defer m.client.http.CloseIdleConnections()
	tick := time.NewTicker(m.interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			m.send(ctx)
		case <-m.hurry:
			m.send(ctx)
			return
		}
	}
}

// send sends all metrics.
func (m *meter) send(ctx context.Context) {
	families, err := m.gatherer.Gather()
	if err != nil {
		m.said.once("gather", "%v", err)
	}
	list, n := m.points.of(families, time.Now())
	if n == 0 {
		return
	}
	b, err := proto.Marshal(&metricspb.MetricsData{ResourceMetrics: []*metricspb.ResourceMetrics{{
		Resource: m.resource, SchemaUrl: semconv.SchemaURL,
		ScopeMetrics: []*metricspb.ScopeMetrics{{
			Scope: &common.InstrumentationScope{Name: scope, Version: m.version}, SchemaUrl: semconv.SchemaURL, Metrics: list,
		}},
	}}})
	var a answer
	if err == nil {
		a, err = m.client.deliver(ctx, m.hurry, b, m.said.trying)
	}
	m.counts.take(n, a, err)
	m.said.outcome(ctx, a, err)
}

// close sends the metrics for the last time.
func (m *meter) close() {
	close(m.hurry)
	<-m.done
}
