package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/mesh/client"
	"github.com/isthmus-network/isthmus/proofs"
)

// foreign is what this node knows of other networks' nodes: where they are, and
// which of them gave bad answers. It is the mesh client's transport.
type foreign struct {
	n *Node

	mu     sync.Mutex
	nodes  map[proofs.NetworkID][]p2p.NodeKey
	bad    map[p2p.NodeKey]time.Time // penalised until
	turn   int
	joined map[proofs.NetworkID]bool
}

var _ client.Transport = (*foreign)(nil)

// penalty is how long a node that gave a bad answer is asked last.
const penalty = time.Minute

var errNoForeignNode = errors.New("no connected node of that network")

func newForeign(n *Node) *foreign {
	return &foreign{
		n: n, nodes: make(map[proofs.NetworkID][]p2p.NodeKey),
		bad: make(map[p2p.NodeKey]time.Time), joined: make(map[proofs.NetworkID]bool),
	}
}

// add learns addresses of nodes of a network, and listens to its announcements.
func (f *foreign) add(network proofs.NetworkID, addrs []string) error {
	f.mu.Lock()
	for _, addr := range addrs {
		node, _, err := p2p.SplitAddr(addr)
		if err != nil {
			f.mu.Unlock()
			return err
		}
		if !slices.Contains(f.nodes[network], node) {
			f.nodes[network] = append(f.nodes[network], node)
		}
	}
	join := !f.joined[network]
	f.joined[network] = true
	f.mu.Unlock()
	if !join {
		return nil
	}
	return f.n.host.Join(client.HeadsTopic(network), client.MaxAnnouncementBytes,
		func(_ p2p.NodeKey, msg []byte) error {
			_, err := client.DecodeAnnouncement(network, msg)
			return err
		},
		func(from p2p.NodeKey, msg []byte) { f.n.mesh.Announce(network, proofs.NodeKey(from).String(), msg) })
}

// count returns how many nodes of network are known.
func (f *foreign) count(network proofs.NetworkID) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.nodes[network])
}

// candidates returns the connected nodes of a network, those in good standing
// first, beginning with another one each time.
func (f *foreign) candidates(network proofs.NetworkID) []p2p.NodeKey {
	connected := f.n.host.Connected()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn++
	nodes := f.nodes[network]
	var good, bad []p2p.NodeKey
	for i := range nodes {
		node := nodes[(i+f.turn)%len(nodes)]
		if !slices.Contains(connected, node) {
			continue
		}
		if until, ok := f.bad[node]; ok && time.Now().Before(until) {
			bad = append(bad, node)
		} else {
			good = append(good, node)
		}
	}
	return append(good, bad...)
}

func meshProtocol(proto client.Proto) p2p.Protocol {
	return p2p.Protocol{
		Name: proto.Name(), MaxRequest: client.MaxRequestBytes, MaxResponse: proto.MaxResponse(),
		Timeout: 5 * time.Second, PerPeer: 8, Total: 64,
	}
}

// hedge is how long one node may take before the next is asked as well: a node
// that was killed looks connected for some seconds.
const (
	hedge     = 250 * time.Millisecond
	maxHedged = 3
)

// Request implements client.Transport. The first answer counts.
func (f *foreign) Request(ctx context.Context, peer proofs.NetworkID, proto client.Proto, req []byte) (string, []byte, error) {
	nodes := f.candidates(peer)
	if len(nodes) == 0 {
		return "", nil, fmt.Errorf("%s: %w (%d known)", peer.Short(), errNoForeignNode, f.count(peer))
	}
	nodes = nodes[:min(len(nodes), maxHedged)]
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type answer struct {
		from p2p.NodeKey
		resp []byte
		err  error
	}
	answers := make(chan answer, len(nodes))
	ask := func(node p2p.NodeKey) {
		f.n.group.Go(func() {
			resp, err := f.n.host.Request(ctx, node, meshProtocol(proto), req)
			answers <- answer{node, resp, err}
		})
	}
	var last answer
	for asked, pending := 0, 0; ; {
		var next <-chan time.Time
		if asked < len(nodes) && pending == 0 {
			ask(nodes[asked])
			asked, pending = asked+1, pending+1
		}
		if asked < len(nodes) {
			next = time.After(hedge)
		}
		select {
		case last = <-answers:
			pending--
			if last.err == nil || pending == 0 && asked == len(nodes) {
				return proofs.NodeKey(last.from).String(), last.resp, last.err
			}
		case <-next:
			ask(nodes[asked])
			asked, pending = asked+1, pending+1
		}
	}
}

