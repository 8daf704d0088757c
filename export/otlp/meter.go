package otlp

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
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
	about    message // resourceMessage of h2trace
	scope    message
	interval time.Duration
	hurry    chan struct{} // closed at the end
	done     chan struct{}
}

// newMeter starts a meter, which sends until ctx is done.
func newMeter(ctx context.Context, o *Options, c *client, of *resource.Resource, said *complaints) (*meter, error) {
	m := &meter{
		client: c, gatherer: o.Metrics, said: said, points: newPoints(time.Now()),
		about: resourceMessage(agentResource(o, of)), scope: scopeMessage(o.Version),
		interval: defaultInterval, hurry: make(chan struct{}), done: make(chan struct{}),
	}
	if v := o.Getenv("OTEL_METRIC_EXPORT_INTERVAL"); v != "" {
		ms, err := strconv.Atoi(v)
		if err != nil || ms <= 0 {
			return nil, fmt.Errorf("OTEL_METRIC_EXPORT_INTERVAL is to be a number of milliseconds")
		}
		m.interval = time.Duration(ms) * time.Millisecond
	}
	go m.run(ctx)
	return m, nil
}

// agentResource describes h2trace itself: metrics are of all processes that it observes. The id
// tells apart two of it, and its runs, unless the user gives one (OpenTelemetry,
// service.instance.id).
func agentResource(o *Options, inherited *resource.Resource) *resource.Resource {
	list := []attribute.KeyValue{semconv.ServiceInstanceID(uuid.NewString())}
	list = append(list, inherited.Attributes()...)
	list = append(list, semconv.ServiceName("h2trace"), semconv.ServiceVersion(o.Version))
	if o.Host != "" {
		list = append(list, semconv.HostName(o.Host))
	}
	return resource.NewWithAttributes(semconv.SchemaURL, list...) // the last of a key counts
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
	msg, n := m.message(families)
	if n == 0 {
		return
	}
	a, err := m.client.deliver(ctx, m.hurry, msg, m.said.trying)
	m.counts.take(n, a, err)
	m.said.outcome(ctx, a, err)
}

// message returns the message of all metrics, and how many data points they have.
func (m *meter) message(families []*dto.MetricFamily) (msg message, n uint64) {
	of := msg.begin(dataResources)
	msg = append(msg, m.about...)
	in := msg.begin(ofResourceScopes)
	msg = append(msg, m.scope...)
	n = m.points.appendTo(&msg, families, time.Now())
	msg.end(in)
	msg.end(of)
	return msg, n
}

// close sends the metrics for the last time.
func (m *meter) close() {
	close(m.hurry)
	<-m.done
}
