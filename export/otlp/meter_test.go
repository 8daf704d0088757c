package otlp

import (
	"testing"

	"github.com/google/uuid"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
)

// TestInstance has an id for each run, or the one of the user. That of a service is of what is
// observed, and no name for h2trace.
func TestInstance(t *testing.T) {
	o := &Options{Version: "v1", Host: "builder-7"}
	seen := make(map[string]bool)
	for range 3 {
		id, _ := agentResource(o, resource.Empty()).Set().Value(semconv.ServiceInstanceIDKey)
		if u, err := uuid.Parse(id.AsString()); err != nil || u.Version() != 4 || seen[id.AsString()] {
			t.Errorf("id %q: %v", id.AsString(), err)
		}
		seen[id.AsString()] = true
	}
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=mine,service.name=shop,team=a")
	set := agentResource(o, resource.Environment()).Set()
	for key, want := range map[string]string{"service.instance.id": "mine", "service.name": "h2trace", "team": "a", "host.name": "builder-7", "service.version": "v1"} {
		if got, _ := set.Value(attribute.Key(key)); got.AsString() != want {
			t.Errorf("%s is %q, want %q", key, got.AsString(), want)
		}
	}
}
