package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// maxErrorText bounds error texts on the wire and kept of a peer, in bytes.
const maxErrorText = 256

// Protocol is a kind of request. Both sides use the same values.
//
// On the wire: one stream for each request; the request as a frame; the response as a status byte and a frame.
type Protocol struct {
	Name           string // names the wire protocol: /isthmus/req/NAME/1
	MaxRequest     int    // bytes
	MaxResponse    int    // bytes
	Timeout        time.Duration
	PerPeer, Total int  // requests served at the same time, for one peer and in all; more are answered with ErrBusy
	ValidatorsOnly bool // only between peers that Config.Allow admits
}

func (p Protocol) protocol() protocol.ID { return protocol.ID("/isthmus/req/" + p.Name + "/1") }

func (p Protocol) check() {
	if p.Name == "" || p.MaxRequest < 0 || p.MaxResponse < 0 || p.Timeout <= 0 || p.PerPeer <= 0 || p.Total <= 0 {
		panic(fmt.Sprintf("p2p: protocol %+v needs a name, sizes, a timeout and bounds", p))
	}
}

// The status byte of a response.
const (
	statusOK     = 0
	statusError  = 1 // the frame is the handler's error text
	statusBusy   = 2 // the frame is empty
	statusDenied = 3 // the frame is empty
	statusLate   = 4 // the frame is empty: the handler's time was up
)

// server counts the requests of one protocol under way.
type server struct {
	host     *Host
	protocol Protocol
	fn       func(context.Context, NodeKey, []byte) ([]byte, error)

	mu      sync.Mutex
	total   int
	perPeer map[NodeKey]int
}

// HandleRequests registers fn for the requests of a protocol, once for each protocol. fn runs in a goroutine of its own
// for each request, at most p.Total at once; its context ends after p.Timeout or when the host closes. Its error text is
// sent to the peer, cut to 256 bytes; ErrBusy reaches the peer as ErrBusy. A panic in fn ends the process.
func (h *Host) HandleRequests(p Protocol, fn func(ctx context.Context, from NodeKey, req []byte) ([]byte, error)) {
	p.check()
	s := &server{host: h, protocol: p, fn: fn, perPeer: make(map[NodeKey]int)}
	h.register(p.protocol(), s.serve)
}

func (s *server) acquire(key NodeKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.total >= s.protocol.Total || s.perPeer[key] >= s.protocol.PerPeer {
		return false
	}
	s.total++
	s.perPeer[key]++
	return true
}

func (s *server) release(key NodeKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.perPeer[key]--; s.perPeer[key] == 0 {
		delete(s.perPeer, key)
	}
}

// serve answers one request. The place is taken before the request is read, so that readers are bounded too.
func (s *server) serve(stream network.Stream) {
	key, err := keyOf(stream.Conn().RemotePeer())
	if err != nil {
		_ = stream.Reset()
		return
	}
	_ = stream.SetReadDeadline(time.Now().Add(s.protocol.Timeout))
	_ = stream.SetWriteDeadline(time.Now().Add(2 * s.protocol.Timeout)) // so that lateness can be told
	if !s.host.permitted(key, s.protocol.ValidatorsOnly) {
		respond(stream, statusDenied, nil)
		return
	}
	if !s.acquire(key) {
		respond(stream, statusBusy, nil)
		return
	}
	defer s.release(key)
	req, err := readFrame(stream, s.protocol.MaxRequest)
	switch {
	case err == nil:
		s.answer(stream, key, req)
	case errors.Is(err, ErrTooLarge):
		if r := s.host.table.get(key); r != nil {
			r.fail(fmt.Errorf("protocol %s: from the peer: %w", s.protocol.Name, err))
		}
		_ = stream.ResetWithError(network.StreamProtocolViolation)
	default:
		_ = stream.Reset()
	}
}

