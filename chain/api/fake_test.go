package api_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// fakeNode serves one network from memory.
type fakeNode struct {
	*network
	t *testing.T

	mu        sync.Mutex
	submitted [][]byte
	acts      []api.ActState
	peers     map[proofs.NetworkID][]string

	refuse error         // what Submit answers, if not nil
	hold   chan struct{} // Zero waits for it, if not nil
	moreIn int           // Receipts are enormous from this limit on; 0 is off
}

func newFake(t *testing.T) *fakeNode {
	return &fakeNode{network: newNetwork(t), t: t, peers: map[proofs.NetworkID][]string{}}
}

func (f *fakeNode) Info(context.Context) (*api.Info, error) {
	return &api.Info{
		Network: f.zero.ID, Parameters: f.zero.Parameters, Node: f.zero.Set.At(0).Node, Validator: -1, Validators: 1,
		Version: "v0", Protocol: 1, Epoch: 2, View: 3, Height: 4, Executed: 5, Certified: 6, Proved: 7, KeyBlocks: 8,
		Peers: 9, Started: 10, Listen: []string{"/ip4/127.0.0.1/udp/1/quic-v1"},
	}, nil
}

func (f *fakeNode) Submit(_ context.Context, wire []byte) (*api.Admission, error) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	x, err := types.DecodeExternal(wire)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.submitted = append(f.submitted, append([]byte(nil), wire...))
	return &api.Admission{ID: x.ID(), Body: x.Body(), Receipt: []byte("promised")}, nil
}

func (f *fakeNode) Status(_ context.Context, id proofs.Hash) (*api.Status, error) {
	if id != f.receipts[1].ID {
		return nil, fmt.Errorf("message %x: %w", id[:4], api.ErrNotFound)
	}
	return &api.Status{ID: id, Stage: api.StageExecuted, Height: 1, Code: proofs.CodeOutOfGas}, nil
}

