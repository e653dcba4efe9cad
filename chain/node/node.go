package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/p2p"
	"github.com/isthmus-network/isthmus/chain/state"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/mesh/client"
	"github.com/isthmus-network/isthmus/proofs"
)

// Options say how a node runs. What is empty comes from the folder's node.json.
type Options struct {
	Listen  []string // multiaddrs
	API     string   // host:port
	Admin   string   // path of the admin socket; default: admin.sock in the folder
	Version string   // of the program
	Logger  *slog.Logger
}

// The folder of a node, besides the files of package bootstrap.
const (
	dirChain   = "chain"   // final blocks, cars, batches
	dirState   = "state"   // the authenticated state
	dirWAL     = "wal"     // the ordering core's log
	dirSigning = "signing" // what was signed; never restore it from a backup
	adminFile  = "admin.sock"
)

// Node is one node of a network.
type Node struct {
	dir  string
	opt  Options
	log  *slog.Logger
	cfg  *bootstrap.NodeConfig
	keys *bootstrap.Keys
	zero *proofs.Zero

	chainDB, stateDB *store.DB
	wal              *store.WAL
	signing          *store.SigningRecord
	blocks           blockStore
	state            *state.State
	rules            *mesh.Rules
	engine           *execution.Engine
	bls              *consensus.BLS

	host    *p2p.Host
	core    *core
	jobs    chan job
	ingress *ingress
	pub     *publisher
	mesh    *client.Client
	foreign *foreign
	acts    *acts
	traces  *traces
	events  *events
	seen    seenBlocks
	pulse   pulse

	members atomic.Pointer[map[p2p.NodeKey]bool] // who may use the validators' protocols
	status  atomic.Pointer[status]
	fetches chan struct{}
	group   sync.WaitGroup // fetches under way
	started time.Time
	broken  chan error
	cfgMu   sync.Mutex // of node.json
}

// now is the node's clock, in milliseconds since the Unix epoch.
func (n *Node) now() uint64 { return uint64(time.Now().UnixMilli()) }