// Penalize implements client.Transport.
func (f *foreign) Penalize(peer proofs.NetworkID, from string, err error) {
	f.n.log.Warn("bad answer of a peer network's node", "network", peer.Short(), "node", from, "error", err)
	var node proofs.NodeKey
	if node.UnmarshalText([]byte(from)) != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.bad[p2p.NodeKey(node)] = time.Now().Add(penalty)
}

// serveForeign registers what this node answers to nodes of other networks.
func (n *Node) serveForeign() error {
	for _, proto := range client.Protos() {
		n.host.HandleRequests(meshProtocol(proto), func(_ context.Context, _ p2p.NodeKey, req []byte) ([]byte, error) {
			return client.Answer(served{n}, proto, req)
		})
	}
	// Own announcements are published by all our validators; nobody handles them here.
	return n.host.Join(client.HeadsTopic(n.zero.ID), client.MaxAnnouncementBytes,
		func(_ p2p.NodeKey, msg []byte) error {
			_, err := client.DecodeAnnouncement(n.zero.ID, msg)
			return err
		},
		func(p2p.NodeKey, []byte) {})
}

// local is the mesh client's view of our own state (client.Local).
type local struct {
	n   *Node
	ctx context.Context
}

var _ client.Local = (*local)(nil)

// Now implements client.Local.
func (l *local) Now() uint64 { return l.n.now() }

// Turn implements client.Local.
func (l *local) Turn() (index, size int) {
	s := l.n.status.Load()
	return s.Self, s.Set.Len()
}

// Submit implements client.Local.
func (l *local) Submit(kind types.ItemKind, data []byte) error {
	return l.n.ingress.submitItem(l.ctx, kind, data)
}

// Peers implements client.Local.
func (l *local) Peers() ([]client.PeerView, error) {
	v, err := l.n.newest()
	if err != nil {
		return nil, err
	}
	peers, err := l.n.rules.Peers(v)
	if err != nil {
		return nil, err
	}
	views := make([]client.PeerView, len(peers))
	for i := range peers {
		if views[i], err = l.n.peerView(v, &peers[i]); err != nil {
			return nil, err
		}
	}
	return views, nil
}

func (n *Node) peerView(v view, p *mesh.Peer) (client.PeerView, error) {
	in, err := v.LogInfo(mesh.InLog(p.ID, p.Incarnation))
	if err != nil {
		return client.PeerView{}, err
	}
	trust, _, err := n.rules.Trust(v, p.ID)
	if err != nil {
		return client.PeerView{}, err
	}
	trust.Network = p.ID
	pv := client.PeerView{
		Network: p.ID, Kind: "native", State: p.State.String(), Incarnation: p.Incarnation, Active: p.State == mesh.Active,
		Trust: trust, Consumed: in.Range, Executed: p.LastExecuted, OutBegin: p.OutBegin, OutEnd: p.OutEnd,
	}
	switch p.State {
	case mesh.Registered, mesh.Bootstrapping:
		pv.TakesKeys, pv.TakesSlices, pv.Historical = true, true, true
	case mesh.Active, mesh.Lagging:
		pv.TakesKeys, pv.TakesSlices = true, true
	case mesh.Paused:
		pv.TakesKeys = true // or its trust would expire during the pause
	}
	deadline, ok, err := n.rules.Deadline(v, p.ID)
	if ok {
		pv.OutDeadline = deadline
	}
	return pv, err
}

// queued reads a message of the queue to a peer.
func (n *Node) queued(p *mesh.Peer, index uint64) (*proofs.Message, bool, error) {
	entry, ok, err := n.logEntry(mesh.OutLog(p.ID, p.Incarnation), index)
	if err != nil || !ok {
		return nil, false, err
	}
	m := new(proofs.Message)
	if err := proofs.Decode(m, entry, maxStoredLen); err != nil {
		return nil, false, fmt.Errorf("message %d to %s: %w", index, p.ID.Short(), err)
	}
	return m, true, nil
}
