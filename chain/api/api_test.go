package api_test

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server on a loopback port and returns a client of it. stop closes
// the server and waits.
func serve(t *testing.T, f *fakeNode, o api.Options) (c *api.Client, stop func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return start(t, api.NewServer(f, o), l, l.Addr().String())
}

func start(t *testing.T, s *api.Server, l net.Listener, addr string) (*api.Client, func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	c, err := api.Dial(addr)
	if err != nil {
		t.Fatal(err)
	}
	closed := false
	stop := func() {
		if closed {
			return
		}
		closed = true
		c.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return c, stop
}

func same[T any](t *testing.T, what string, got, want T, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, want %+v", what, got, want)
	}
}

func TestReadableAnswersArriveUnchanged(t *testing.T) {
	f := newFake(t)
	c, _ := serve(t, f, api.Options{})
	ctx := t.Context()

	wantInfo, _ := f.Info(ctx)
	info, err := c.Info(ctx)
	same(t, "info", info, wantInfo, err)
	wantStatus, _ := f.Status(ctx, f.receipts[1].ID)
	status, err := c.Status(ctx, f.receipts[1].ID)
	same(t, "status", status, wantStatus, err)
	wantAccount, _ := f.Account(ctx, proofs.AccountID{3})
	account, err := c.Account(ctx, proofs.AccountID{3})
	same(t, "account", account, wantAccount, err)
	wantLinks, _ := f.Links(ctx)
	links, err := c.Links(ctx)
	same(t, "links", links, wantLinks, err)
	wantSet, _ := f.Validators(ctx)
	set, err := c.Validators(ctx)
	same(t, "validators", set, wantSet, err)
	wantTrace, _ := f.TraceMessage(ctx, peerID, 4, 5)
	trace, err := c.TraceMessage(ctx, peerID, 4, 5)
	same(t, "trace of a message", trace.Steps, wantTrace.Steps, err)
}

func TestTraceIsSafeToPrint(t *testing.T) {
	f := newFake(t)
	c, _ := serve(t, f, api.Options{})
	trace, err := c.Trace(t.Context(), proofs.Hash{9})
	if err != nil {
		t.Fatal(err)
	}
	want, _ := f.Trace(t.Context(), proofs.Hash{9})
	want.Steps[1].Detail = "plain\uFFFD[31m red"
	same(t, "trace", trace, want, nil)
}

func TestProofsVerifyAfterTheJourney(t *testing.T) {
	f := newFake(t)
	c, _ := serve(t, f, api.Options{})
	ctx := t.Context()

	z, err := c.Zero(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.CheckID(f.zero.ID); err != nil {
		t.Errorf("zero-header: %v", err)
	}
	h, err := c.Header(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	v := f.verified(t, h)
	blocks, err := c.KeyBlocks(ctx, 1, 10)
	if err != nil || len(blocks) != 1 {
		t.Fatalf("key blocks: got %d, %v", len(blocks), err)
	}
	trust := proofs.NewTrust(f.zero)
	if _, _, err := trust.Advance(&blocks[0], proofs.Clock{Now: uint64(time.Now().UnixMilli()), Historical: true}); err != nil {
		t.Errorf("key block: %v", err)
	}
	p, err := c.Prove(ctx, [][]byte{presentKey, absentKey})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(v); err != nil {
		t.Errorf("state proof: %v", err)
	}
	s, err := c.Slice(ctx, peerID, 0, 10)
	if err != nil || string(s.MarshalCanoto()) != string(f.slice.MarshalCanoto()) {
		t.Errorf("slice: %v", err)
	}
}

func TestStateProofRefusesChanges(t *testing.T) {
	f := newFake(t)
	good := func() *api.StateProof {
		p, _ := f.Prove(t.Context(), [][]byte{presentKey, absentKey})
		return p
	}
	v := f.verified(t, &f.header)
	if err := good().Verify(v); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*api.StateProof){
		"value":             func(p *api.StateProof) { p.Entries[0].Value = []byte("13") },
		"present as absent": func(p *api.StateProof) { p.Entries[0].Present = false },
		"absent as present": func(p *api.StateProof) { p.Entries[1].Present = true },
		"header":            func(p *api.StateProof) { p.Header.Header.StateRoot[0] ^= 1 },
	} {
		p := good()
		change(p)
		if p.Verify(v) == nil {
			t.Errorf("%s changed: accepted", name)
		}
	}
}

func TestReceiptsVerifyForEveryRun(t *testing.T) {
	f := newFake(t)
	c, _ := serve(t, f, api.Options{})
	v := f.verified(t, &f.header)
	size := uint64(len(f.receipts))
	for from := range size + 1 {
		for limit := 1; limit <= int(size); limit++ {
			p, err := c.Receipts(t.Context(), from, limit)
			if err != nil {
				t.Fatal(err)
			}
			if err := p.Verify(v); err != nil {
				t.Errorf("receipts from %d, %d: %v", from, limit, err)
			}
		}
	}
	p, err := c.Receipts(t.Context(), 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	p.Receipts[1].Code ^= 1
	if err := p.Verify(v); !errors.Is(err, proofs.ErrRoot) {
		t.Errorf("changed receipt: got %v, want %v", err, proofs.ErrRoot)
	}
}

func TestReceiptsTooLargeForOneAnswerComeInParts(t *testing.T) {
	f := newFake(t)
	f.moreIn = 3
	c, _ := serve(t, f, api.Options{})
	p, err := c.Receipts(t.Context(), 0, 5)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Receipts) != 2 {
		t.Errorf("got %d receipts, want 2", len(p.Receipts))
	}
	if err := p.Verify(f.verified(t, &p.Header)); err != nil {
		t.Error(err)
	}
}

func TestSubmit(t *testing.T) {
	f := newFake(t)
	c, _ := serve(t, f, api.Options{})
	x := types.External{Network: f.zero.ID, Salt: 5}
	a, err := c.Submit(t.Context(), x.MarshalCanoto())
	if err != nil {
		t.Fatal(err)
	}
	if a.ID != x.ID() || a.Body != x.Body() || string(a.Receipt) != "promised" {
		t.Errorf("admission: got %+v", a)
	}
	for name, wire := range map[string][]byte{"nothing": nil, "junk": []byte("junk"), "too much": make([]byte, types.MaxExternalBytes+1)} {
		if _, err := c.Submit(t.Context(), wire); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("%s: got %v, want %v", name, err, api.ErrInvalid)
		}
	}
	if len(f.submitted) != 1 {
		t.Errorf("got %d messages through, want 1", len(f.submitted))
	}
}

