package metrics

import "github.com/prometheus/client_golang/prometheus"

// Native histograms have a bucket for each 10 % of the value, as far as there are not too many.
const (
	nativeFactor  = 1.1
	nativeBuckets = 100
)

// vectors are the series of the metrics that events are counted in.
type vectors struct {
	clientDuration, serverDuration, requestPhases, stallWindow                       *prometheus.HistogramVec
	requests, requestErrors, requestBytes, responseBytes, requestStalls              *prometheus.CounterVec
	conns, failedConns, retransmits, outOfOrder, segments                            *prometheus.CounterVec
	stalls, stallTime, processes, complaints, lockTime, mismatches, limitsOfCounting *prometheus.CounterVec
	openConns, info                                                                  *prometheus.GaugeVec
}

// newVectors returns vectors of a registry. Series of which all label values are known from the
// start begin with 0, so that Prometheus sees the first increase.
func newVectors(to prometheus.Registerer) vectors {
	v := vectors{
		clientDuration: histogram(to, &clientDuration), serverDuration: histogram(to, &serverDuration),
		requestPhases: histogram(to, &requestPhases), stallWindow: histogram(to, &stallWindow),
		requests: counter(to, &requests), requestErrors: counter(to, &requestErrors),
		requestBytes: counter(to, &requestBytes), responseBytes: counter(to, &responseBytes),
		requestStalls: counter(to, &requestStalls), conns: counter(to, &conns), failedConns: counter(to, &failedConns),
		retransmits: counter(to, &retransmits), outOfOrder: counter(to, &outOfOrder), segments: counter(to, &segments),
		stalls: counter(to, &stalls), stallTime: counter(to, &stallTime), processes: counter(to, &processes),
		complaints: counter(to, &complaints), lockTime: counter(to, &lockTime), mismatches: counter(to, &mismatches),
		limitsOfCounting: counter(to, &limits), openConns: gauge(to, &openConns), info: gauge(to, &info),
	}
	for _, role := range allRoles {
		v.requests.WithLabelValues(role)
		v.openConns.WithLabelValues(role)
	}
	for _, side := range sides {
		v.stalls.WithLabelValues(side)
		v.stallTime.WithLabelValues(side)
	}
	for _, action := range actions {
		v.processes.WithLabelValues(action)
	}
	for _, class := range append([]string{otherClass}, classes...) {
		v.complaints.WithLabelValues(class)
	}
	for _, limit := range limitNames {
		v.limitsOfCounting.WithLabelValues(limit)
	}
	v.lockTime.WithLabelValues()
	v.mismatches.WithLabelValues()
	return v
}

func counter(to prometheus.Registerer, m *Metric) *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: m.Exposed(), Help: m.Help}, m.labels())
	to.MustRegister(v)
	return v
}

func gauge(to prometheus.Registerer, m *Metric) *prometheus.GaugeVec {
	v := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: m.Exposed(), Help: m.Help}, m.labels())
	to.MustRegister(v)
	return v
}

func histogram(to prometheus.Registerer, m *Metric) *prometheus.HistogramVec {
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: m.Exposed(), Help: m.Help, Buckets: m.Bounds,
		NativeHistogramBucketFactor: nativeFactor, NativeHistogramMaxBucketNumber: nativeBuckets,
	}, m.labels())
	to.MustRegister(v)
	return v
}
