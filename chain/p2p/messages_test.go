package p2p

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

func TestLargeAndEmptyMessages(t *testing.T) {
	a, b := pair(t)
	class := Class{Name: "batches", MaxSize: 3 << 20, Queue: 8}
	got := make(chan []byte, 4)
	b.HandleMessages(class, func(from NodeKey, msg []byte) {
		if from != a.Self() {
			t.Errorf("from %x", from)
		}
		got <- msg
	})
	big := make([]byte, class.MaxSize)
	_, _ = rand.Read(big)
	for _, want := range [][]byte{{}, big, []byte("small")} {
		if err := a.Send(b.Self(), class, want); err != nil {
			t.Fatal(err)
		}
		if msg := receive(t, got, "message"); !bytes.Equal(msg, want) {
			t.Fatalf("got %d bytes, want %d", len(msg), len(want))
		}
	}
	wantErr(t, a.Send(b.Self(), class, append(big, 0)), ErrTooLarge)
	wantErr(t, a.Send(nodeKey(9), class, nil), ErrNotConnected)
}

// rawStream opens a stream as a hostile peer would.
func rawStream(t *testing.T, from *Host, to NodeKey, class Class) network.Stream {
	t.Helper()
	id, err := idOf(to)
	if err != nil {
		t.Fatal(err)
	}
	s, err := from.stack.host.NewStream(context.Background(), id, class.protocol())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFrameOverCapResetsTheStream(t *testing.T) {
	a, b := pair(t)
	got := make(chan []byte, 4)
	b.HandleMessages(votes, func(_ NodeKey, msg []byte) { got <- msg })
	s := rawStream(t, a, b.Self(), votes)
	if _, err := s.Write(appendFrame(nil, make([]byte, votes.MaxSize))); err != nil {
		t.Fatal(err)
	}
	if msg := receive(t, got, "a frame of the full size"); len(msg) != votes.MaxSize {
		t.Fatalf("got %d bytes", len(msg))
	}
	header := binary.BigEndian.AppendUint32(nil, uint32(votes.MaxSize)+1)
	if _, err := s.Write(header); err != nil {
		t.Fatal(err)
	}
	_, err := io.ReadAll(s)
	wantErr(t, explain(err), ErrTooLarge)
	if a.PeerStatus()[0].Connected == false {
		t.Fatal("the connection went with the stream")
	}
	// Honest traffic goes on, on a new stream.
	if err := a.Send(b.Self(), votes, []byte("again")); err != nil {
		t.Fatal(err)
	}
	if msg := receive(t, got, "message after the refusal"); string(msg) != "again" {
		t.Fatalf("got %q", msg)
	}
}

// TestFrameIsBoundedBeforeAllocation reads frames whose header promises much more than follows.
func TestFrameIsBoundedBeforeAllocation(t *testing.T) {
	const limit = 64 << 20
	promise := func(n uint32) *bytes.Reader { return bytes.NewReader(binary.BigEndian.AppendUint32(nil, n)) }
	measure := func(n uint32) (bytes uint64, err error) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err = readFrame(promise(n), limit)
		runtime.ReadMemStats(&after)
		return after.TotalAlloc - before.TotalAlloc, err
	}
	n, err := measure(limit)
	wantErr(t, err, io.ErrUnexpectedEOF)
	if n > 2*firstChunk {
		t.Fatalf("%d bytes allocated for a promise", n)
	}
	n, err = measure(limit + 1)
	wantErr(t, err, ErrTooLarge)
	if n > 4096 {
		t.Fatalf("%d bytes allocated for a frame over the cap", n)
	}
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 7}, 10)
	f.Add([]byte{255, 255, 255, 255}, 10)
	f.Fuzz(func(t *testing.T, in []byte, limit int) {
		limit &= 1<<20 - 1
		msg, err := readFrame(bytes.NewReader(in), limit)
		if err == nil && (len(msg) > limit || !bytes.HasPrefix(in, appendFrame(nil, msg))) {
			t.Fatalf("%x read as %x, limit %d", in, msg, limit)
		}
	})
}

