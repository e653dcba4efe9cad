package node

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

func TestGovernance(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := startNetwork(t, "a", nil)
	peer := proofs.NetworkID{3}
	propose := func(i int, act types.Act) proofs.Hash {
		t.Helper()
		id, err := n.nodes[i].api().Propose(ctx, act)
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	register := types.Act{Kind: types.ActRegister, Peer: peer, NetworkKind: "native", GasRate: 1}
	first := propose(0, register)
	register.Peer[0]++
	rival := propose(1, register) // of the same sequence number
	for range 3 {                 // approving again counts once
		n.approve(first, n.nodes[0], n.nodes[1])
	}
	if got := n.actIs(n.nodes[1], first, api.ActOpen); got.Weight != 2 || len(got.Approvals) != 2 {
		t.Errorf("two approved: got weight %d, %d approvals", got.Weight, len(got.Approvals))
	}
	// What is open survives a restart; so does who approved.
	if err := n.nodes[1].stop(); err != nil {
		t.Fatal(err)
	}
	n.nodes[1].start()
	if got := n.actIs(n.nodes[1], first, api.ActOpen); got.Weight != 2 {
		t.Errorf("after a restart: got weight %d, want 2", got.Weight)
	}
	n.approve(first, n.nodes[2])
	for _, node := range n.nodes {
		n.actIs(node, first, api.ActExecuted)
	}
	if got := n.actIs(n.nodes[1], rival, api.ActRefused); proofs.Code(got.Code) != proofs.CodeRefused {
		t.Errorf("the rival: got %v", got.Code)
	}
	n.receipt(first)
	n.settled()

	again := propose(2, types.Act{Kind: types.ActRegister, Peer: peer, NetworkKind: "native", GasRate: 1})
	n.approve(again, n.nodes[0], n.nodes[1])
	if got := n.actIs(n.nodes[3], again, api.ActRefused); proofs.Code(got.Code) != proofs.CodeRefused {
		t.Errorf("registered again: got %v", got.Code)
	}
	n.govern(types.Act{Kind: types.ActPause, Peer: peer})
	n.govern(types.Act{Kind: types.ActResume, Peer: peer})
}

func TestGovernanceRefuses(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := startNetwork(t, "a", nil)
	node := n.nodes[0].up()
	if _, err := n.nodes[0].api().Propose(ctx, types.Act{Kind: types.ActPause, Expiry: node.now() - 1}); !errors.Is(err, api.ErrExpired) {
		t.Errorf("expired: got %v, want ErrExpired", err)
	}
	if err := n.nodes[0].api().Approve(ctx, proofs.Hash{1}); !errors.Is(err, api.ErrNotFound) {
		t.Errorf("unknown: got %v, want ErrNotFound", err)
	}

	// What another validator sends: the untouched approval is taken, then each with
	// one thing changed is not.
	key, err := bootstrap.LoadKeys(n.nodes[1].dir)
	if err != nil {
		t.Fatal(err)
	}
	sign := func(change func(*approval)) []byte {
		p := approval{Act: types.Act{Network: n.zero.ID, Sequence: 1, Expiry: node.now() + 60_000, Kind: types.ActPause}, Voter: 1}
		if change != nil {
			change(&p)
		}
		p.Signature = key.BLS.Sign(p.Act.SigningBytes())
		return frame(msgAct, &p)
	}
	if err := node.acts.receive(sign(nil)); err != nil {
		t.Fatalf("untouched: %v", err)
	}
	open := len(node.acts.list())
	for _, c := range []struct {
		name   string
		change func(*approval)
		want   error
	}{
		{"wrong network", func(p *approval) { p.Act.Network[0]++ }, proofs.ErrNetwork},
		{"expired", func(p *approval) { p.Act.Expiry = 1 }, api.ErrExpired},
		{"beyond the set", func(p *approval) { p.Voter = validators }, proofs.ErrSigner},
		{"another's place", func(p *approval) { p.Act.Sequence++; p.Voter = 2 }, bls.ErrSignature},
	} {
		if err := node.acts.receive(sign(c.change)); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
	for _, b := range [][]byte{nil, {msgVote}, {msgAct, 0xff}} {
		if err := node.acts.receive(b); !errors.Is(err, proofs.ErrMalformed) {
			t.Errorf("%x: got %v, want ErrMalformed", b, err)
		}
	}
	if got := len(node.acts.list()); got != open {
		t.Errorf("refused approvals left %d acts, want %d", got, open)
	}
	for i := 0; ; i++ {
		_, err := n.nodes[0].api().Propose(ctx, types.Act{Kind: types.ActPause, Peer: proofs.NetworkID{byte(i)}, Window: uint64(i)})
		if errors.Is(err, api.ErrBusy) {
			break
		}
		if err != nil || i > maxOpenActs {
			t.Fatalf("act %d: %v, want ErrBusy at last", i, err)
		}
	}
}

// A node that is no validator approves and admits nothing.
func TestObserverHasNoSay(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := startNetwork(t, "a", nil)
	n.pay(0)
	dir := filepath.Join(t.TempDir(), "observer")
	keys, err := bootstrap.GenerateKeys(randomness{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := keys.Save(dir); err != nil {
		t.Fatal(err)
	}
	doc, err := bootstrap.LoadZeroState(filepath.Join(n.nodes[0].dir, bootstrap.ZeroStateFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Save(filepath.Join(dir, bootstrap.ZeroStateFile)); err != nil {
		t.Fatal(err)
	}
	cfg := &bootstrap.NodeConfig{Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}, Peers: make(map[proofs.NodeKey][]string)}
	for i, node := range n.nodes {
		c, err := bootstrap.LoadNodeConfig(node.dir)
		if err != nil {
			t.Fatal(err)
		}
		cfg.Peers[n.zero.Set.At(i).Node] = c.Listen
	}
	if err := bootstrap.SaveNodeConfig(dir, cfg); err != nil {
		t.Fatal(err)
	}
	admin := n.nodes[0].opt.Admin + "o"
	o := &testNode{t: t, name: "observer", dir: dir, journal: n.journal, opt: Options{Admin: admin}}
	o.start()
	defer func() {
		if err := o.stop(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := o.api().Propose(ctx, types.Act{Kind: types.ActPause}); !errors.Is(err, api.ErrRefused) {
		t.Errorf("an observer proposes: got %v, want ErrRefused", err)
	}
	if _, err := o.api().Submit(ctx, n.transfer(0, n.zero, 1, 1).MarshalCanoto()); !errors.Is(err, api.ErrUnavailable) {
		t.Errorf("an observer admits: got %v, want ErrUnavailable", err)
	}
	n.pay(1)
	n.settled()
}

func TestPeersAreKept(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := startNetwork(t, "a", nil)
	node := n.nodes[0]
	peer := proofs.NetworkID{9}
	addrs := n.nodes[1].up().host.Addrs()
	for range 2 { // once is enough
		if err := node.api().SetPeers(ctx, peer, addrs); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{"", "/ip4/127.0.0.1/udp/1/quic-v1", "nonsense"} {
		if err := node.api().SetPeers(ctx, peer, []string{bad}); !errors.Is(err, api.ErrInvalid) {
			t.Errorf("address %q: got %v, want ErrInvalid", bad, err)
		}
	}
	cfg, err := bootstrap.LoadNodeConfig(node.dir)
	if err != nil || !slices.Equal(cfg.Networks[peer], addrs) {
		t.Errorf("kept: got %v, %v, want %v", cfg.Networks[peer], err, addrs)
	}
	if err := node.stop(); err != nil {
		t.Fatal(err)
	}
	node.start()
	if got := node.up().foreign.count(peer); got != 1 {
		t.Errorf("after a restart: got %d nodes, want 1", got)
	}
}

// SECURITY: two copies of one key.
func TestSecondProcessIsLockedOut(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, "a", nil)
	for _, node := range n.nodes[:2] {
		if second, err := Open(node.dir, Options{}); !errors.Is(err, store.ErrLocked) {
			t.Errorf("got %v, %v, want ErrLocked", second, err)
		}
	}
	n.pay(0) // the first is unharmed
	n.settled()
}

// actOfNobody registers a network that does not exist.
var actOfNobody = types.Act{Kind: types.ActRegister, Peer: proofs.NetworkID{0xee}, NetworkKind: "native", GasRate: 1}
