//go:build linux

package bpf

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"h2trace/bpf/layout"
	"h2trace/bpf/plan"
)

// keyLogLine returns a secret as crypto/tls logs it.
func keyLogLine(s *Secret) string { return fmt.Sprintf("%s %x %x", s.Label, s.ClientRandom, s.Secret) }

// TestOwnSecrets compares the secrets of the test itself with those that it logs, and
// requires that besides only packets report its connections. When a session of TLS 1.2 is
// resumed, crypto/tls logs nothing.
func TestOwnSecrets(t *testing.T) {
	_, base := listen(t)
	cert := certificateOf(t)
	for _, tt := range []struct {
		version uint16
		want    int // secrets of two connections
	}{{tls.VersionTLS12, 1}, {tls.VersionTLS13, 8}} {
		t.Run(tls.VersionName(tt.version), func(t *testing.T) {
			c := newCollector(t, Options{BufferSize: 1 << 20, Wire: true})
			var log bytes.Buffer
			client := base.Clone()
			client.MaxVersion = tt.version
			client.ClientSessionCache = tls.NewLRUClientSessionCache(1)
			server := &tls.Config{Certificates: []tls.Certificate{cert}, KeyLogWriter: &log}
			if err := c.Targets.AddTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			for i := range 2 {
				states, errs := shakeHands(t, client, server)
				if errs != [2]error{} || states[0].DidResume != (i == 1) {
					t.Fatalf("connection %d: %+v", i, errs)
				}
			}
			if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
				t.Fatal(err)
			}
			// No target any more, so nothing reports this one.
			if _, errs := shakeHands(t, base, &tls.Config{Certificates: []tls.Certificate{cert}}); errs != [2]error{} {
				t.Fatal(errs)
			}
			reported := make(map[string]int)
			count := readAll(t, c, func(e Event) {
				switch e := e.(type) {
				case *Secret:
					reported[keyLogLine(e)]++
				case *Data, *Handshake:
					t.Errorf("got a %T", e)
				case *Open:
					if e.Wire != WireTLS {
						t.Errorf("got %+v", e)
					}
				}
			})
			want := make(map[string]int)
			for line := range strings.Lines(log.String()) {
				want[strings.TrimSuffix(line, "\n")] = 2 // the client reports as well
			}
			if len(want) != tt.want {
				t.Errorf("%d secrets, want %d", len(want), tt.want)
			}
			if diff := cmp.Diff(want, reported); diff != "" {
				t.Errorf("secrets (-want +got):\n%s", diff)
			}
			checkLedger(t, c, &capture{count: count})
		})
	}
}

// TestSecretsLost derives more secrets than the ring holds: the others are counted.
func TestSecretsLost(t *testing.T) {
	_, base := listen(t)
	server := &tls.Config{Certificates: []tls.Certificate{certificateOf(t)}}
	c := newCollector(t, Options{BufferSize: MinBufferSize, Wire: true})
	if err := c.Targets.AddTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	for range 60 {
		if _, errs := shakeHands(t, base, server); errs != [2]error{} {
			t.Fatal(errs)
		}
	}
	if err := c.Targets.RemoveTarget(os.Getpid()); err != nil {
		t.Fatal(err)
	}
	count := readAll(t, c, func(Event) {})
	ledger, err := c.Connections.Ledger()
	if err != nil {
		t.Fatal(err)
	}
	if lost := ledger.LostRecords[RingFull]; lost == 0 || lost != ledger.Lost() || ledger.SeenRecords != count+lost {
		t.Errorf("%d seen, %d delivered, %d lost, by cause %d", ledger.SeenRecords, count, ledger.Lost(), ledger.LostRecords)
	}
}

