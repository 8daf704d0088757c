package layout

import "testing"

func TestRelease(t *testing.T) {
	for _, tt := range []struct {
		version      string
		minor, patch int
		ok           bool
	}{
		{"go1.26.8", 26, 8, true},
		{"go1.18", 18, 0, true},
		{"go1.25.3 X:jsonv2", 25, 3, true},
		{"go1.26.8-X:jsonv2", 26, 8, true},
		{"go1.26.8-X:nodwarf5,simd", 26, 8, true},
		{"go1.20 X:boringcrypto", 20, 0, true},
		{"go1.26.8-custom", 26, 8, true},
		{"go1.26.8-custom-2-X:boringcrypto", 26, 8, true},
		{"go1.26.8+custom", 26, 8, true},
		{"go1.26.8 (Custom 1.26.8-1.el9)", 26, 8, true},
		{"go1.27-devel", 0, 0, false},
		{"go1.27-devel_8f3d2c1 Thu Nov 5 2026 X:jsonv2", 0, 0, false},
		{"devel go1.26-8f3d2c1 Thu Nov 5 2025", 0, 0, false},
		{"go1.26-20251030-RC00 cl/8 +8f3d X:fieldtrack", 0, 0, false},
		{"go1.27rc1", 0, 0, false},
		{"go1.27rc1-X:jsonv2", 0, 0, false},
		{"go1.-1.2", 0, 0, false},
		{"go2.1.0", 0, 0, false},
		{"", 0, 0, false},
	} {
		minor, patch, ok := release(tt.version)
		if ok != tt.ok || ok && (minor != tt.minor || patch != tt.patch) {
			t.Errorf("%q: got %d, %d, %v, want %d, %d, %v", tt.version, minor, patch, ok, tt.minor, tt.patch, tt.ok)
		}
	}
}

// TestExperiments looks up builds with experiments by their release.
func TestExperiments(t *testing.T) {
	for _, suffix := range []string{"-X:jsonv2", " X:jsonv2", "-custom", " (Custom 1)"} {
		version := "go1.26.8" + suffix
		if Released(version) != Released("go1.26.8") || ReleasedServer(version) != ReleasedServer("go1.26.8") ||
			ReleasedTLS(version) != ReleasedTLS("go1.26.8") || ReleasedTLS(version) == nil {
			t.Errorf("%q is not the release", version)
		}
	}
}