func TestAdminService(t *testing.T) {
	f := newFake(t)
	path := filepath.Join(t.TempDir(), api.AdminSocket)
	l, err := api.ListenAdmin(path)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := start(t, api.NewAdminServer(f, f, api.Options{}), l, "unix:"+path)
	ctx := t.Context()
	act := types.Act{Kind: types.ActRegister, Peer: peerID, NetworkKind: "native", Window: 9, GasRate: 8, TrustPeriod: 7, Expiry: 6}
	id, err := c.Propose(ctx, act)
	if err != nil {
		t.Fatal(err)
	}
	act.Network = f.zero.ID
	if id != act.ID() {
		t.Errorf("the act arrived changed: %+v", f.acts[0].Act)
	}
	member := f.zero.Set.At(0)
	member.Weight = 5
	if _, err := c.Propose(ctx, types.Act{Kind: types.ActValidator, Validator: &member}); err != nil || *f.acts[1].Act.Validator != member {
		t.Errorf("the validator arrived changed: %v", err)
	}
	for _, bad := range []types.Act{{Kind: types.ActRemoveValidator}, {Kind: types.ActPause, Peer: peerID, Validator: &member}} {
		if _, err := c.Propose(ctx, bad); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("kind %d, validator %v: got %v, want ErrInvalid", bad.Kind, bad.Validator, err)
		}
	}
	f.acts = f.acts[:1]
	if err := c.Approve(ctx, id); err != nil {
		t.Fatal(err)
	}
	if err := c.Approve(ctx, proofs.Hash{1}); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("unknown act: got %v", err)
	}
	acts, err := c.Acts(ctx)
	if err != nil || len(acts) != 1 || acts[0].ID != id || acts[0].State != api.ActCertified || len(acts[0].Approvals) != 1 {
		t.Errorf("acts: got %+v, %v", acts, err)
	}
	if err := c.SetPeers(ctx, peerID, []string{"/dns4/b/udp/1/quic-v1/p2p/x"}); err != nil || len(f.peers[peerID]) != 1 {
		t.Errorf("peers: got %v, %v", f.peers, err)
	}
	if err := c.SetPeers(ctx, peerID, nil); !errors.Is(err, api.ErrInvalid) {
		t.Errorf("no address: got %v", err)
	}
	if _, err := c.Info(ctx); err != nil {
		t.Errorf("info on the admin socket: %v", err)
	}
}

func TestAdminIsNotServedOverTCP(t *testing.T) {
	f := newFake(t)
	c, _ := serve(t, f, api.Options{})
	if _, err := c.Info(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Propose(t.Context(), types.Act{Kind: types.ActPause, Peer: peerID}); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, api.ErrUnavailable)
	}
	if len(f.acts) != 0 {
		t.Error("an act came through")
	}
}