// TestWireProbes lists the probes of plans with and without Options.Wire.
func TestWireProbes(t *testing.T) {
	site := func(tap plan.Tap) []plan.Site { return []plan.Site{{Tap: tap}} }
	full := &plan.Plan{
		Sites:    slices.Concat(site(plan.ClientHandshake), site(plan.Close), site(plan.Read), site(plan.Write), site(plan.Stderr)),
		Phases:   site(plan.HandshakeEnd),
		Secrets:  site(plan.KeyLog),
		Failures: site(plan.HandshakeFailed),
		TLS:      &layout.TLS{},
	}
	noLayout := &plan.Plan{Sites: full.Sites, Phases: full.Phases, Secrets: full.Secrets}
	fork := &plan.Plan{Secrets: full.Secrets}
	noSecrets := &plan.Plan{Sites: full.Sites, Phases: full.Phases, Failures: full.Failures}
	calls := []plan.Tap{plan.HandshakeEnd, plan.ClientHandshake, plan.Close, plan.Read, plan.Write, plan.Stderr}
	for _, tt := range []struct {
		name string
		opts Options
		runs bool // before it is met
		plan *plan.Plan
		want []plan.Tap
	}{
		{"calls", Options{}, false, full, calls},
		{"frames only", Options{FramesOnly: true}, false, full, calls[1:]},
		{"wire", Options{Wire: true}, false, full, []plan.Tap{plan.KeyLog, plan.HandshakeFailed, plan.Stderr}},
		{"wire without secrets", Options{Wire: true}, false, noSecrets, calls},
		{"wire, running", Options{Wire: true}, true, full, []plan.Tap{plan.KeyLog, plan.HandshakeFailed, plan.Stderr}},
		{"wire, unknown release", Options{Wire: true}, false, noLayout, []plan.Tap{plan.KeyLog, plan.Stderr}},
		{"wire, unknown release, running", Options{Wire: true}, true, noLayout, calls},
		{"wire, only a fork of crypto/tls, running", Options{Wire: true}, true, fork, []plan.Tap{plan.KeyLog}},
	} {
		var got []plan.Tap
		x := newExecutables(&tt.opts, nil, false)
		x.on[spots] = tt.runs
		for _, s := range x.sitesOf(&Executable{Plan: tt.plan, Calls: x.byCalls(tt.plan)}) {
			got = append(got, s.Tap)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// TestSecretParse parses a record, and damaged ones: no secret is left in the buffer or
// gets into an error.
func TestSecretParse(t *testing.T) {
	record := func(change func(*probesSecretRecord)) []byte {
		r := probesSecretRecord{LabelLen: uint8(len(LabelMaster)), SecretLen: 48, Generation: 3}
		copy(r.Label[:], LabelMaster)
		copy(r.Secret[:], strings.Repeat("secret", 8))
		change(&r)
		return sampleOf(&r, uint8(probesRecordKindRECORD_SECRET))
	}
	var p parser
	sample := record(func(r *probesSecretRecord) { r.Random[31] = 7 })
	e, err := p.parse(sample)
	if err != nil {
		t.Fatal(err)
	}
	s := e.(*Secret)
	if s.Label != LabelMaster || s.ClientRandom[31] != 7 || len(s.Secret) != 48 || s.Generation != 3 {
		t.Errorf("got another secret: %v", s)
	}
	for _, text := range []string{fmt.Sprintf("%v %+v %#v %s %x", s, s, *s, s, s)} {
		if strings.Contains(text, "secretsecret") || strings.Contains(text, "7365637265") {
			t.Errorf("printed as %q", text)
		}
	}
	s.Wipe()
	if bytes.Contains(p.secretRecord.Secret[:], []byte("secret")) {
		t.Error("the secret is still in the buffer")
	}
	for name, sample := range map[string][]byte{
		"short":         record(func(*probesSecretRecord) {})[:152],
		"no label":      record(func(r *probesSecretRecord) { r.LabelLen = 0 }),
		"long label":    record(func(r *probesSecretRecord) { r.LabelLen = 33 }),
		"long secret":   record(func(r *probesSecretRecord) { r.SecretLen = 65 }),
		"label of none": record(func(r *probesSecretRecord) { r.LabelMissing, r.Label = 1, [32]byte{} }),
		"other label":   record(func(r *probesSecretRecord) { copy(r.Label[:], "client_random") }),
	} {
		e, err := p.parse(sample)
		if s, ok := e.(*Secret); err == nil && ok && s.Label == "" {
			s.Wipe()
		} else if err == nil || strings.Contains(err.Error(), "secretsecret") {
			t.Errorf("%s: error %v", name, err)
		}
		if bytes.Contains(p.secretRecord.Secret[:], []byte("secret")) {
			t.Errorf("%s: the secret is still in the buffer", name)
		}
	}
}
