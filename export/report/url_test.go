package report

import "testing"

// TestNoCredentials has URLs with credentials, valid or not. The name of the proxy has none.
func TestNoCredentials(t *testing.T) {
	for in, want := range map[string]string{
		"https://u:secret@goproxy.example/base/m.example/@v/list":         "https://goproxy.example/base",
		"https://<redacted>@goproxy.example/m.example/@v/list":            "https://goproxy.example",
		"https://u:sec%ret@goproxy.example/m.example/@v/list":             "https://goproxy.example/m.example/@v/list",
		"https://u:sec/ret@goproxy.example/m.example/@latest":             "https://goproxy.example/m.example/@latest",
		"https://u@x:secret@goproxy.example:port/m.example/@v/v1.0.0.zip": "https://goproxy.example:port/m.example/@v/v1.0.0.zip",
		"no URL": "no URL",
	} {
		if got := proxyOf(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}