// Open reads a validator's folder and restores everything that was durable. The
// node signs nothing before Run.
func Open(dir string, opt Options) (_ *Node, err error) {
	n := &Node{
		dir: dir, opt: opt, log: opt.Logger, jobs: make(chan job),
		fetches: make(chan struct{}, maxFetches), started: time.Now(), broken: make(chan error, 1),
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	doc, err := n.readFolder()
	if err != nil {
		return nil, err
	}
	if err := n.openStores(); err != nil {
		return nil, err
	}
	zero, entries, err := doc.Build()
	if err != nil {
		return nil, err
	}
	n.zero = zero
	n.rules = mesh.New(zero)
	n.engine = execution.New(zero, n.rules)
	n.bls = consensus.NewBLS(n.keys.BLS)
	if n.state.Root() != zero.StateRoot && n.state.Version() == 0 {
		if err := n.genesis(entries); err != nil {
			return nil, err
		}
	}
	n.log = n.log.With("network", zero.Parameters.Name)
	n.ingress = newIngress(n)
	n.pub = newPublisher(n)
	n.foreign = newForeign(n)
	n.traces = newTraces(n)
	n.events = newEvents()
	if n.acts, err = newActs(n); err != nil {
		return nil, err
	}
	return n, n.restore()
}

// readFolder reads the folder's documents; command-line options go before them.
func (n *Node) readFolder() (*bootstrap.ZeroState, error) {
	var err error
	if n.keys, err = bootstrap.LoadKeys(n.dir); err != nil {
		return nil, err
	}
	if n.cfg, err = bootstrap.LoadNodeConfig(n.dir); err != nil {
		return nil, err
	}
	if len(n.opt.Listen) > 0 {
		n.cfg.Listen = n.opt.Listen
	}
	if n.opt.API != "" {
		n.cfg.API = n.opt.API
	}
	if n.opt.Admin == "" {
		n.opt.Admin = filepath.Join(n.dir, adminFile)
	}
	return bootstrap.LoadZeroState(filepath.Join(n.dir, bootstrap.ZeroStateFile))
}

// openStores opens the signing record first: its lock keeps a second process with
// the same key away from everything else.
func (n *Node) openStores() (err error) {
	if n.signing, err = store.OpenSigningRecord(store.OS, filepath.Join(n.dir, dirSigning)); err != nil {
		return err
	}
	if n.wal, err = store.OpenWAL(store.OS, filepath.Join(n.dir, dirWAL), store.WALOptions{}); err != nil {
		return err
	}
	if n.chainDB, err = store.Open(filepath.Join(n.dir, dirChain)); err != nil {
		return err
	}
	if n.stateDB, err = store.Open(filepath.Join(n.dir, dirState)); err != nil {
		return err
	}
	n.blocks = blockStore{n.chainDB}
	n.state, err = state.Open(n.stateDB, state.Options{})
	return err
}

// restore rebuilds the machines from the stores.
func (n *Node) restore() error {
	last, err := n.blocks.last()
	if errors.Is(err, store.ErrNotFound) {
		last, err = nil, nil
	}
	if err != nil {
		return err
	}
	anchor, sets, err := n.anchor(last)
	if err != nil {
		return err
	}
	c := &core{
		n: n, inbox: make(chan any, inboxSize), epoch: anchor.Epoch, set: anchor.Set, sets: sets,
		lastCut: types.NewCut(anchor.Set.Len()), now: n.now(),
	}
	n.core = c
	if last != nil && last.Block.Header.Epoch == anchor.Epoch {
		c.lastCut = last.Block.Cut
	}
	if err := n.restoreLanes(c, last); err != nil {
		return err
	}
	if err := n.restoreOrder(c, anchor, last); err != nil {
		return err
	}
	n.publishStatus(c)
	if last != nil {
		for h := last.Block.Header.Height; h > 0; h-- {
			f, err := n.blocks.final(h)
			if err != nil {
				return err
			}
			if f.Certificate != nil {
				n.pub.offer(f)
				break
			}
		}
	}
	return nil
}

// anchor follows the stored key blocks to the epoch that contains or follows last.
func (n *Node) anchor(last *types.FinalBlock) (consensus.Anchor, map[uint64]*proofs.ValidatorSet, error) {
	a, err := consensus.ZeroAnchor(n.zero)
	if err != nil || last == nil {
		return a, map[uint64]*proofs.ValidatorSet{0: n.zero.Set}, err
	}
	sets := map[uint64]*proofs.ValidatorSet{0: a.Set}
	heights, err := n.blocks.keyBlocksAfter(0, int(last.Block.Header.Height))
	if err != nil {
		return a, nil, err
	}
	for _, h := range heights {
		f, err := n.blocks.final(h)
		if err != nil {
			return a, nil, err
		}
		if a, err = a.Next(&f.Block); err != nil {
			return a, nil, err
		}
		sets[a.Epoch] = a.Set
	}
	return a, sets, nil
}

// restoreLanes restores the data layer as of the newest executed block, and gives
// it the final blocks above again: they are executed when their cars are there.
func (n *Node) restoreLanes(c *core, last *types.FinalBlock) error {
	own, err := n.ingress.restore()
	if err != nil {
		return err
	}
	start := lanes.Start{
		Set: n.zero.Set, Committed: types.NewCut(n.zero.Set.Len()), Height: n.state.Version(), Own: own,
		HasBatch: func(d proofs.Hash) bool { ok, err := n.blocks.hasBatch(d); return err == nil && ok },
		Signed: func(kind uint8, epoch, height uint64, lane uint32) (proofs.Hash, bool) {
			return n.signing.Lookup(store.Slot{Kind: kind, Epoch: epoch, View: height, Sub: uint64(lane)})
		},
	}
	if v := n.state.Version(); v > 0 {
		f, err := n.blocks.final(v)
		if err != nil {
			return fmt.Errorf("executed block %d: %w", v, err)
		}
		start.Epoch, start.Committed = f.Block.Header.Epoch, f.Block.Cut
		if f.Block.Header.IsKeyBlock() {
			start.Epoch++
			start.Committed = types.NewCut(c.sets[start.Epoch].Len())
		}
		start.Set = c.sets[start.Epoch]
	}
	for e := start.Epoch; e <= c.epoch; e++ {
		cars, err := n.blocks.cars(e)
		if err != nil {
			return err
		}
		start.Cars = append(start.Cars, cars...)
	}
	c.lanes = lanes.New(lanes.Config{Network: n.zero.ID, Node: n.keys.NodeKey(), Signer: signer{n}}, start)
	if last != nil {
		if err := n.replay(c, start, last.Block.Header.Height); err != nil {
			return err
		}
	}
	c.wakeLanes = c.now // the first tick ends the replay
	return nil
}

// replay gives the data layer the final blocks above the executed one.
func (n *Node) replay(c *core, start lanes.Start, last uint64) error {
	base := start.Committed
	for h := start.Height + 1; h <= last; h++ {
		f, err := n.blocks.final(h)
		if err != nil {
			return err
		}
		n.replayStep(c, lanes.Final{Block: *f, Base: base})
		base = f.Block.Cut
		if f.Block.Header.IsKeyBlock() {
			epoch := f.Block.Header.Epoch + 1
			n.replayStep(c, lanes.EpochIn{Epoch: epoch, Set: c.sets[epoch]})
			base = types.NewCut(c.sets[epoch].Len())
		}
	}
	return nil
}

// replayStep keeps what is to be executed; nothing is signed or sent in a replay.
func (n *Node) replayStep(c *core, in lanes.Input) {
	out := c.lanes.Step(c.now, in)
	c.wakeLanes = out.Wake
	for i := range out.FetchBatches {
		c.fetchBatch(out.FetchBatches[i])
	}
	for i := range out.FetchCars {
		c.fetchCars(out.FetchCars[i])
	}
	for i := range out.Ordered {
		o := out.Ordered[i]
		c.toExecute = append(c.toExecute, job{OrderedBlock: o, set: c.sets[o.Final.Block.Header.Epoch]})
	}
}

func (n *Node) restoreOrder(c *core, anchor consensus.Anchor, last *types.FinalBlock) error {
	start := consensus.Start{Anchor: anchor, LastFinal: last}
	from := n.state.Version()
	if last != nil {
		from = min(from, last.Block.Header.Executed)
	}
	for h := from; h <= n.state.Version(); h++ {
		e, err := n.resultsAgain(h)
		if errors.Is(err, state.ErrPruned) {
			continue
		}
		if err != nil {
			return err
		}
		start.Executed = append(start.Executed, *e)
	}
	err := n.wal.Replay(func(_ uint64, record []byte) error {
		start.Records = append(start.Records, append([]byte(nil), record...))
		return nil
	})
	if err != nil {
		return err
	}
	c.order, err = consensus.New(consensus.Config{
		Zero: n.zero, Node: n.keys.NodeKey(), Crypto: n.bls,
		Signed: func(kind uint8, epoch, view uint64) (proofs.Hash, bool) {
			return n.signing.Lookup(store.Slot{Kind: kind, Epoch: epoch, View: view})
		},
	}, start)
	return err
}

// Run runs the node until ctx ends or something fails that it cannot go on with.
func (n *Node) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	if err := n.connect(ctx); err != nil {
		return err
	}
	servers, err := n.listenAPI()
	if err != nil {
		return err
	}
	n.log.Info("node runs", "id", n.zero.ID, "node", n.keys.NodeKey(), "height", n.status.Load().Order.Height,
		"executed", n.state.Version(), "p2p", n.host.Addrs(), "api", servers.addr, "admin", n.opt.Admin)
	for _, loop := range []func(context.Context) error{
		n.core.run, n.execute, n.ingress.run, n.pub.run, n.acts.run, servers.run,
		func(ctx context.Context) error { return ignoreCancel(n.mesh.Run(ctx)) },
		n.waitBroken,
	} {
		g.Go(func() error { return loop(ctx) })
	}
	err = g.Wait()
	n.group.Wait()
	return err
}

