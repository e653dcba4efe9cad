package node

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// join makes a node with an empty disk that knows where some of the network's nodes are,
// and starts it. It is no validator.
func (n *testNetwork) join(name string, knows ...*testNode) (*testNode, proofs.Validator) {
	n.t.Helper()
	doc, err := bootstrap.LoadZeroState(filepath.Join(n.nodes[0].dir, bootstrap.ZeroStateFile))
	if err != nil {
		n.t.Fatal(err)
	}
	peers := make(map[proofs.NodeKey][]string)
	for _, node := range knows {
		for _, full := range node.up().host.Addrs() {
			key, addr, err := p2p.SplitAddr(full)
			if err != nil {
				n.t.Fatal(err)
			}
			peers[proofs.NodeKey(key)] = append(peers[proofs.NodeKey(key)], addr)
		}
	}
	dir := filepath.Join(n.t.TempDir(), name)
	j, err := bootstrap.Join(bootstrap.JoinOptions{ZeroState: doc, Dir: dir, Listen: []string{"/ip4/127.0.0.1/udp/0/quic-v1"}, Peers: peers})
	if err != nil {
		n.t.Fatal(err)
	}
	node := &testNode{t: n.t, name: name, dir: dir, journal: n.journal, opt: Options{Admin: n.nodes[0].opt.Admin + name, Version: "test"}}
	node.start()
	n.nodes = append(n.nodes, node)
	v, err := bootstrap.LoadValidator(dir)
	if err != nil || *v != j.Validator {
		n.t.Fatalf("public keys: %+v, %v", v, err)
	}
	return node, v.Member()
}

// inOffice waits until the nodes agree that these validators, and their weights,
// are in office.
func (n *testNetwork) inOffice(want map[proofs.NodeKey]uint64) {
	n.t.Helper()
	for _, node := range n.nodes {
		eventually(n.t, node.name+" sees the new set in office", func() string {
			m, err := node.api().Validators(context.Background())
			if err != nil {
				return err.Error()
			}
			if m.Pending() {
				return fmt.Sprintf("pending: %+v", m)
			}
			seen := 0
			for _, v := range m.Members {
				if v.Weight != want[v.Node] {
					return fmt.Sprintf("%+v", m)
				}
				seen++
			}
			if seen != len(want) {
				return fmt.Sprintf("%+v", m)
			}
			return ""
		})
	}
}

// traffic sends transfers by one node after the other until it is told to end.
type traffic struct {
	n    *testNetwork
	to   *testNetwork
	from int
	stop chan struct{}
	done sync.WaitGroup
	mu   sync.Mutex
	ids  []proofs.Hash
}

func (n *testNetwork) traffic(from int, to *testNetwork, every time.Duration) *traffic {
	tr := &traffic{n: n, to: to, from: from, stop: make(chan struct{})}
	nodes := n.nodes[:validators]
	tr.done.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-tr.stop:
				return
			case <-time.After(every):
			}
			// A node that has left the set refuses; the next one is asked then. Its answer
			// counts only if it comes: what was not answered is not counted.
			wire := n.transfer(from, to.zero, 3, 1).MarshalCanoto()
			for k := range nodes {
				ctx, cancel := context.WithTimeout(context.Background(), patience)
				a, err := nodes[(i+k)%len(nodes)].api().Submit(ctx, wire)
				cancel()
				if err == nil {
					tr.mu.Lock()
					tr.ids = append(tr.ids, a.ID)
					tr.mu.Unlock()
					break
				}
			}
		}
	})
	return tr
}

func (tr *traffic) end() []proofs.Hash {
	close(tr.stop)
	tr.done.Wait()
	return tr.ids
}

func weights(n *testNetwork) map[proofs.NodeKey]uint64 {
	out := make(map[proofs.NodeKey]uint64)
	for i := range n.zero.Set.Len() {
		out[n.zero.Set.At(i).Node] = n.zero.Set.At(i).Weight
	}
	return out
}