// answer runs the handler and sends what it says.
func (s *server) answer(stream network.Stream, key NodeKey, req []byte) {
	ctx, cancel := context.WithTimeout(s.host.ctx, s.protocol.Timeout)
	defer cancel()
	resp, err := s.fn(ctx, key, req)
	if err == nil && len(resp) > s.protocol.MaxResponse {
		err = fmt.Errorf("%w: response of %d bytes, want at most %d", ErrTooLarge, len(resp), s.protocol.MaxResponse)
		s.host.log.Error("p2p: own response", "protocol", s.protocol.Name, "err", err)
	}
	switch {
	case err == nil:
		respond(stream, statusOK, resp)
	case errors.Is(err, ErrBusy):
		respond(stream, statusBusy, nil)
	case errors.Is(err, context.DeadlineExceeded):
		respond(stream, statusLate, nil)
	default:
		text := err.Error()
		respond(stream, statusError, []byte(text[:min(len(text), maxErrorText)]))
	}
}

// respond writes a response and ends the stream.
func respond(s network.Stream, status byte, body []byte) {
	out := make([]byte, 0, 1+frameHeader+len(body))
	if _, err := s.Write(appendFrame(append(out, status), body)); err != nil {
		_ = s.Reset()
		return
	}
	_ = s.Close()
}

// Request asks a connected peer and waits for the answer, at most p.Timeout. It does not dial.
//
// Errors: ErrNotConnected, ErrTooLarge (either way), ErrNotAllowed (by either side), ErrBusy, ErrRemote with the quoted
// text of the other side, context.DeadlineExceeded (here or there), ctx's own error; anything else is a broken stream: try another peer.
func (h *Host) Request(ctx context.Context, to NodeKey, p Protocol, req []byte) ([]byte, error) {
	p.check()
	if len(req) > p.MaxRequest {
		return nil, fmt.Errorf("%w: %s: request of %d bytes, want at most %d", ErrTooLarge, p.Name, len(req), p.MaxRequest)
	}
	if !h.permitted(to, p.ValidatorsOnly) {
		return nil, fmt.Errorf("%w: %x is not a validator, protocol %s", ErrNotAllowed, to[:4], p.Name)
	}
	r := h.table.get(to)
	if r == nil || !r.connected() {
		return nil, fmt.Errorf("%w: %x", ErrNotConnected, to[:4])
	}
	if !h.enter() {
		return nil, ErrClosed
	}
	defer h.leave()
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	resp, err := h.roundTrip(ctx, r, p, req)
	if err == nil {
		return resp, nil
	}
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case h.ctx.Err() != nil:
		err = ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = context.DeadlineExceeded
	}
	return nil, fmt.Errorf("p2p: %s to %x: %w", p.Name, to[:4], explain(err))
}

func (h *Host) roundTrip(ctx context.Context, r *remote, p Protocol, req []byte) ([]byte, error) {
	s, err := h.stack.host.NewStream(network.WithNoDial(ctx, "kept peers are dialled elsewhere"), r.id, p.protocol())
	if err != nil {
		if !r.connected() {
			return nil, ErrNotConnected
		}
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Reset() })
	defer stop()
	resp, err := exchange(s, p, req)
	if err != nil {
		_ = s.Reset()
		return nil, err
	}
	_ = s.Close()
	return resp, nil
}

func exchange(s network.Stream, p Protocol, req []byte) ([]byte, error) {
	// A server that is busy answers without reading: its answer counts even if our write failed.
	_, writeErr := s.Write(appendFrame(make([]byte, 0, frameHeader+len(req)), req))
	if writeErr == nil {
		writeErr = s.CloseWrite()
	}
	var status [1]byte
	if _, err := io.ReadFull(s, status[:]); err != nil {
		if writeErr != nil {
			err = writeErr
		}
		return nil, err
	}
	switch status[0] {
	case statusOK:
		return readFrame(s, p.MaxResponse)
	case statusError:
		text, err := readFrame(s, maxErrorText)
		if err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("%w: %q", ErrRemote, text)
	case statusBusy:
		return nil, ErrBusy
	case statusDenied:
		return nil, fmt.Errorf("%w: refused by the peer", ErrNotAllowed)
	case statusLate:
		return nil, fmt.Errorf("%w: at the peer", context.DeadlineExceeded)
	}
	return nil, fmt.Errorf("%w: unknown status %d", ErrRemote, status[0])
}
