package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/admission"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// backend serves the node's API (api.Backend, api.Admin).
type backend struct{ n *Node }

var (
	_ api.Backend = (*backend)(nil)
	_ api.Admin   = (*backend)(nil)
)

// servers are the listeners of the two API services.
type servers struct {
	addr string
	runs []func(context.Context) error
}

// listenAPI opens the API's address and the admin socket.
func (n *Node) listenAPI() (*servers, error) {
	b, opt := &backend{n}, api.Options{Log: n.log}
	s := new(servers)
	if n.cfg.API != "" {
		l, err := net.Listen("tcp", n.cfg.API)
		if err != nil {
			return nil, fmt.Errorf("node: API: %w", err)
		}
		s.addr = l.Addr().String()
		s.runs = append(s.runs, func(ctx context.Context) error { return api.NewServer(b, opt).Serve(ctx, l) })
	}
	l, err := api.ListenAdmin(n.opt.Admin)
	if err != nil {
		return nil, fmt.Errorf("node: %w", err)
	}
	s.runs = append(s.runs, func(ctx context.Context) error { return api.NewAdminServer(b, b, opt).Serve(ctx, l) })
	return s, nil
}

func (s *servers) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, run := range s.runs {
		g.Go(func() error { return run(ctx) })
	}
	return g.Wait()
}

// Info implements api.Backend.
func (b *backend) Info(context.Context) (*api.Info, error) {
	n := b.n
	s := n.status.Load()
	info := &api.Info{
		Network: n.zero.ID, Parameters: n.zero.Parameters, Node: n.keys.NodeKey(), Validator: s.Self, Validators: s.Set.Len(),
		Version: n.opt.Version, Protocol: proofs.Version, Epoch: s.Order.Epoch, View: s.Order.View, Height: s.Order.Height,
		Executed: n.state.Version(), KeyBlocks: s.Order.Epoch, Peers: len(n.host.Connected()),
		Started: uint64(n.started.UnixMilli()), Listen: n.host.Addrs(),
	}
	if p := n.pub.published.Load(); p != nil {
		info.Certified, info.Proved = p.header.Header.Height, p.header.Header.Executed
	}
	return info, nil
}

// Submit implements api.Backend.
func (b *backend) Submit(ctx context.Context, wire []byte) (*api.Admission, error) {
	v, err := b.n.ingress.submit(ctx, wire)
	if err != nil {
		return nil, classed(err)
	}
	x := v.External()
	r := admission.NewReceipt(x, b.n.keys.NodeKey(), b.n.now())
	r.Sign(b.n.keys.Node)
	return &api.Admission{ID: v.ID(), Body: x.Body(), Receipt: r.MarshalCanoto()}, nil
}

// classed names the class of a refusal for the API.
func classed(err error) error {
	for _, c := range [...]struct {
		kind, class error
	}{
		{admission.ErrDuplicate, api.ErrDuplicate}, {admission.ErrExpired, api.ErrExpired}, {admission.ErrTooFar, api.ErrInvalid},
		{admission.ErrBusy, api.ErrBusy}, {admission.ErrFull, api.ErrBusy},
		{proofs.ErrTooLarge, api.ErrInvalid}, {proofs.ErrMalformed, api.ErrInvalid}, {proofs.ErrNetwork, api.ErrInvalid}, {proofs.ErrSignature, api.ErrInvalid},
		{store.ErrNotFound, api.ErrNotFound}, {state.ErrNoLog, api.ErrNotFound}, {state.ErrLogRange, api.ErrNotFound}, {state.ErrPruned, api.ErrNotFound},
		{errNothingPublished, api.ErrUnavailable}, {errNoLane, api.ErrUnavailable}, {errEnded, api.ErrUnavailable}, {mesh.ErrUnknown, api.ErrNotFound},
	} {
		if errors.Is(err, c.kind) {
			return fmt.Errorf("%w: %w", c.class, err)
		}
	}
	return err
}

// Status implements api.Backend.
func (b *backend) Status(_ context.Context, id proofs.Hash) (*api.Status, error) {
	s, ok := b.n.ingress.lookup(id)
	if !ok {
		s = admission.Status{ID: id}
		if err := b.n.conclude(&s); err != nil {
			return nil, err
		}
		if s.Executed == 0 {
			return nil, fmt.Errorf("message %x: %w", id[:4], api.ErrNotFound)
		}
	}
	height := s.Ordered
	if s.Executed != 0 {
		height = s.Executed
	}
	return &api.Status{ID: id, Stage: api.Stage(s.Stage), Height: height, Code: s.Code}, nil
}

