package proxies

import "strings"

// isHTML reports whether a response is a page for people. No response of a proxy is one.
func isHTML(headers []field) bool {
	for _, h := range headers {
		if h.Name == "content-type" && strings.HasPrefix(strings.ToLower(h.Value), "text/html") {
			return true
		}
	}
	return false
}