func (f *fakeNode) WatchStatus(ctx context.Context, id proofs.Hash, fn func(api.Status) error) error {
	for stage := api.StageReceived; stage <= api.StageCertified; stage++ {
		if err := fn(api.Status{ID: id, Stage: stage}); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeNode) Account(_ context.Context, id proofs.AccountID) (*api.Account, error) {
	return &api.Account{Account: id, Balances: []api.Balance{{Asset: proofs.NewAssetID(peerID, proofs.Hash{}), Amount: proofs.MulAmount(1<<63, 1<<63)}}, Executed: 5}, nil
}

func (f *fakeNode) Trace(_ context.Context, id proofs.Hash) (*api.Trace, error) {
	steps := []api.Step{
		{Name: api.StepReceived, Time: 100},
		{Name: api.StepExecuted, Time: 200, Height: 3, Detail: "plain\x1b[31m red", Proof: api.ProofHint{Kind: api.ProofReceipt, Height: 4, Index: 1}},
	}
	ref := proofs.EmittedRef{Destination: peerID, Incarnation: 1, Index: 7, ID: proofs.Hash{7}}
	return &api.Trace{Network: f.zero.ID, ID: id, Done: true, Steps: steps, Emitted: []api.Emitted{{Ref: ref, Steps: steps[:1]}}}, nil
}

func (f *fakeNode) TraceMessage(_ context.Context, source proofs.NetworkID, incarnation, index uint64) (*api.Trace, error) {
	return &api.Trace{Network: f.zero.ID, ID: proofs.Hash(source), Steps: []api.Step{{Name: api.StepInducted, Time: incarnation, Height: index}}}, nil
}

func (f *fakeNode) Header(_ context.Context, height uint64) (*proofs.CertifiedHeader, error) {
	if height != 0 && height != f.header.Header.Height {
		return nil, fmt.Errorf("header %d: %w", height, api.ErrNotFound)
	}
	return &f.header, nil
}

func (f *fakeNode) Zero(ctx context.Context) (*proofs.ZeroHeader, error) {
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return &f.zero.ZeroHeader, nil
}

func (f *fakeNode) KeyBlocks(_ context.Context, from uint64, limit int) ([]proofs.KeyBlock, error) {
	if from > f.keyBlock.Header.Height {
		return nil, nil
	}
	return []proofs.KeyBlock{f.keyBlock}, nil
}

func (f *fakeNode) Prove(_ context.Context, keys [][]byte) (*api.StateProof, error) {
	p := &api.StateProof{Header: f.header}
	for _, k := range keys {
		e := api.ProvedEntry{Key: k}
		if e.Proof, e.Present = proofOf(k); e.Present {
			e.Value = presentValue
		}
		p.Entries = append(p.Entries, e)
	}
	return p, nil
}

func (f *fakeNode) Receipts(_ context.Context, from uint64, limit int) (*api.ReceiptPage, error) {
	size := uint64(len(f.receipts))
	if from > size {
		return nil, fmt.Errorf("receipt %d of %d: %w", from, size, api.ErrNotFound)
	}
	to := min(size, from+uint64(limit))
	p := &api.ReceiptPage{
		Header: f.header, From: from, Receipts: append([]proofs.Receipt(nil), f.receipts[from:to]...),
		Left: f.rangeOf(f.t, 0, from), Right: f.rangeOf(f.t, to, size),
	}
	if f.moreIn != 0 && limit >= f.moreIn {
		refs := make([]proofs.EmittedRef, 12_000)
		for i := range refs {
			refs[i] = proofs.EmittedRef{Destination: peerID, ID: proofs.Hash{1}}
		}
		for i := range p.Receipts {
			p.Receipts[i].Emitted = refs
		}
	}
	return p, nil
}

func (f *fakeNode) Slice(_ context.Context, peer proofs.NetworkID, from uint64, limit int) (*proofs.Slice, error) {
	if peer != peerID {
		return nil, fmt.Errorf("queue for %s: %w", peer.Short(), api.ErrNotFound)
	}
	return &f.slice, nil
}

func (f *fakeNode) Links(context.Context) ([]api.Link, error) {
	return []api.Link{{
		Peer: peerID, Name: "b", Symbol: "ISTB", Decimals: 9, State: api.PeerActive, Reason: "none", Incarnation: 1,
		Epoch: 2, KeyHeight: 3, HeaderTime: 4, TrustExpiry: 5, OutBegin: 6, OutEnd: 7, OutAcked: 8, OutSettled: 9,
		InAcked: 10, InSettled: 11, Outcomes: 12, OldestPending: 13, FollowerError: "dial", Addresses: 14,
	}}, nil
}

func (f *fakeNode) Validators(context.Context) (*api.Membership, error) {
	return &api.Membership{
		Epoch: 2, EpochEnd: 3, SetHash: f.zero.Set.Hash(), Total: 4, NextHash: proofs.Hash{5}, NextTotal: 6, Sequence: 7, ReadyWeight: 8,
		Members: []api.Member{{Node: f.zero.Set.At(0).Node, Weight: 9, Next: 10, Ready: true, Connected: true}, {Node: proofs.NodeKey{11}}},
	}, nil
}

func (f *fakeNode) Watch(ctx context.Context, fn func(api.Event) error) error {
	for height := uint64(1); height <= 3; height++ {
		if err := fn(api.Event{Kind: api.EventFinal, Height: height, Time: 5, Items: 6}); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

func (f *fakeNode) Propose(_ context.Context, act types.Act) (proofs.Hash, error) {
	act.Network, act.Sequence = f.zero.ID, uint64(len(f.acts))
	a := api.ActState{ID: act.ID(), Act: act, State: api.ActOpen, Approvals: []api.Approval{{Node: f.zero.Set.At(0).Node, Weight: 1}}, Weight: 1, Total: 1}
	f.acts = append(f.acts, a)
	return a.ID, nil
}

func (f *fakeNode) Approve(_ context.Context, id proofs.Hash) error {
	for i := range f.acts {
		if f.acts[i].ID == id {
			f.acts[i].State = api.ActCertified
			return nil
		}
	}
	return fmt.Errorf("act %x: %w", id[:4], api.ErrNotFound)
}

func (f *fakeNode) Acts(context.Context) ([]api.ActState, error) { return f.acts, nil }

func (f *fakeNode) SetPeers(_ context.Context, network proofs.NetworkID, addrs []string) error {
	f.peers[network] = append(f.peers[network], addrs...)
	return nil
}

var errDisk = errors.New("disk /secret/path failed")
