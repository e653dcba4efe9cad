package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"connectrpc.com/connect"

	v1 "github.com/isthmus-network/isthmus/chain/api/isthmus/v1"
	"github.com/isthmus-network/isthmus/chain/api/isthmus/v1/isthmusv1connect"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

const (
	maxResponse   = 32 << 20         // bytes of one response, decompressed
	clientTimeout = 15 * time.Second // of a request whose context has no deadline
	dialTimeout   = 5 * time.Second
)

// Client calls one node. It is a [Backend] and, on an admin socket, an [Admin].
// What it returns is decoded and bounded, and not verified: the proofs in it are
// the caller's to check. Its methods may be called at the same time.
//
// Errors are of the classes of this package: those that the node answered, and
// ErrUnavailable, ErrTimeout and ErrProof for what became of the call.
type Client struct {
	addr      string
	transport *http.Transport
	node      isthmusv1connect.NodeServiceClient
	admin     isthmusv1connect.AdminServiceClient
}

var (
	_ Backend = (*Client)(nil)
	_ Admin   = (*Client)(nil)
)

// Dial returns a client of the node at addr: host:port, a URL with http or https,
// or unix:PATH for a socket. It connects with the first call. ErrInvalid.
func Dial(addr string) (*Client, error) {
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext: dialer.DialContext, MaxIdleConnsPerHost: 16, IdleConnTimeout: idleTimeout,
		TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true,
	}
	base := addr
	if path, ok := strings.CutPrefix(addr, "unix:"); ok {
		if path == "" {
			return nil, fmt.Errorf("%w: address %q: want unix:PATH", ErrInvalid, addr)
		}
		base = "http://socket"
		transport.DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", path)
		}
	} else if !strings.Contains(addr, "://") {
		base = "http://" + addr
	}
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%w: address %.200q: want host:port, a URL or unix:PATH", ErrInvalid, addr)
	}
	hc := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	base = strings.TrimSuffix(u.String(), "/")
	opts := []connect.ClientOption{connect.WithReadMaxBytes(maxResponse)}
	return &Client{
		addr: addr, transport: transport,
		node:  isthmusv1connect.NewNodeServiceClient(hc, base, opts...),
		admin: isthmusv1connect.NewAdminServiceClient(hc, base, opts...),
	}, nil
}

// Close drops the connections that are kept open.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Addr returns the address given to Dial.
func (c *Client) Addr() string { return c.addr }

// call makes one unary call and decodes its answer.
func call[Q, W, T any](ctx context.Context, c *Client, method func(context.Context, *connect.Request[Q]) (*connect.Response[W], error), req *Q, decode func(*W) (T, error)) (T, error) {
	var none T
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, clientTimeout)
		defer cancel()
	}
	res, err := method(ctx, connect.NewRequest(req))
	if err != nil {
		return none, c.failed(ctx, err)
	}
	v, err := decode(res.Msg)
	if err != nil {
		return none, fmt.Errorf("node %s: %w", c.addr, err)
	}
	return v, nil
}

// failed classes the error of a call. A node that goes away in the middle of one
// resets it, which looks as if the caller had cancelled it.
func (c *Client) failed(ctx context.Context, err error) error {
	err = fromWire(err)
	if errors.Is(err, context.Canceled) {
		if ctx.Err() != nil {
			return err
		}
		err = fmt.Errorf("%w: the connection was reset", ErrUnavailable)
	}
	return fmt.Errorf("node %s: %w", c.addr, err)
}

// done is the decoder of an empty answer.
func done[W any](*W) (struct{}, error) { return struct{}{}, nil }

// Info implements [Backend].
func (c *Client) Info(ctx context.Context) (*Info, error) {
	return call(ctx, c, c.node.Info, &v1.InfoRequest{}, infoFromWire)
}

