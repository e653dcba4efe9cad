package node

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// testNetwork is a network of real validators in this process.
type testNetwork struct {
	t        testing.TB
	zero     *proofs.Zero
	nodes    []*testNode
	accounts []ed25519.PrivateKey
	journal  *journal
	salt     atomic.Uint64
}

const validators = 4

// makeNetwork makes a network of four and does not start it.
func makeNetwork(t testing.TB, name string, adjust func(*proofs.Parameters)) *testNetwork {
	t.Helper()
	net := &testNetwork{t: t, journal: new(journal)}
	p := bootstrap.DefaultParameters(name, "T"+strings.ToUpper(name), 6)
	if adjust != nil {
		adjust(&p)
	}
	var allocations []bootstrap.Allocation
	for i := range 4 {
		key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize))
		net.accounts = append(net.accounts, key)
		allocations = append(allocations, bootstrap.Allocation{Account: net.account(i), Amount: proofs.NewAmount(1_000_000_000)})
	}
	created, err := bootstrap.NewNetwork(bootstrap.Options{
		Parameters: p, Validators: validators, Time: uint64(time.Now().UnixMilli()), Allocations: allocations, Dir: filepath.Join(t.TempDir(), name),
	})
	if err != nil {
		t.Fatal(err)
	}
	net.zero = created.Zero
	sockets, err := os.MkdirTemp("", "n") // paths of sockets are short
	if err != nil {
		t.Fatal(err)
	}
	for i, dir := range created.Nodes {
		net.nodes = append(net.nodes, &testNode{
			t: t, name: name + strconv.Itoa(i), dir: dir, journal: net.journal,
			opt: Options{Admin: filepath.Join(sockets, strconv.Itoa(i)), Version: "test"},
		})
	}
	net.address()
	t.Cleanup(func() {
		for _, n := range net.nodes {
			if err := n.stop(); err != nil {
				t.Errorf("%s ended with: %v", n.name, err)
			}
		}
		os.RemoveAll(sockets)
		if t.Failed() {
			t.Logf("log of %s:\n%s", name, net.journal.last(200))
		}
	})
	return net
}

// address gives every node a port of the kernel's choice.
func (n *testNetwork) address() {
	keys := make([]proofs.NodeKey, len(n.nodes))
	addrs := make([]string, len(n.nodes))
	for i := range n.nodes {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			n.t.Fatal(err)
		}
		defer c.Close() // all are held until all are chosen
		keys[i] = n.zero.Set.At(i).Node
		addrs[i] = fmt.Sprintf("/ip4/127.0.0.1/udp/%d/quic-v1", c.LocalAddr().(*net.UDPAddr).Port)
	}
	for i, node := range n.nodes {
		cfg := &bootstrap.NodeConfig{Listen: []string{addrs[i]}, Peers: make(map[proofs.NodeKey][]string)}
		for j := range n.nodes {
			if i != j {
				cfg.Peers[keys[j]] = []string{addrs[j]}
			}
		}
		if err := bootstrap.SaveNodeConfig(node.dir, cfg); err != nil {
			n.t.Fatal(err)
		}
	}
}

// startNetwork makes a network and starts all its nodes.
func startNetwork(t testing.TB, name string, adjust func(*proofs.Parameters)) *testNetwork {
	t.Helper()
	n := makeNetwork(t, name, adjust)
	n.start()
	return n
}

func (n *testNetwork) start() {
	n.t.Helper()
	for _, node := range n.nodes {
		node.start()
	}
}

func (n *testNetwork) account(i int) proofs.AccountID {
	return proofs.AccountOf([32]byte(n.accounts[i].Public().(ed25519.PublicKey)))
}

// transfer is account from's signed message that sends amount to account `to`,
// which has the same key in every network.
func (n *testNetwork) transfer(from int, network *proofs.Zero, to int, amount uint64) *types.External {
	x := &types.External{
		Network: n.zero.ID, Salt: n.salt.Add(1), Expiry: uint64(time.Now().Unix()) + 120,
		Transfer: types.Transfer{Network: network.ID, Recipient: n.account(to), Asset: proofs.NativeAsset, Amount: proofs.NewAmount(amount)},
	}
	if network.ID != n.zero.ID {
		x.Transfer.Gas = execution.GasTransfer
	}
	x.Sign(n.accounts[from])
	return x
}

// submit gives a message to node i and returns its id.
func (n *testNetwork) submit(i int, x *types.External) proofs.Hash {
	n.t.Helper()
	a, err := n.nodes[i].api().Submit(context.Background(), x.MarshalCanoto())
	if err != nil {
		n.t.Fatalf("submit to %s: %v", n.nodes[i].name, err)
	}
	return a.ID
}

// receipt waits until every node that is up has executed the message.
func (n *testNetwork) receipt(id proofs.Hash) (r *proofs.Receipt) {
	n.t.Helper()
	eventually(n.t, fmt.Sprintf("receipt of %x", id[:4]), func() string {
		for _, node := range n.nodes {
			if up := node.up(); up != nil {
				found, ok, err := up.receiptOf(id)
				if err != nil {
					return err.Error()
				}
				if !ok {
					return node.name + " has none"
				}
				r = found
			}
		}
		return ""
	})
	return r
}