func ignoreCancel(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// alarm stops the node: going on would make things worse.
func (n *Node) alarm(err error) {
	n.log.Error("ALARM: the node stops", "error", err)
	select {
	case n.broken <- err:
	default:
	}
}

func (n *Node) waitBroken(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.broken:
		return err
	}
}

// connect starts the host and registers all handlers.
func (n *Node) connect(ctx context.Context) error {
	static := make(map[p2p.NodeKey][]string, len(n.cfg.Peers))
	for k, addrs := range n.cfg.Peers {
		static[p2p.NodeKey(k)] = addrs
	}
	var known []string
	for _, addrs := range n.cfg.Networks {
		known = append(known, addrs...)
	}
	host, err := p2p.New(ctx, p2p.Config{
		Key: n.keys.Node, Listen: n.cfg.Listen, Static: static, Known: known, Logger: n.log,
		Allow: func(k p2p.NodeKey) bool { return (*n.members.Load())[k] },
	})
	if err != nil {
		return err
	}
	n.host = host
	n.mesh = client.New(client.Config{
		Self: n.zero.ID, Transport: n.foreign, Local: &local{n: n, ctx: ctx}, Logger: n.log,
		FlyingMessages: int(min(n.zero.Parameters.BlockMessages, 1<<20)),
	})
	n.serve()
	n.receive(ctx)
	if err := n.serveForeign(); err != nil {
		return err
	}
	for network, addrs := range n.cfg.Networks {
		if err := n.foreign.add(network, addrs); err != nil {
			return err
		}
	}
	return nil
}

