package p2p

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
)

const (
	// coalesce is how many bytes of waiting frames go out in one write. Nothing ever waits for more to come.
	coalesce = 32 << 10
	laneBase = 20 * time.Millisecond
	laneMax  = time.Second
	// openTimeout bounds opening a stream, including the wait for libp2p's identify on a new connection.
	openTimeout = 5 * time.Second
)

var errLaneClosed = errors.New("p2p: lane closed")

// lane is the send side of one (peer, class): a bounded queue and the goroutine that writes it to one stream. It lives
// while the peer is connected.
type lane struct {
	host     *Host
	remote   *remote
	class    Class
	protocol protocol.ID

	ctx    context.Context
	cancel context.CancelFunc
	wake   chan struct{} // capacity 1

	mu     sync.Mutex
	frames [][]byte // frames[head:] wait, oldest first
	head   int
	bytes  int
	closed bool
}

// push queues a frame. It never blocks.
func (l *lane) push(frame []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return errLaneClosed
	}
	limit := max(l.host.limits.QueueBytes, l.class.MaxSize+frameHeader)
	for len(l.frames)-l.head >= l.class.Queue || l.bytes+len(frame) > limit {
		l.remote.dropped.Add(1)
		if !l.class.DropOldest {
			return fmt.Errorf("%w: class %s: %d messages, %d bytes wait", ErrQueueFull, l.class.Name, len(l.frames)-l.head, l.bytes)
		}
		l.pop()
	}
	if l.head > 0 && len(l.frames) == cap(l.frames) {
		n := copy(l.frames, l.frames[l.head:])
		clear(l.frames[n:])
		l.frames, l.head = l.frames[:n], 0
	}
	l.frames = append(l.frames, frame)
	l.bytes += len(frame)
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return nil
}

// pop takes the oldest frame; the queue is not empty.
func (l *lane) pop() []byte {
	frame := l.frames[l.head]
	l.frames[l.head] = nil
	l.head++
	l.bytes -= len(frame)
	if l.head == len(l.frames) {
		l.frames, l.head = l.frames[:0], 0
	}
	return frame
}

func (l *lane) queued() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.frames) - l.head
}

// take returns what to write next and how many frames it is: one frame, or several small ones copied into scratch.
func (l *lane) take(scratch []byte) (batch []byte, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.head == len(l.frames) {
		return nil, 0
	}
	first := l.pop()
	if l.head == len(l.frames) || len(first)+len(l.frames[l.head]) > coalesce {
		return first, 1
	}
	batch, n = append(scratch[:0], first...), 1
	for l.head < len(l.frames) && len(batch)+len(l.frames[l.head]) <= coalesce {
		batch = append(batch, l.pop()...)
		n++
	}
	return batch, n
}

// run writes the queue until the lane's context ends.
func (l *lane) run() {
	defer l.discard()
	var (
		out      *outbound
		failures int
		scratch  []byte
	)
	defer func() { out.drop() }()
	for {
		if l.queued() == 0 {
			select {
			case <-l.ctx.Done():
				return
			case <-l.wake:
			}
			continue
		}
		if out != nil && out.stream.Conn().IsClosed() {
			out = out.drop()
		}
		if out == nil {
			var err error
			if out, err = l.open(); err != nil {
				failures++
				if !l.failed(err, failures) {
					return
				}
				continue
			}
		}
		batch, n := l.take(scratch)
		if n > 1 {
			scratch = batch
		}
		// This blocks for as long as the peer does not read; the end of the lane or of the connection ends it.
		if _, err := out.stream.Write(batch); err != nil {
			l.remote.dropped.Add(uint64(n))
			failures = out.failures(failures)
			out = out.drop()
			if !l.failed(err, failures) {
				return
			}
		}
	}
}

// outbound is a lane's open stream, reset when the lane ends.
type outbound struct {
	stream network.Stream
	opened time.Time
	stop   func() bool
}

func (l *lane) open() (*outbound, error) {
	ctx, cancel := context.WithTimeout(network.WithNoDial(l.ctx, "kept peers are dialled elsewhere"), openTimeout)
	defer cancel()
	s, err := l.host.stack.host.NewStream(ctx, l.remote.id, l.protocol)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(l.ctx, func() { _ = s.Reset() })
	return &outbound{stream: s, opened: time.Now(), stop: stop}, nil
}

// failures counts one more failure in a row, unless the stream had served for a while.
func (o *outbound) failures(before int) int {
	if time.Since(o.opened) > laneMax {
		return 0
	}
	return before + 1
}

// drop resets the stream, if there is one, and returns nil.
func (o *outbound) drop() *outbound {
	if o != nil {
		o.stop()
		_ = o.stream.Reset()
	}
	return nil
}

// failed records an error and pauses; it reports false when the lane has ended.
func (l *lane) failed(err error, failures int) bool {
	if l.ctx.Err() != nil {
		return false
	}
	l.remote.fail(fmt.Errorf("class %s: %w", l.class.Name, explain(err)))
	l.host.log.Debug("p2p: lane failed", "peer", l.remote.id, "class", l.class.Name, "failures", failures, "err", err)
	timer := time.NewTimer(backoff(failures, laneBase, laneMax))
	defer timer.Stop()
	select {
	case <-l.ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// discard ends the queue.
func (l *lane) discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.remote.dropped.Add(uint64(len(l.frames) - l.head))
	l.frames, l.head, l.bytes = nil, 0, 0
}

// explain adds the class of a stream's error where the peer stated it.
func explain(err error) error {
	var stream *network.StreamError
	if errors.As(err, &stream) && stream.Remote {
		switch stream.ErrorCode {
		case network.StreamGated:
			return fmt.Errorf("%w: refused by the peer: %w", ErrNotAllowed, err)
		case network.StreamProtocolViolation:
			return fmt.Errorf("%w: refused by the peer: %w", ErrTooLarge, err)
		}
	}
	return err
}