// A validator joins with an empty disk, one changes its weight, one leaves, while
// transfers flow, at home and to a peer network, whose trust follows the changes.
func TestValidatorsComeAndGo(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	short := func(p *proofs.Parameters) { p.EpochDuration, p.Heartbeat = 3000, 1000 }
	a, b := startNetwork(t, "a", short), startNetwork(t, "b", nil)
	link(a, b)
	a.pay(0)
	home, abroad := a.traffic(0, a, 40*time.Millisecond), a.traffic(1, b, 200*time.Millisecond)
	want := weights(a)

	fifth, member := a.join("a4", a.nodes...)
	eventually(t, "the new node follows", func() string {
		if got, head := fifth.up().state.Version(), a.nodes[0].up().state.Version(); got+10 < head || got == 0 {
			return fmt.Sprintf("executed %d of %d", got, head)
		}
		return ""
	})
	if s := fifth.up().status.Load(); s.Self >= 0 {
		t.Fatal("it is a validator without a word of governance")
	}
	member.Weight = 2
	a.governBy(a.nodes[:validators], types.Act{Kind: types.ActValidator, Validator: &member})
	want[member.Node] = 2
	a.inOffice(want)
	if s := fifth.up().status.Load(); s.Self < 0 || !s.Order.Validator {
		t.Fatalf("status %+v", s)
	}

	// The new validator has its say; a weight is changed by its node's key alone.
	third := a.zero.Set.At(2).Node
	a.governBy(a.nodes[1:], types.Act{Kind: types.ActValidator, Validator: &proofs.Validator{Node: third, Weight: 3}})
	want[third] = 3
	a.inOffice(want)

	leaver := a.zero.Set.At(3).Node
	a.governBy(a.nodes, types.Act{Kind: types.ActRemoveValidator, Validator: &proofs.Validator{Node: leaver}})
	delete(want, leaver)
	a.inOffice(want)
	time.Sleep(2 * time.Second) // some more in the new epoch

	sent := home.end()
	crossing := abroad.end()
	if len(sent) < 50 || len(crossing) < 10 {
		t.Fatalf("only %d transfers at home and %d abroad flowed", len(sent), len(crossing))
	}
	for _, id := range sent {
		if r := a.receipt(id); r.Code != proofs.CodeOK {
			t.Fatalf("transfer %x: %v", id[:4], r.Code)
		}
	}
	for _, id := range crossing {
		a.crossed(id, b)
	}
	a.settled()
	for i := range a.nodes {
		funds, ok := proofs.NewAmount(1_000_000_000).Add(proofs.NewAmount(uint64(len(sent))))
		if got := a.balance(i, a.account(3), proofs.NativeAsset); !ok || got != funds {
			t.Fatalf("%s: account 3 has %s after %d transfers, want %s", a.nodes[i].name, got, len(sent), funds)
		}
	}
	followed(ctx, t, a, b)

	// Who knows none of the first validators follows all the same.
	late, _ := a.join("a5", fifth)
	eventually(t, "a late node follows", func() string {
		if got, head := late.up().state.Version(), fifth.up().state.Version(); got+10 < head || got == 0 {
			return fmt.Sprintf("executed %d of %d", got, head)
		}
		return ""
	})
	if got := len(late.up().host.Connected()); got != 1 {
		t.Fatalf("it is connected to %d nodes", got)
	}

	// Whoever left follows on, and can come back.
	if s := a.nodes[3].up().status.Load(); s.Self >= 0 {
		t.Fatal("the leaver is still a validator")
	}
}

// governBy is govern with these validators.
func (n *testNetwork) governBy(by []*testNode, act types.Act) {
	n.t.Helper()
	id, err := by[0].api().Propose(context.Background(), act)
	if err != nil {
		n.t.Fatal(err)
	}
	n.approve(id, by[1:]...)
	n.actIs(by[0], id, api.ActExecuted)
}

