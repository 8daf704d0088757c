package record

import "testing"

func TestIsHeader(t *testing.T) {
	for _, tt := range []struct {
		name string
		b    string
		want bool
	}{
		{"ClientHello", "\x16\x03\x01\x02\x00\x01", true},
		{"application data", "\x17\x03\x03\x40\x11", true},
		{"as long as TLS 1.2 allows", "\x17\x03\x03\x48\x00", true},
		{"longer", "\x17\x03\x03\x48\x01", false},
		{"one byte of it", "\x14", true},
		{"another version", "\x16\x02\x00\x00\x10", false},
		{"a version that there is not", "\x16\x03\x05\x00\x10", false},
		{"HTTP/1.1", "GET / HTTP/1.1", false},
		{"SETTINGS", "\x00\x00\x12\x04\x00\x00", false},
		{"nothing", "", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := IsHeader([]byte(tt.b)); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
