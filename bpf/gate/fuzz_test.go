package gate

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

// FuzzMessage has arbitrary packets, and messages with arbitrary text and descriptors.
func FuzzMessage(f *testing.F) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { unix.Close(pair[0]); unix.Close(pair[1]) })
	whole, err := binary.Append(nil, binary.NativeEndian, message{Kind: kindEnded, PID: 7})
	if err != nil {
		f.Fatal(err)
	}
	size := len(whole)
	f.Add(append(bytes.Clone(whole), "reason"...), "why", uint32(kindAsk), uint8(2))
	f.Add(whole[:size-1], "", uint32(0), uint8(0))
	f.Add([]byte{}, string(make([]byte, maxPacket)), uint32(99), uint8(5))
	f.Fuzz(func(t *testing.T, packet []byte, text string, kindOf uint32, files uint8) {
		packet = packet[:min(len(packet), maxPacket)]
		if err := unix.Sendmsg(pair[0], packet, nil, nil, unix.MSG_DONTWAIT); err != nil {
			t.Fatal(err)
		}
		m, got, fds, err := receiveMessage(pair[1], unix.MSG_DONTWAIT)
		switch {
		case len(fds) > 0:
			t.Fatalf("got descriptors %v", fds)
		case len(packet) == 0:
			if !errors.Is(err, errPeerGone) {
				t.Fatalf("an empty packet: %v", err)
			}
		case len(packet) < size:
			if err == nil {
				t.Fatalf("%d bytes: got %+v", len(packet), m)
			}
		default:
			again, _ := binary.Append(nil, binary.NativeEndian, m)
			if again = append(again, got...); err != nil || !bytes.Equal(again, packet) {
				t.Fatalf("%x: got %+v, %q, %v", packet, m, got, err)
			}
		}
		roundTrip(t, pair, message{Kind: kind(kindOf), PID: int32(kindOf), ID: fileID{Ino: uint64(files)}}, text, int(files%4))
	})
}

// roundTrip sends a message with descriptors, and wants them all back, or closed.
func roundTrip(t *testing.T, pair [2]int, want message, text string, files int) {
	t.Helper()
	given := make([]int, files)
	for i := range given {
		given[i] = pair[0]
	}
	if err := sendMessage(pair[0], want, text, given...); err != nil {
		t.Fatal(err)
	}
	m, got, fds, err := receiveMessage(pair[1], unix.MSG_DONTWAIT)
	for _, fd := range fds {
		unix.Close(fd)
	}
	if kept := text[:min(len(text), len(got))]; err != nil || m != want || got != kept || len(fds) != files {
		t.Fatalf("got %+v, %q, %d descriptors, %v", m, got, len(fds), err)
	}
	if n := binary.Size(want) + len(got); len(got) < len(text) && n != maxPacket {
		t.Fatalf("text of %d bytes is cut to %d", len(text), len(got))
	}
}
