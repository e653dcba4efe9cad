package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Class is a kind of one-way message. Both sides of a connection use the same values.
type Class struct {
	Name           string // names the wire protocol: /isthmus/msg/NAME/1
	MaxSize        int    // bytes of a message
	Queue          int    // messages that may wait for one peer
	ValidatorsOnly bool   // only between peers that Config.Allow admits
	// DropOldest makes room in a full queue by dropping the message that waited longest, for traffic of which the newest
	// counts. Otherwise a full queue refuses the new message with ErrQueueFull.
	DropOldest bool
}

func (c Class) protocol() protocol.ID { return protocol.ID("/isthmus/msg/" + c.Name + "/1") }

func (c Class) check() {
	if c.Name == "" || c.MaxSize <= 0 || c.Queue <= 0 {
		panic(fmt.Sprintf("p2p: class %+v needs a name, a size and a queue", c))
	}
}

// HandleMessages registers fn for the messages of a class, once for each class. fn is called from the stream's reader:
// one call at a time for each peer, in the order in which the peer sent; while it blocks, nothing more is read from that
// peer's stream. fn owns msg. A panic in fn ends the process.
func (h *Host) HandleMessages(class Class, fn func(from NodeKey, msg []byte)) {
	class.check()
	h.register(class.protocol(), func(s network.Stream) { h.receive(s, class, fn) })
}

// register sets a stream handler; a second one for a protocol is a mistake of the program.
func (h *Host) register(id protocol.ID, fn func(network.Stream)) {
	if _, dup := h.handlers.LoadOrStore(id, struct{}{}); dup {
		panic(fmt.Sprintf("p2p: %s has a handler already", id))
	}
	h.stack.host.SetStreamHandler(id, func(s network.Stream) {
		if !h.enter() {
			_ = s.Reset()
			return
		}
		defer h.leave()
		fn(s)
	})
}

// Send queues msg for a peer and returns at once; msg may be used again. A nil error means queued, not delivered.
// Errors: ErrTooLarge, ErrNotAllowed, ErrNotConnected, ErrQueueFull.
func (h *Host) Send(to NodeKey, class Class, msg []byte) error {
	if len(msg) > class.MaxSize {
		return fmt.Errorf("%w: class %s: got %d bytes, want at most %d", ErrTooLarge, class.Name, len(msg), class.MaxSize)
	}
	r := h.table.get(to)
	if r == nil {
		return fmt.Errorf("%w: %x", ErrNotConnected, to[:4])
	}
	return h.push(r, class, nil, msg)
}

// Broadcast sends msg to every Static peer. What cannot be queued is counted as dropped for that peer.
func (h *Host) Broadcast(class Class, msg []byte) {
	if len(msg) > class.MaxSize {
		h.log.Error("p2p: broadcast too large", "class", class.Name, "got", len(msg), "want", class.MaxSize)
		return
	}
	frame := appendFrame(make([]byte, 0, frameHeader+len(msg)), msg)
	for _, r := range h.static {
		if err := h.push(r, class, frame, nil); err != nil && !errors.Is(err, ErrQueueFull) {
			r.dropped.Add(1)
		}
	}
}

// push queues a frame, or else msg, for r.
func (h *Host) push(r *remote, class Class, frame, msg []byte) error {
	if !h.permitted(r.key, class.ValidatorsOnly) {
		return fmt.Errorf("%w: %x is not a validator, class %s", ErrNotAllowed, r.key[:4], class.Name)
	}
	l, err := h.lane(r, class)
	if err != nil {
		return err
	}
	if frame == nil {
		frame = appendFrame(make([]byte, 0, frameHeader+len(msg)), msg)
	}
	if err := l.push(frame); err != nil {
		if errors.Is(err, errLaneClosed) {
			return fmt.Errorf("%w: %x", ErrNotConnected, r.key[:4])
		}
		return err
	}
	return nil
}

// lane returns the lane of a connected peer, started on first use.
func (h *Host) lane(r *remote, class Class) (*lane, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if l := r.lanes[class.Name]; l != nil {
		return l, nil
	}
	if len(r.conns) == 0 {
		return nil, fmt.Errorf("%w: %x", ErrNotConnected, r.key[:4])
	}
	class.check()
	l := &lane{host: h, remote: r, class: class, protocol: class.protocol(), wake: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(h.ctx)
	if !h.spawn(l.run) {
		l.cancel()
		return nil, ErrClosed
	}
	r.lanes[class.Name] = l
	return l, nil
}

// inbound is the one stream of a (peer, class) that is being read.
type inbound struct {
	stream network.Stream
	done   chan struct{}
}

// receive reads one peer's stream. A new stream of the same class takes the place of the old one, which has delivered
// what it will before the new one delivers anything: so order holds across reconnections, and a peer has one reader for
// each class.
func (h *Host) receive(s network.Stream, class Class, fn func(NodeKey, []byte)) {
	key, err := keyOf(s.Conn().RemotePeer())
	if err != nil {
		_ = s.Reset()
		return
	}
	r := h.table.get(key)
	if r == nil {
		_ = s.Reset() // the connection is gone
		return
	}
	in := &inbound{stream: s, done: make(chan struct{})}
	defer close(in.done)
	r.mu.Lock()
	old := r.inbound[class.Name]
	r.inbound[class.Name] = in
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		if r.inbound[class.Name] == in {
			delete(r.inbound, class.Name)
		}
		r.mu.Unlock()
	}()
	if old != nil {
		_ = old.stream.ResetWithError(network.StreamSupplanted)
		<-old.done
	}
	h.readFrames(s, r, class, fn)
}

func (h *Host) readFrames(s network.Stream, r *remote, class Class, fn func(NodeKey, []byte)) {
	buffered := bufio.NewReaderSize(s, 4096)
	for {
		if !h.permitted(r.key, class.ValidatorsOnly) {
			_ = s.ResetWithError(network.StreamGated)
			return
		}
		msg, err := readFrame(buffered, class.MaxSize)
		switch {
		case err == nil && h.ctx.Err() == nil:
			fn(r.key, msg)
		case errors.Is(err, io.EOF):
			_ = s.Close()
			return
		case errors.Is(err, ErrTooLarge):
			r.fail(fmt.Errorf("class %s: from the peer: %w", class.Name, err))
			h.log.Debug("p2p: refused a message", "peer", r.id, "class", class.Name, "err", err)
			_ = s.ResetWithError(network.StreamProtocolViolation)
			return
		default:
			_ = s.Reset()
			return
		}
	}
}
