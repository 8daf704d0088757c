package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestVendored compares the vendored files with those of the npm package.
func TestVendored(t *testing.T) {
	for name, want := range map[string]string{
		"uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f", // uPlot 1.6.32
		"uPlot.min.css":     "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
	} {
		text, err := os.ReadFile("assets/vendor/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not that of the version that README.md names", name)
		}
	}
}

var (
	inlineElement = regexp.MustCompile(`(?s)<(script|style)>(.*?)</(?:script|style)>`)
	policy        = regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`)
)

// TestAlone looks for anything in the page that would ask for something else, and compares its
// policy with its scripts and style sheets.
func TestAlone(t *testing.T) {
	page := string(pageOf(t, recordedDownload))
	if !strings.HasPrefix(page, "<!doctype html>") {
		t.Error("it does not begin as the command line expects of a page")
	}
	found := policy.FindStringSubmatch(page)
	if found == nil || !strings.HasPrefix(found[1], "default-src 'none'; ") || strings.Contains(found[1], "unsafe") {
		t.Fatalf("got the policy %q", found)
	}
	hashes := strings.Count(found[1], "'sha256-")
	for _, e := range inlineElement.FindAllStringSubmatch(page, -1) {
		sum := sha256.Sum256([]byte(e[2]))
		if !strings.Contains(found[1], "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") {
			t.Errorf("the policy does not allow %.60q", e[2])
		}
		hashes--
	}
	if hashes != 0 {
		t.Errorf("the policy has %d hashes more than the page has scripts and style sheets", hashes)
	}
	html := inlineElement.ReplaceAllString(dataElement.ReplaceAllString(page, ""), "")
	if refs := regexp.MustCompile(`(?i)\s(src|href|action|style|on\w+)="[^"]*"`).FindAllString(html, -1); len(refs) != 1 || refs[0] != ` href="data:,"` {
		t.Errorf("the page refers to %q", refs)
	}
	for _, word := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "fetch(", "XMLHttpRequest", "@import", "url("} {
		for _, e := range inlineElement.FindAllStringSubmatch(page, -1) {
			if strings.Contains(e[2], word) && !strings.Contains(e[2], "uPlot (v") {
				t.Errorf("%.60q has %s", e[2], word)
			}
		}
	}
	if !strings.Contains(page, "Permission is hereby granted, free of charge") {
		t.Error("the licence of uPlot is not in it")
	}
}