// Submit implements [Backend].
func (c *Client) Submit(ctx context.Context, wire []byte) (*Admission, error) {
	return call(ctx, c, c.node.Submit, &v1.SubmitRequest{External: wire}, func(w *v1.SubmitResponse) (*Admission, error) {
		if err := count("bytes of receipt", len(w.Receipt), maxAdmissionBytes); err != nil {
			return nil, err
		}
		a := &Admission{Receipt: w.Receipt}
		if err := id32(&a.ID, "message id", w.Id); err != nil {
			return nil, err
		}
		return a, id32(&a.Body, "body id", w.Body)
	})
}

// Status implements [Backend].
func (c *Client) Status(ctx context.Context, id proofs.Hash) (*Status, error) {
	return call(ctx, c, c.node.Status, &v1.StatusRequest{Id: hexOf(id)}, statusFromWire)
}

// WatchStatus implements [Backend].
func (c *Client) WatchStatus(ctx context.Context, id proofs.Hash, fn func(Status) error) error {
	s, err := c.node.WatchStatus(ctx, connect.NewRequest(&v1.WatchStatusRequest{Id: hexOf(id)}))
	return receive(ctx, c, s, err, statusFromWire, fn)
}

// receive calls fn for each message of a stream until it ends.
func receive[W, T any](ctx context.Context, c *Client, s *connect.ServerStreamForClient[W], err error, decode func(*W) (*T, error), fn func(T) error) error {
	if err != nil {
		return c.failed(ctx, err)
	}
	defer s.Close()
	for s.Receive() {
		v, err := decode(s.Msg())
		if err != nil {
			return fmt.Errorf("node %s: %w", c.addr, err)
		}
		if err := fn(*v); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil {
		return c.failed(ctx, err)
	}
	return nil
}

// Account implements [Backend].
func (c *Client) Account(ctx context.Context, account proofs.AccountID) (*Account, error) {
	return call(ctx, c, c.node.Account, &v1.AccountRequest{Account: account.String()}, accountFromWire)
}

// Trace implements [Backend].
func (c *Client) Trace(ctx context.Context, id proofs.Hash) (*Trace, error) {
	return call(ctx, c, c.node.Trace, &v1.TraceRequest{Id: hexOf(id)}, traceFromWire)
}

// TraceMessage implements [Backend].
func (c *Client) TraceMessage(ctx context.Context, source proofs.NetworkID, incarnation, index uint64) (*Trace, error) {
	req := &v1.TraceMessageRequest{Source: source.String(), Incarnation: incarnation, Index: index}
	return call(ctx, c, c.node.TraceMessage, req, traceFromWire)
}

// Header implements [Backend].
func (c *Client) Header(ctx context.Context, height uint64) (*proofs.CertifiedHeader, error) {
	return call(ctx, c, c.node.Header, &v1.HeaderRequest{Height: height}, func(w *v1.HeaderResponse) (*proofs.CertifiedHeader, error) {
		h, err := headerFromWire(w.CertifiedHeader)
		if err == nil && height != 0 && h.Header.Height != height {
			return nil, fmt.Errorf("%w: got header %d, want %d", ErrProof, h.Header.Height, height)
		}
		return h, err
	})
}

// Zero implements [Backend].
func (c *Client) Zero(ctx context.Context) (*proofs.ZeroHeader, error) {
	return call(ctx, c, c.node.Zero, &v1.ZeroRequest{}, zeroFromWire)
}

// KeyBlocks implements [Backend]. It may return fewer than there are, but not
// none: ask again from the height after the last.
func (c *Client) KeyBlocks(ctx context.Context, from uint64, limit int) ([]proofs.KeyBlock, error) {
	req := &v1.KeyBlocksRequest{From: from, Limit: wireLimit(limit)}
	return call(ctx, c, c.node.KeyBlocks, req, keyBlocksFromWire)
}

func wireLimit(limit int) uint32 { return uint32(max(0, min(limit, 1<<31))) }

// Prove implements [Backend].
func (c *Client) Prove(ctx context.Context, keys [][]byte) (*StateProof, error) {
	return call(ctx, c, c.node.Prove, &v1.ProveRequest{Keys: keys}, func(w *v1.ProveResponse) (*StateProof, error) {
		return proofFromWire(w, keys)
	})
}

// Receipts implements [Backend]. It may return fewer than limit.
func (c *Client) Receipts(ctx context.Context, from uint64, limit int) (*ReceiptPage, error) {
	req := &v1.ReceiptsRequest{From: from, Limit: wireLimit(limit)}
	return call(ctx, c, c.node.Receipts, req, func(w *v1.ReceiptsResponse) (*ReceiptPage, error) {
		return receiptsFromWire(w, from)
	})
}

// Slice implements [Backend].
func (c *Client) Slice(ctx context.Context, peer proofs.NetworkID, from uint64, limit int) (*proofs.Slice, error) {
	req := &v1.SliceRequest{Peer: peer.String(), From: from, Limit: wireLimit(limit)}
	return call(ctx, c, c.node.Slice, req, func(w *v1.SliceResponse) (*proofs.Slice, error) {
		s, err := proofs.DecodeSlice(w.Slice)
		if err != nil {
			return nil, oddAnswer("slice", err)
		}
		return s, nil
	})
}

// Links implements [Backend].
func (c *Client) Links(ctx context.Context) ([]Link, error) {
	return call(ctx, c, c.node.Links, &v1.LinksRequest{}, func(w *v1.LinksResponse) ([]Link, error) {
		if err := count("links", len(w.Links), MaxLinks); err != nil {
			return nil, err
		}
		links := make([]Link, len(w.Links))
		for i := range w.Links {
			var err error
			if links[i], err = linkFromWire(w.Links[i]); err != nil {
				return nil, err
			}
		}
		return links, nil
	})
}

// Validators implements [Backend].
func (c *Client) Validators(ctx context.Context) (*Membership, error) {
	return call(ctx, c, c.node.Validators, &v1.ValidatorsRequest{}, membershipFromWire)
}

// Watch implements [Backend].
func (c *Client) Watch(ctx context.Context, fn func(Event) error) error {
	s, err := c.node.Watch(ctx, connect.NewRequest(&v1.WatchRequest{}))
	return receive(ctx, c, s, err, eventFromWire, fn)
}

// Propose implements [Admin]. Only what the proposer chooses of act is sent.
func (c *Client) Propose(ctx context.Context, act types.Act) (proofs.Hash, error) {
	return call(ctx, c, c.admin.Propose, proposalToWire(&act), func(w *v1.ProposeResponse) (proofs.Hash, error) {
		return hashFrom("act id", w.Id)
	})
}

// Approve implements [Admin].
func (c *Client) Approve(ctx context.Context, id proofs.Hash) error {
	_, err := call(ctx, c, c.admin.Approve, &v1.ApproveRequest{Id: hexOf(id)}, done)
	return err
}

// Acts implements [Admin].
func (c *Client) Acts(ctx context.Context) ([]ActState, error) {
	return call(ctx, c, c.admin.Acts, &v1.ActsRequest{}, func(w *v1.ActsResponse) ([]ActState, error) {
		if err := count("acts", len(w.Acts), MaxActs); err != nil {
			return nil, err
		}
		acts := make([]ActState, len(w.Acts))
		for i := range w.Acts {
			var err error
			if acts[i], err = actFromWire(w.Acts[i]); err != nil {
				return nil, err
			}
		}
		return acts, nil
	})
}

// SetPeers implements [Admin].
func (c *Client) SetPeers(ctx context.Context, network proofs.NetworkID, addrs []string) error {
	req := &v1.SetPeersRequest{Network: network.String(), Addrs: addrs}
	_, err := call(ctx, c, c.admin.SetPeers, req, done)
	return err
}
