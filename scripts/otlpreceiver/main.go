// Otlpreceiver is the OTLP receiver of the OpenTelemetry Collector, alone: what every collector has at
// its door. It prints its URL, and when stdin ends, what it took, as OTLP in JSON: a line for each
// batch of traces, and one for each of metrics. It is a module of its own, as its dependencies are not
// those of h2trace.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/receiver/otlpreceiver"
	"go.opentelemetry.io/collector/receiver/receivertest"
)

func main() {
	log.SetFlags(0)
	if err := run(context.Background()); err != nil {
		log.Fatalf("otlpreceiver: %v", err)
	}
}

// taken are the batches so far.
type taken struct {
	mu    sync.Mutex
	lines [][]byte
}

func (t *taken) add(line []byte, err error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	return err
}

func run(ctx context.Context) error {
	address, err := freeAddress()
	if err != nil {
		return err
	}
	factory := otlpreceiver.NewFactory()
	config := factory.CreateDefaultConfig()
	protocols := confmap.NewFromStringMap(map[string]any{"protocols": map[string]any{"http": map[string]any{"endpoint": address}}})
	if err := protocols.Unmarshal(config); err != nil {
		return err
	}
	var got taken
	traces, err := consumer.NewTraces(func(_ context.Context, batch ptrace.Traces) error {
		return got.add((&ptrace.JSONMarshaler{}).MarshalTraces(batch))
	})
	if err != nil {
		return err
	}
	metrics, err := consumer.NewMetrics(func(_ context.Context, batch pmetric.Metrics) error {
		return got.add((&pmetric.JSONMarshaler{}).MarshalMetrics(batch))
	})
	if err != nil {
		return err
	}
	settings := receivertest.NewNopSettings(factory.Type())
	ofTraces, err := factory.CreateTraces(ctx, settings, config, traces)
	if err != nil {
		return err
	}
	ofMetrics, err := factory.CreateMetrics(ctx, settings, config, metrics)
	if err != nil {
		return err
	}
	for _, c := range []component.Component{ofTraces, ofMetrics} {
		if err := c.Start(ctx, componenttest.NewNopHost()); err != nil {
			return err
		}
	}
	fmt.Println("http://" + address)
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	for _, c := range []component.Component{ofTraces, ofMetrics} {
		if err := c.Shutdown(ctx); err != nil {
			return err
		}
	}
	for _, line := range got.lines {
		fmt.Println(string(line))
	}
	return nil
}

// freeAddress returns an address on which nobody listens. The receiver does not say which one it
// chose itself.
func freeAddress() (string, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return ln.Addr().String(), ln.Close()
}
