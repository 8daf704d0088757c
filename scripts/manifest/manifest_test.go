package manifest

import (
	"bytes"
	"errors"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/yaml"
)

const release = "../release/"

// TestManifest decodes the manifest strictly: a key that Kubernetes does not know, or one that
// occurs twice, is an error.
func TestManifest(t *testing.T) {
	objects := decode(t, read(t, "h2trace-daemonset.yaml"))
	if len(objects) != 2 {
		t.Fatalf("%d objects", len(objects))
	}
	namespace, ok := objects[0].(*corev1.Namespace)
	set, isSet := objects[1].(*appsv1.DaemonSet)
	if !ok || !isSet || set.Namespace != namespace.Name {
		t.Fatalf("%T and %T", objects[0], objects[1])
	}
	template := set.Spec.Template
	for key, value := range set.Spec.Selector.MatchLabels {
		if template.Labels[key] != value {
			t.Errorf("pods have no label %s: %s", key, value)
		}
	}
	wantLeast(t, &template.Spec)
}

// wantLeast requires that a pod has what h2trace needs, and nothing else.
func wantLeast(t *testing.T, pod *corev1.PodSpec) {
	t.Helper()
	if !pod.HostPID || pod.HostNetwork || pod.HostIPC || pod.ServiceAccountName != "" ||
		pod.AutomountServiceAccountToken == nil || *pod.AutomountServiceAccountToken {
		t.Error("the pod has more or less of the host or of Kubernetes than process ids")
	}
	if len(pod.Volumes) != 1 || pod.Volumes[0].HostPath == nil || pod.Volumes[0].HostPath.Path != "/sys/fs/cgroup" {
		t.Errorf("volumes %v", pod.Volumes)
	}
	if len(pod.Containers) != 1 || len(pod.InitContainers) != 0 {
		t.Fatal("not one container")
	}
	c := pod.Containers[0]
	if m := c.VolumeMounts; len(m) != 1 || !m[0].ReadOnly || m[0].Name != pod.Volumes[0].Name || m[0].MountPath != "/sys/fs/cgroup" {
		t.Errorf("mounts %v", m)
	}
	s := c.SecurityContext
	for name, is := range map[string]*bool{"privileged": s.Privileged, "allowPrivilegeEscalation": s.AllowPrivilegeEscalation} {
		if is == nil || *is {
			t.Error(name)
		}
	}
	if s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Error("files can be written, or all system calls be made")
	}
	var got []string
	for _, name := range s.Capabilities.Add {
		got = append(got, string(name))
	}
	slices.Sort(got)
	if want := unitCapabilities(t); !slices.Equal(got, want) {
		t.Errorf("capabilities %v, the unit has %v", got, want)
	}
	if !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) {
		t.Errorf("drops %v", s.Capabilities.Drop)
	}
	if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
		t.Error("no limit of memory, or no request of CPU")
	}
	if !strings.Contains(string(read(t, "Containerfile")), "--cap-add="+capabilityList(s)+" ") {
		t.Error("the Containerfile names other capabilities")
	}
}

func capabilityList(s *corev1.SecurityContext) string {
	var list []string
	for _, name := range s.Capabilities.Add {
		list = append(list, string(name))
	}
	return strings.Join(list, ",")
}

// unitCapabilities returns those of the service of systemd, sorted.
func unitCapabilities(t *testing.T) []string {
	t.Helper()
	found := regexp.MustCompile(`(?m)^CapabilityBoundingSet=(.*)$`).FindSubmatch(read(t, "h2trace.service"))
	if found == nil {
		t.Fatal("the unit has no capabilities")
	}
	list := strings.Fields(strings.ReplaceAll(string(found[1]), "CAP_", ""))
	slices.Sort(list)
	return list
}

// TestStrict has faults that Kubernetes would pass over.
func TestStrict(t *testing.T) {
	good := string(read(t, "h2trace-daemonset.yaml"))
	for name, bad := range map[string]string{
		"unknown":    strings.Replace(good, "hostPID: true", "hostPid: true", 1),
		"wrong type": strings.Replace(good, "hostPID: true", "hostPID: 1", 1),
		"twice":      strings.Replace(good, "hostPID: true", "hostPID: true\n      hostPID: true", 1),
	} {
		if _, err := tryDecode([]byte(bad)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func decode(t *testing.T, b []byte) []runtime.Object {
	t.Helper()
	objects, err := tryDecode(b)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func tryDecode(b []byte) (objects []runtime.Object, err error) {
	scheme := runtime.NewScheme()
	if err := errors.Join(corev1.AddToScheme(scheme), appsv1.AddToScheme(scheme)); err != nil {
		return nil, err
	}
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	for documents := yaml.NewDocumentDecoder(io.NopCloser(bytes.NewReader(b))); ; {
		document := make([]byte, len(b))
		n, err := documents.Read(document)
		if errors.Is(err, io.EOF) {
			return objects, nil
		}
		if err != nil {
			return nil, err
		}
		object, _, err := decoder.Decode(document[:n], nil, nil)
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(release + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
