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

	disk *disk           // where everything durable lies; nil: the folder
	tap  func(event any) // sees every event of the core before the machines do
}

// disk is what a node keeps everything durable on. Tests give one that forgets.
type disk struct {
	fs store.FS // for the write-ahead log and the signing record
	db func(dir string) (*store.DB, error)
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
	ready   *readiness
	traces  *traces
	events  *events
	seen    seenBlocks
	pulse   pulse

	members atomic.Pointer[map[p2p.NodeKey]bool] // who may use the validators' protocols
	mates   sync.Map                             // p2p.NodeKey → true: nodes of this network that the operator named
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
	n.ready = newReadiness(n)
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
	d := n.opt.disk
	if d == nil {
		d = &disk{fs: store.OS, db: store.Open}
	}
	if n.signing, err = store.OpenSigningRecord(d.fs, filepath.Join(n.dir, dirSigning)); err != nil {
		return err
	}
	if n.wal, err = store.OpenWAL(d.fs, filepath.Join(n.dir, dirWAL), store.WALOptions{}); err != nil {
		return err
	}
	if n.chainDB, err = d.db(filepath.Join(n.dir, dirChain)); err != nil {
		return err
	}
	if n.stateDB, err = d.db(filepath.Join(n.dir, dirState)); err != nil {
		return err
	}
	n.blocks = blockStore{n.chainDB}
	n.state, err = state.Open(n.stateDB, state.Options{})
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
		n.core.run, n.execute, n.ingress.run, n.pub.run, n.acts.run, n.ready.run, n.handOver, n.catchUp, servers.run,
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
	n.ingress.forget(out.Forget)
	for _, r := range out.Refused {
		if r.From == (proofs.NodeKey{}) {
			n.alarm(fmt.Errorf("node: the data layer refuses what is final: %w", r.Err))
		} else if r.Blame() {
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