func TestValidatorsOnly(t *testing.T) {
	allowed := &atomic.Bool{}
	allowed.Store(true)
	a := start(t, 0, func(c *Config) { c.Allow = func(k NodeKey) bool { return k != nodeKey(1) || allowed.Load() } })
	b := start(t, 1, func(c *Config) { c.Known = a.Addrs() })
	until(t, "connected", func() bool { return len(b.Connected()) == 1 && len(a.Connected()) == 1 })
	got := make(chan []byte, 1)
	a.HandleMessages(votes, func(_ NodeKey, msg []byte) { got <- msg })
	ask := Protocol{Name: "ask", MaxRequest: 10, MaxResponse: 10, Timeout: 2 * time.Second, PerPeer: 1, Total: 1, ValidatorsOnly: true}
	a.HandleRequests(ask, func(_ context.Context, _ NodeKey, req []byte) ([]byte, error) { return req, nil })

	if err := b.Send(a.Self(), votes, []byte("1")); err != nil {
		t.Fatal(err)
	}
	receive(t, got, "the validator's vote")
	until(t, "answer", func() bool { _, err := b.Request(context.Background(), a.Self(), ask, nil); return err == nil })

	allowed.Store(false)
	wantErr(t, a.Send(b.Self(), votes, nil), ErrNotAllowed)
	_, err := b.Request(context.Background(), a.Self(), ask, nil)
	wantErr(t, err, ErrNotAllowed)
	_, err = a.Request(context.Background(), b.Self(), ask, nil)
	wantErr(t, err, ErrNotAllowed)
	// The frame read when the right was lost is the last one; the streams after it deliver nothing.
	until(t, "the sender hears of it", func() bool {
		_ = b.Send(a.Self(), votes, []byte("2"))
		s := b.PeerStatus()[0]
		return s.Dropped > 0 && s.LastError != ""
	})
	for len(got) > 0 {
		<-got
	}
	s := rawStream(t, b, a.Self(), votes)
	_, _ = s.Write(appendFrame(nil, []byte("3")))
	_, err = io.ReadAll(s)
	wantErr(t, explain(err), ErrNotAllowed)
	if len(got) > 0 {
		t.Fatalf("delivered %q", <-got)
	}
}

func TestSlowReaderBoundsTheQueue(t *testing.T) {
	a, b := pair(t)
	class := Class{Name: "bulk", MaxSize: 256 << 10, Queue: 16}
	newest := Class{Name: "newest", MaxSize: 256 << 10, Queue: 4, DropOldest: true}
	block, got := make(chan struct{}), make(chan uint32, 4096)
	handle := func(_ NodeKey, msg []byte) {
		<-block
		got <- binary.BigEndian.Uint32(msg)
	}
	b.HandleMessages(class, handle)
	b.HandleMessages(newest, handle)
	b.HandleMessages(votes, func(NodeKey, []byte) { got <- 1 << 31 })

	msg := make([]byte, class.MaxSize)
	sent, full := 0, 0
	for ; full < 10; sent++ { // more than QUIC's windows take
		switch err := a.Send(b.Self(), class, msg); {
		case errors.Is(err, ErrQueueFull):
			full++
			time.Sleep(20 * time.Millisecond)
		case err != nil:
			t.Fatal(err)
		}
		if sent > 1000 {
			t.Fatal("a reader that does not read took a thousand messages")
		}
	}
	if s := a.PeerStatus()[0]; s.Queued != class.Queue || s.Dropped != uint64(full) {
		t.Fatalf("status %+v: want %d queued, %d dropped", s, class.Queue, full)
	}
	// Dropping the oldest never refuses, and ends with the newest.
	for k := range uint32(64) {
		binary.BigEndian.PutUint32(msg, k)
		if err := a.Send(b.Self(), newest, msg); err != nil {
			t.Fatal(err)
		}
	}
	if s := a.PeerStatus()[0]; s.Queued > class.Queue+newest.Queue {
		t.Fatalf("%d queued", s.Queued)
	}
	close(block)
	until(t, "the newest message", func() bool { return receive(t, got, "message") == 63 })
	if err := a.Send(b.Self(), votes, nil); err != nil {
		t.Fatal(err)
	}
	until(t, "a vote", func() bool { return receive(t, got, "message") == 1<<31 })
}

// BenchmarkOneWay measures a vote of 200 bytes from Send to the handler, on loopback.
func BenchmarkOneWay(b *testing.B) {
	x, y := pair(b)
	got := make(chan time.Duration)
	y.HandleMessages(votes, func(_ NodeKey, msg []byte) {
		got <- time.Duration(time.Now().UnixNano() - int64(binary.BigEndian.Uint64(msg)))
	})
	msg := make([]byte, 200)
	var sum time.Duration
	for b.Loop() {
		binary.BigEndian.PutUint64(msg, uint64(time.Now().UnixNano()))
		if err := x.Send(y.Self(), votes, msg); err != nil {
			b.Fatal(err)
		}
		sum += <-got
	}
	b.ReportMetric(float64(sum.Microseconds())/float64(b.N), "µs/one-way")
}

// BenchmarkThroughput streams messages of 64 KiB.
func BenchmarkThroughput(b *testing.B) {
	x, y := pair(b)
	class := Class{Name: "bulk", MaxSize: 64 << 10, Queue: 64}
	got := make(chan struct{}, 1024)
	y.HandleMessages(class, func(NodeKey, []byte) { got <- struct{}{} })
	msg := make([]byte, class.MaxSize)
	b.SetBytes(int64(len(msg)))
	window := 0
	for b.Loop() {
		if window++; window > 32 {
			<-got
			window--
		}
		if err := x.Send(y.Self(), class, msg); err != nil {
			b.Fatal(err)
		}
	}
	for ; window > 0; window-- {
		<-got
	}
}