// WatchStatus implements api.Backend.
func (b *backend) WatchStatus(ctx context.Context, id proofs.Hash, fn func(api.Status) error) error {
	var last api.Status
	for {
		changed := b.n.pulse.wait()
		s, err := b.Status(ctx, id)
		if err != nil {
			return err
		}
		if *s != last {
			last = *s
			if err := fn(last); err != nil {
				return err
			}
		}
		if s.Stage >= api.StageCertified {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// Account implements api.Backend.
func (b *backend) Account(_ context.Context, account proofs.AccountID) (*api.Account, error) {
	v, err := b.n.newest()
	if err != nil {
		return nil, err
	}
	holdings, err := execution.Balances(v, account, proofs.AssetID{}, api.MaxBalances+1)
	if err != nil {
		return nil, err
	}
	a := &api.Account{Account: account, Executed: v.Version(), More: len(holdings) > api.MaxBalances}
	for _, h := range holdings[:min(len(holdings), api.MaxBalances)] {
		a.Balances = append(a.Balances, api.Balance{Asset: h.Asset, Amount: h.Amount})
	}
	return a, nil
}

// Header implements api.Backend.
func (b *backend) Header(_ context.Context, height uint64) (*proofs.CertifiedHeader, error) {
	if height == 0 {
		p := b.n.pub.published.Load()
		if p == nil {
			return nil, classed(errNothingPublished)
		}
		return &p.header, nil
	}
	ch, err := b.n.blocks.certified(height)
	return ch, classed(err)
}

// Zero implements api.Backend.
func (b *backend) Zero(context.Context) (*proofs.ZeroHeader, error) { return &b.n.zero.ZeroHeader, nil }

// KeyBlocks implements api.Backend.
func (b *backend) KeyBlocks(_ context.Context, from uint64, limit int) ([]proofs.KeyBlock, error) {
	return served{b.n}.KeyBlocks(max(from, 1)-1, min(limit, api.MaxKeyBlocks))
}

// Prove implements api.Backend.
func (b *backend) Prove(_ context.Context, keys [][]byte) (*api.StateProof, error) {
	p := b.n.pub.published.Load()
	if p == nil {
		return nil, classed(errNothingPublished)
	}
	v, err := b.n.viewAt(p.header.Header.Executed)
	if err != nil {
		return nil, classed(err)
	}
	out := &api.StateProof{Header: p.header}
	for _, k := range keys {
		value, ok, proof, err := v.Prove(k)
		if err != nil {
			return nil, classed(err)
		}
		out.Entries = append(out.Entries, api.ProvedEntry{Key: k, Value: value, Present: ok, Proof: proof})
	}
	return out, nil
}

// Receipts implements api.Backend.
func (b *backend) Receipts(_ context.Context, from uint64, limit int) (*api.ReceiptPage, error) {
	p := b.n.pub.published.Load()
	if p == nil {
		return nil, classed(errNothingPublished)
	}
	page := &api.ReceiptPage{Header: p.header, From: from}
	size := p.header.Header.ReceiptSize
	if from > size {
		return nil, fmt.Errorf("receipts from %d of %d: %w", from, size, api.ErrNotFound)
	}
	if size == 0 {
		return page, nil
	}
	log, err := b.n.state.ReadLog(execution.ReceiptLog)
	if err != nil {
		return nil, classed(err)
	}
	entries, err := log.Entries(from, min(size, from+uint64(min(limit, api.MaxReceipts))), 2<<20)
	if err != nil {
		return nil, classed(err)
	}
	page.Receipts = make([]proofs.Receipt, len(entries))
	for i, e := range entries {
		if err := proofs.Decode(&page.Receipts[i], e, maxStoredLen); err != nil {
			return nil, err
		}
	}
	if page.Left, err = rangeOf(log, 0, from); err != nil {
		return nil, err
	}
	page.Right, err = rangeOf(log, from+uint64(len(entries)), size)
	return page, err
}

// Slice implements api.Backend.
func (b *backend) Slice(_ context.Context, peer proofs.NetworkID, from uint64, limit int) (*proofs.Slice, error) {
	s := served{b.n}
	head, _, ok, err := s.Head(peer)
	if err != nil {
		return nil, classed(err)
	}
	if !ok || from > head.End {
		return nil, fmt.Errorf("queue to %s from %d: %w", peer.Short(), from, api.ErrNotFound)
	}
	slice, err := s.Slice(peer, from, min(limit, proofs.MaxSliceMessages), proofs.MaxSliceBytes)
	return slice, classed(err)
}

// Watch implements api.Backend.
func (b *backend) Watch(ctx context.Context, fn func(api.Event) error) error {
	return b.n.events.watch(ctx, fn)
}

// Propose implements api.Admin.
func (b *backend) Propose(_ context.Context, act types.Act) (proofs.Hash, error) {
	id, err := b.n.acts.propose(act)
	return id, classed(err)
}

// Approve implements api.Admin.
func (b *backend) Approve(_ context.Context, id proofs.Hash) error {
	return classed(b.n.acts.approve(id))
}

// Acts implements api.Admin.
func (b *backend) Acts(context.Context) ([]api.ActState, error) { return b.n.acts.list(), nil }

// SetPeers implements api.Admin.
func (b *backend) SetPeers(_ context.Context, network proofs.NetworkID, addrs []string) error {
	if network == b.n.zero.ID {
		return b.n.addOwnPeers(addrs)
	}
	if err := b.n.host.AddKnown(addrs...); err != nil {
		return fmt.Errorf("%w: %w", api.ErrInvalid, err)
	}
	if err := b.n.foreign.add(network, addrs); err != nil {
		return fmt.Errorf("%w: %w", api.ErrInvalid, err)
	}
	return b.n.keepPeers(network, addrs)
}

// keepPeers writes further addresses of a peer network into node.json.
func (n *Node) keepPeers(network proofs.NetworkID, addrs []string) error {
	n.cfgMu.Lock()
	defer n.cfgMu.Unlock()
	cfg, err := bootstrap.LoadNodeConfig(n.dir)
	if err != nil {
		return err
	}
	if cfg.Networks == nil {
		cfg.Networks = make(map[proofs.NetworkID][]string)
	}
	for _, a := range addrs {
		if !slices.Contains(cfg.Networks[network], a) {
			cfg.Networks[network] = append(cfg.Networks[network], a)
		}
	}
	return bootstrap.SaveNodeConfig(n.dir, cfg)
}
