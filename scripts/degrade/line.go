package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lineConfig holds the properties of a line.
type lineConfig struct {
	delay, jitter time.Duration // of a round trip
	loss          float64       // share of the packets, each way
	lossAfter     int           // packets each way before the first loss
	rate          int64         // bits per second, each way; 0 is no limit
}

const (
	// queueTime bounds the queue of a line with limited rate.
	queueTime = 200 * time.Millisecond
	// queueLength bounds the packets in transit.
	queueLength = 20_000
	// maxPacket is larger than any packet of a TUN device without offloads.
	maxPacket = 1 << 16
)

// tun is a network device whose other end is this program.
type tun struct {
	name string
	file *os.File
}

// newTUN creates a device. Closing its file removes it.
func newTUN(name string) (*tun, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		return nil, errors.Join(fmt.Errorf("make device %s: %w", name, err), unix.Close(fd))
	}
	return &tun{req.Name(), os.NewFile(uintptr(fd), name)}, nil
}

// packet is a packet in transit.
type packet struct {
	due   time.Time
	bytes []byte
}

// connect carries packets between two devices until one of them is closed.
func connect(a, b *tun, c lineConfig) {
	go carry(a, b, c)
	go carry(b, a, c)
}

// carry is one direction of a line. It swallows IPv6.
func carry(from, to *tun, c lineConfig) {
	queue := make(chan packet, queueLength)
	defer close(queue)
	go deliver(to, queue)
	var free, last time.Time // when the line is free, and the last packet is due
	for seen := 1; ; seen++ {
		buf := make([]byte, maxPacket)
		n, err := from.file.Read(buf)
		if err != nil {
			return
		}
		if buf[0]>>4 == 6 {
			continue
		}
		now := time.Now()
		if seen > c.lossAfter && rand.Float64() < c.loss {
			continue
		}
		if free.Before(now) {
			free = now
		}
		if c.rate > 0 {
			if free.Sub(now) > queueTime {
				continue
			}
			free = free.Add(time.Duration(float64(n) * 8 / float64(c.rate) * float64(time.Second)))
		}
		due := free.Add(c.delay / 2)
		if c.jitter > 0 {
			due = due.Add(time.Duration(rand.Int64N(int64(c.jitter))) - c.jitter/2)
		}
		if due.Before(last) {
			due = last
		}
		last = due
		select {
		case queue <- packet{due, append([]byte(nil), buf[:n]...)}:
		default: // lost
		}
	}
}

// deliver writes packets to the device when they are due. A packet is lost if the device
// is not up yet.
func deliver(to *tun, queue <-chan packet) {
	for p := range queue {
		time.Sleep(time.Until(p.due))
		_, _ = to.file.Write(p.bytes)
	}
}
