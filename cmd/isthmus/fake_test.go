package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// fakeNode serves one network from memory: enough for the commands' side of a
// conversation. Methods that it has not are nil, and fail the test.
type fakeNode struct {
	api.Backend
	api.Admin

	zero  *proofs.Zero
	links []api.Link
	sent  []*types.External
	code  proofs.Code
	trace *api.Trace
	there *api.Trace
	acts  []api.ActState

	membership *api.Membership

	peers   map[proofs.NetworkID][]string
	lieZero bool
	halted  bool
}

func newFakeNode(t *testing.T, name string, decimals uint8) *fakeNode {
	t.Helper()
	key, err := bls.NewSecretKey(append(make([]byte, bls.SecretKeySize-1), name[0]))
	if err != nil {
		t.Fatal(err)
	}
	var params proofs.Parameters
	params.Name, params.Symbol, params.Decimals = name, "IST", decimals
	params.EpochDuration, params.TrustPeriod, params.MaxClockDrift, params.Heartbeat = 1000, 8000, 500, 900
	params.ViewTimeout, params.MaxLag, params.ExpiryWindow, params.MessageLifetime = 250, 16, 30, 1000
	params.BlockMessages, params.BlockGas, params.LinkWindow, params.ThresholdNum, params.ThresholdDen = 1, 1, 77, 2, 3
	node := proofs.NodeKey{name[0]}
	member := proofs.Validator{Node: node, Key: key.PublicKey().Bytes(), Weight: 1, Possession: key.ProvePossession(node)}
	z := proofs.ZeroHeader{Version: proofs.Version, Time: 1, Parameters: params, Validators: []proofs.Validator{member}, StateRoot: proofs.Hash{1}}
	zero, err := z.Check()
	if err != nil {
		t.Fatal(err)
	}
	return &fakeNode{zero: zero, peers: map[proofs.NetworkID][]string{}}
}

// link makes the peer's link, as a node of f's network would list it.
func (f *fakeNode) link(peer *fakeNode) {
	f.links = append(f.links, api.Link{
		Peer: peer.zero.ID, Name: peer.zero.Parameters.Name, Symbol: "PEER", Decimals: peer.zero.Parameters.Decimals,
		State: api.PeerActive, Incarnation: 1, OutEnd: 3, OldestPending: 1500, FollowerError: "no route",
	})
}

func (f *fakeNode) Info(context.Context) (*api.Info, error) {
	return &api.Info{Network: f.zero.ID, Parameters: f.zero.Parameters, Node: f.zero.Set.At(0).Node, Validators: 1, Version: "v9", Height: 12}, nil
}

func (f *fakeNode) Zero(context.Context) (*proofs.ZeroHeader, error) {
	z := f.zero.ZeroHeader
	if f.lieZero {
		z.Parameters.Decimals++
	}
	return &z, nil
}

func (f *fakeNode) Links(context.Context) ([]api.Link, error) { return f.links, nil }

func (f *fakeNode) Validators(context.Context) (*api.Membership, error) { return f.membership, nil }

func (f *fakeNode) Submit(_ context.Context, wire []byte) (*api.Admission, error) {
	x, err := types.DecodeExternal(wire)
	if err != nil {
		return nil, err
	}
	if err := x.VerifySignature(); err != nil {
		return nil, err
	}
	f.sent = append(f.sent, x)
	return &api.Admission{ID: x.ID(), Body: x.Body()}, nil
}

func (f *fakeNode) WatchStatus(ctx context.Context, id proofs.Hash, fn func(api.Status) error) error {
	if f.halted {
		err := fn(api.Status{ID: id, Stage: api.StageAcknowledged})
		<-ctx.Done()
		return errors.Join(err, ctx.Err())
	}
	for stage := api.StageReceived; stage <= api.StageCertified; stage++ {
		st := api.Status{ID: id, Stage: stage}
		if stage >= api.StageExecuted {
			st.Height, st.Code = 5, f.code
		}
		if err := fn(st); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeNode) Account(_ context.Context, id proofs.AccountID) (*api.Account, error) {
	foreign := proofs.NewAssetID(f.links[0].Peer, proofs.Hash{})
	return &api.Account{Account: id, Executed: 5, Balances: []api.Balance{
		{Asset: proofs.NativeAsset, Amount: proofs.NewAmount(1_500_000)}, {Asset: foreign, Amount: proofs.NewAmount(25)},
	}}, nil
}

func (f *fakeNode) Trace(_ context.Context, id proofs.Hash) (*api.Trace, error) {
	if f.trace == nil || f.trace.ID != id {
		return nil, fmt.Errorf("message %x: %w", id[:4], api.ErrNotFound)
	}
	return f.trace, nil
}

func (f *fakeNode) TraceMessage(context.Context, proofs.NetworkID, uint64, uint64) (*api.Trace, error) {
	if f.there == nil {
		return nil, fmt.Errorf("message: %w", api.ErrNotFound)
	}
	return f.there, nil
}

func (f *fakeNode) Propose(_ context.Context, act types.Act) (proofs.Hash, error) {
	act.Network = f.zero.ID
	f.acts = append(f.acts, api.ActState{ID: act.ID(), Act: act, State: api.ActOpen, Total: 1})
	return act.ID(), nil
}

func (f *fakeNode) Approve(_ context.Context, id proofs.Hash) error {
	for i := range f.acts {
		if f.acts[i].ID == id {
			f.acts[i].Approvals = append(f.acts[i].Approvals, api.Approval{Node: f.zero.Set.At(0).Node, Weight: 1})
			return nil
		}
	}
	return fmt.Errorf("act: %w", api.ErrNotFound)
}

func (f *fakeNode) Acts(context.Context) ([]api.ActState, error) { return f.acts, nil }

func (f *fakeNode) SetPeers(_ context.Context, id proofs.NetworkID, addrs []string) error {
	f.peers[id] = append(f.peers[id], addrs...)
	return nil
}

// serve runs both of the node's services and returns the API's address and the
// data folder with the admin socket.
func (f *fakeNode) serve(t *testing.T) (addr, dir string) {
	t.Helper()
	dir = t.TempDir()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	admin, err := api.ListenAdmin(filepath.Join(dir, api.AdminSocket))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 2)
	go func() { ended <- api.NewServer(f, api.Options{}).Serve(ctx, tcp) }()
	go func() { ended <- api.NewAdminServer(f, f, api.Options{}).Serve(ctx, admin) }()
	t.Cleanup(func() {
		cancel()
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return tcp.Addr().String(), dir
}

// isthmus runs one command.
func isthmus(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	t.Setenv("ISTHMUS_NODE", "")
	t.Setenv("ISTHMUS_DIR", "")
	var out, errs bytes.Buffer
	p := &program{stdout: &out, stderr: &errs, now: func() time.Time { return time.UnixMilli(1_000_000) }, stillness: 100 * time.Millisecond}
	code = p.run(t.Context(), append([]string{"isthmus"}, args...))
	return code, out.String(), errs.String()
}

// must runs one command that works.
func must(t *testing.T, args ...string) string {
	t.Helper()
	code, stdout, stderr := isthmus(t, args...)
	if code != 0 {
		t.Fatalf("isthmus %v: exit code %d: %s", args, code, stderr)
	}
	return stdout
}