// followed checks that a stranger with the zero-header alone, and peer's state,
// come to the set in office.
func followed(ctx context.Context, t *testing.T, n, peer *testNetwork) {
	t.Helper()
	trust := proofs.NewTrust(n.zero)
	kbs, err := n.nodes[1].api().KeyBlocks(ctx, 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for i := range kbs {
		if trust, _, err = trust.Advance(&kbs[i], proofs.Clock{Now: uint64(time.Now().UnixMilli())}); err != nil {
			t.Fatal(err)
		}
	}
	set := n.nodes[1].up().status.Load().Set.Hash()
	if trust.Set.Hash() != set {
		t.Fatalf("a light client is at epoch %d with another set", trust.Epoch)
	}
	for _, node := range peer.nodes {
		eventually(t, node.name+" follows", func() string {
			v, err := node.up().newest()
			if err != nil {
				return err.Error()
			}
			p, ok, err := node.up().rules.Peer(v, n.zero.ID)
			if err != nil || !ok || p.SetHash != set {
				return fmt.Sprintf("%+v, %v", p, err)
			}
			return ""
		})
	}
}

// A chosen set whose new members do not run never gets into office, and the network
// goes on; governance undoes the choice. SECURITY: Ronin 2024, rogue key.
func TestSetThatIsNotReady(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	n := startNetwork(t, "a", func(p *proofs.Parameters) { p.EpochDuration, p.Heartbeat = 1500, 500 })
	n.pay(0) // all are connected
	keys, err := bootstrap.GenerateKeys(randomness{})
	if err != nil {
		t.Fatal(err)
	}
	ghost := keys.Validator(2)
	member := ghost.Member()
	foreign := member
	foreign.Possession = n.zero.Set.At(0).Possession
	id, err := n.nodes[0].api().Propose(ctx, types.Act{Kind: types.ActValidator, Validator: &foreign})
	if err != nil {
		t.Fatal(err)
	}
	n.approve(id, n.nodes[1:]...)
	if got := n.actIs(n.nodes[2], id, api.ActRefused); got.Code != proofs.CodeMalformed {
		t.Fatalf("a foreign proof of possession: got %+v", got)
	}
	n.govern(types.Act{Kind: types.ActValidator, Validator: &member}) // 2 of 6 never get ready
	begun := n.nodes[0].up().status.Load().Order.Epoch
	eventually(t, "two more epochs of the old set", func() string {
		m, err := n.nodes[1].api().Validators(ctx)
		if err != nil {
			return err.Error()
		}
		if !m.Pending() || m.SetHash != n.zero.Set.Hash() || m.ReadyWeight > 4 {
			t.Fatalf("membership %+v", m)
		}
		if m.Epoch < begun+2 || m.ReadyWeight != 4 {
			return fmt.Sprintf("%+v", m)
		}
		return ""
	})
	n.pay(0)
	n.govern(types.Act{Kind: types.ActRemoveValidator, Validator: &proofs.Validator{Node: member.Node}})
	n.inOffice(weights(n))
	if _, err := n.nodes[0].api().Propose(ctx, types.Act{Kind: types.ActValidator, Validator: &proofs.Validator{Node: member.Node, Weight: 1}}); err == nil {
		t.Fatal("a weight for nobody")
	}
	n.pay(1)
	n.settled()
}

// What a validator took before it left is executed, once, although no other holds
// it: the leaver could not get it into its lane any more.
func TestLeaverHandsOver(t *testing.T) {
	t.Parallel()
	n := startNetwork(t, "a", func(p *proofs.Parameters) { p.EpochDuration, p.Heartbeat = 2000, 500 })
	n.pay(0)
	leaver := n.zero.Set.At(3).Node
	n.govern(types.Act{Kind: types.ActRemoveValidator, Validator: &proofs.Validator{Node: leaver}})
	eventually(t, "it has left", func() string {
		if s := n.nodes[3].up().status.Load(); s.Self >= 0 {
			return fmt.Sprint(s.Order.Epoch)
		}
		return ""
	})
	// As if it had been stored in the instant in which the epoch ended.
	node := n.nodes[3].up()
	b := types.Batch{Items: []types.Item{{Kind: types.ItemExternal, Data: n.transfer(0, n.zero, 1, 7).MarshalCanoto()}}}
	x, err := types.DecodeExternal(b.Items[0].Data)
	if err != nil {
		t.Fatal(err)
	}
	if err := node.ingress.storeOwn(b.Digest(n.zero.ID), b.MarshalCanoto(), nil); err != nil {
		t.Fatal(err)
	}
	if err := n.nodes[3].stop(); err != nil {
		t.Fatal(err)
	}
	n.nodes[3].start() // it is durable
	if r := n.receipt(x.ID()); r.Code != proofs.CodeOK {
		t.Fatalf("got %v", r.Code)
	}
	eventually(t, "nothing is left to hand over", func() string {
		if own := n.nodes[3].up().ingress.ownBatches(); len(own) > 0 {
			return fmt.Sprintf("%d batches", len(own))
		}
		return ""
	})
}