// pay sends amount within the network by node i and waits until it is executed.
func (n *testNetwork) pay(i int) *proofs.Receipt {
	n.t.Helper()
	r := n.receipt(n.submit(i, n.transfer(0, n.zero, 1, 1)))
	if r.Code != proofs.CodeOK {
		n.t.Fatalf("transfer: got %v", r.Code)
	}
	return r
}

// settled waits until all nodes that are up have executed the same newest block,
// and checks that they agree on its root. It returns the height.
func (n *testNetwork) settled() (height uint64) {
	n.t.Helper()
	eventually(n.t, "nodes at one height", func() string {
		roots := make(map[proofs.Hash]bool)
		height = 0
		for _, node := range n.nodes {
			up := node.up()
			if up == nil {
				continue
			}
			height = max(height, up.state.Version())
		}
		for _, node := range n.nodes {
			up := node.up()
			if up == nil {
				continue
			}
			v, err := up.viewAt(height)
			if err != nil || up.status.Load().Order.Height != height {
				return fmt.Sprintf("%s: at %d, executed %d of %d", node.name, up.status.Load().Order.Height, up.state.Version(), height)
			}
			roots[v.Root()] = true
		}
		if len(roots) != 1 {
			n.t.Fatalf("height %d: %d different roots", height, len(roots))
		}
		return ""
	})
	return height
}

func (n *testNetwork) balance(i int, account proofs.AccountID, asset proofs.AssetID) proofs.Amount {
	n.t.Helper()
	v, err := n.nodes[i].up().newest()
	if err != nil {
		n.t.Fatal(err)
	}
	b, _, err := v.Get(proofs.BalanceKey(account, asset))
	if err != nil {
		n.t.Fatal(err)
	}
	var a proofs.Amount
	copy(a[:], b)
	return a
}

// introduce tells every node of n where the nodes of peer are.
func (n *testNetwork) introduce(peer *testNetwork) {
	n.t.Helper()
	for _, node := range n.nodes {
		for _, other := range peer.nodes {
			if err := node.api().SetPeers(context.Background(), peer.zero.ID, other.up().host.Addrs()); err != nil {
				n.t.Fatal(err)
			}
		}
	}
}

// register makes peer a peer of n by governance.
func (n *testNetwork) register(peer proofs.NetworkID) {
	n.t.Helper()
	n.govern(types.Act{Kind: types.ActRegister, Peer: peer, NetworkKind: "native", Window: n.zero.Parameters.LinkWindow, GasRate: 1})
}

// govern has one validator propose an act, the others approve it, and waits until
// all know that it is executed.
func (n *testNetwork) govern(act types.Act) {
	n.t.Helper()
	id, err := n.nodes[0].api().Propose(context.Background(), act)
	if err != nil {
		n.t.Fatal(err)
	}
	n.approve(id, n.nodes[1:]...)
	for _, node := range n.nodes {
		n.actIs(node, id, api.ActExecuted)
	}
}

// actIs waits until a node says that the act is in the state.
func (n *testNetwork) actIs(node *testNode, id proofs.Hash, want string) (got api.ActState) {
	n.t.Helper()
	eventually(n.t, fmt.Sprintf("%s: act %x is %s", node.name, id[:4], want), func() string {
		list, err := node.api().Acts(context.Background())
		if err != nil {
			return err.Error()
		}
		for _, a := range list {
			if got = a; a.ID == id && a.State == want {
				return ""
			}
		}
		return fmt.Sprintf("%+v", list)
	})
	return got
}

// approve has validators approve an act as soon as they have heard of it.
func (n *testNetwork) approve(id proofs.Hash, by ...*testNode) {
	n.t.Helper()
	for _, node := range by {
		eventually(n.t, node.name+" approves", func() string {
			if err := node.api().Approve(context.Background(), id); err != nil {
				return err.Error()
			}
			return ""
		})
	}
}

// link registers two networks with each other and waits until both nodes' links
// are active.
func link(a, b *testNetwork) {
	a.t.Helper()
	a.introduce(b)
	b.introduce(a)
	a.register(b.zero.ID)
	b.register(a.zero.ID)
	for _, pair := range [...][2]*testNetwork{{a, b}, {b, a}} {
		for _, node := range pair[0].nodes {
			eventually(a.t, node.name+" is linked", func() string {
				links, err := node.api().Links(context.Background())
				if err != nil {
					return err.Error()
				}
				if len(links) != 1 || links[0].State != api.PeerActive {
					return fmt.Sprintf("%+v", links)
				}
				return ""
			})
		}
	}
}

// crossed waits until a message that n emitted was executed by all nodes of to.
func (n *testNetwork) crossed(id proofs.Hash, to *testNetwork) {
	n.t.Helper()
	r := n.receipt(id)
	if r.Code != proofs.CodeOK || len(r.Emitted) != 1 {
		n.t.Fatalf("transfer: got %+v", r)
	}
	ref := r.Emitted[0]
	got := to.receipt(ref.ID)
	if got.Code != proofs.CodeOK || got.Index != ref.Index || got.Source != n.zero.ID {
		n.t.Fatalf("message at %s: got %+v", to.zero.Parameters.Name, got)
	}
}