// receive posts the validators' messages to the core. Blocking in a handler is
// back-pressure onto its sender alone.
func (n *Node) receive(ctx context.Context) {
	n.host.HandleMessages(classOrder, func(from p2p.NodeKey, b []byte) {
		m, err := decodeOrder(b)
		if err != nil {
			n.badMessage(classOrder, from, err)
			return
		}
		switch m := m.(type) {
		case *types.Proposal:
			n.core.post(ctx, consensus.ProposalIn{From: proofs.NodeKey(from), Proposal: m})
		case *types.Vote:
			n.core.post(ctx, consensus.VoteIn{From: proofs.NodeKey(from), Vote: m})
		case *types.Quorum:
			n.core.post(ctx, consensus.QuorumIn{From: proofs.NodeKey(from), Quorum: m})
		}
	})
	n.host.HandleMessages(classLanes, func(from p2p.NodeKey, b []byte) {
		m, err := decodeLanes(b)
		if err != nil {
			n.badMessage(classLanes, from, err)
			return
		}
		switch m := m.(type) {
		case *types.Car:
			n.core.post(ctx, lanes.CarIn{From: proofs.NodeKey(from), Car: *m})
		case *types.CarVote:
			n.core.post(ctx, lanes.CarVoteIn{From: proofs.NodeKey(from), Vote: *m})
		case *types.CarCertificate:
			n.core.post(ctx, lanes.CertificateIn{From: proofs.NodeKey(from), Cert: *m})
		}
	})
	n.host.HandleMessages(classBatch, func(from p2p.NodeKey, b []byte) {
		if err := n.receiveBatch(ctx, from, b); err != nil {
			n.badMessage(classBatch, from, err)
		}
	})
	n.host.HandleMessages(classActs, func(from p2p.NodeKey, b []byte) {
		if err := n.acts.receive(b); err != nil {
			n.badMessage(classActs, from, err)
		}
	})
}

func (n *Node) badMessage(class p2p.Class, from p2p.NodeKey, err error) {
	n.log.Warn("message refused", "class", class.Name, "from", proofs.NodeKey(from), "error", err)
}

// receiveBatch stores a batch that its maker streams, and says so to the core.
func (n *Node) receiveBatch(ctx context.Context, from p2p.NodeKey, wire []byte) error {
	digest, err := n.batchDigest(wire)
	if err != nil {
		return err
	}
	if ok, err := n.blocks.hasBatch(digest); err != nil || !ok {
		if err != nil {
			return err
		}
		if err := n.blocks.putBatch(digest, wire); err != nil {
			return err
		}
	}
	n.core.post(ctx, lanes.BatchStored{Digest: digest, From: proofs.NodeKey(from)})
	return nil
}

// broadcast sends to every validator of set but this node.
func (n *Node) broadcast(set *proofs.ValidatorSet, class p2p.Class, f []byte) {
	self := n.keys.NodeKey()
	for i := range set.Len() {
		if to := set.At(i).Node; to != self {
			if err := n.host.Send(p2p.NodeKey(to), class, f); err != nil {
				n.log.Debug("not sent", "class", class.Name, "to", to, "error", err)
			}
		}
	}
}

// followLanes tells clients what happened to their batches, and the operator who
// misbehaved.
func (n *Node) followLanes(out *lanes.Output) {
	n.ingress.acknowledged(out.Acknowledged)
	for i := range out.Ordered {
		n.ingress.ordered(&out.Ordered[i])
	}
	for _, digest := range out.Adopted {
		if err := n.ingress.adopt(digest); err != nil {
			n.log.Error("batch not adopted", "error", err)
		}
	}
	for _, r := range out.Refused {
		if r.Blame() {
			n.log.Warn("peer breaks the data layer's protocol", "node", r.From, "error", r.Err)
		} else {
			n.log.Debug("lane message dropped", "node", r.From, "error", r.Err)
		}
	}
	if len(out.Acknowledged)+len(out.Ordered) > 0 {
		n.pulse.beat()
	}
}

// finalised is called by the core for each final block that is durable.
func (n *Node) finalised(f *types.FinalBlock) {
	n.events.final(f)
	if f.Certificate != nil {
		n.pub.offer(f)
	}
}

// Close releases the stores. Run must have returned.
func (n *Node) Close() error {
	var errs []error
	if n.host != nil {
		errs = append(errs, n.host.Close())
	}
	if n.chainDB != nil {
		errs = append(errs, n.chainDB.Close())
	}
	if n.stateDB != nil {
		errs = append(errs, n.stateDB.Close())
	}
	if n.wal != nil {
		errs = append(errs, n.wal.Close())
	}
	if n.signing != nil {
		errs = append(errs, n.signing.Close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("node: close: %w", err)
	}
	return nil
}

// signer signs cars and their votes with the node key (lanes.Signer). The core
// records both before they leave the node.
type signer struct{ n *Node }

// SignCar implements lanes.Signer.
func (s signer) SignCar(c *types.Car) { c.Sign(s.n.zero.ID, s.n.keys.Node) }

// SignVote implements lanes.Signer.
func (s signer) SignVote(v *types.CarVote) { v.Sign(s.n.zero.ID, s.n.keys.Node) }

var _ api.Backend = (*backend)(nil)
