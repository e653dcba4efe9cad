package node

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/store/storetest"
	"github.com/isthmus-network/isthmus/proofs"
)

// ballot is a place where a validator may sign one thing only.
type ballot struct {
	kind        uint8 // of the signing record
	epoch, view uint64
	lane        uint32
}

// witness remembers what validators sent to others, as these received it.
type witness struct {
	mu      sync.Mutex
	signed  map[proofs.NodeKey]map[ballot]any
	held    map[proofs.NodeKey][]carsRequest // cars that a validator said it holds
	double  []string
	counted int
}

func newWitness() *witness {
	return &witness{signed: make(map[proofs.NodeKey]map[ballot]any), held: make(map[proofs.NodeKey][]carsRequest)}
}

// see is the tap of a node.
func (w *witness) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.counted++
	switch e := event.(type) {
	case consensus.VoteIn:
		kind := uint8(e.Vote.Kind)
		if e.Vote.Kind == proofs.TypeFinalize {
			kind = consensus.SlotClose
		}
		statement := e.Vote.Statement(proofs.Hash{})
		w.sign(e.From, ballot{kind: kind, epoch: e.Vote.Epoch, view: e.Vote.View}, statement)
	case lanes.CarVoteIn:
		v := &e.Vote
		w.sign(e.From, ballot{lanes.SlotVote, v.Epoch, v.Tip.Height, v.Tip.Lane}, v.Tip.Digest)
		w.held[e.From] = append(w.held[e.From], carsRequest{Epoch: v.Epoch, Tip: v.Tip})
	}
}

func (w *witness) sign(by proofs.NodeKey, b ballot, what any) {
	if w.signed[by] == nil {
		w.signed[by] = make(map[ballot]any)
	}
	if old, ok := w.signed[by][b]; ok && old != what {
		w.double = append(w.double, fmt.Sprintf("%s in %+v: %+v and %+v", by, b, old, what))
	}
	w.signed[by][b] = what
}

// promised takes the cars that a validator said it holds since the last call.
func (w *witness) promised(by proofs.NodeKey) []carsRequest {
	w.mu.Lock()
	defer w.mu.Unlock()
	held := w.held[by]
	w.held[by] = nil
	return held
}

// crashNetwork is a network whose disks forget what was not synced.
type crashNetwork struct {
	*testNetwork
	rng     *rand.Rand
	disks   []*storetest.FS
	witness *witness

	mu   sync.Mutex
	sent []*sentMessage
}

type sentMessage struct {
	node         int
	id, body     proofs.Hash
	admitted     bool // the node has signed for it
	acknowledged bool
}

// promised reports whether somebody was told that it will be executed.
func (s *sentMessage) promised() bool { return s.admitted || s.acknowledged }

func newCrashNetwork(t *testing.T, seed uint64) *crashNetwork {
	n := &crashNetwork{
		testNetwork: makeNetwork(t, "c", func(p *proofs.Parameters) { p.EpochDuration, p.Heartbeat = 3000, 1000 }),
		rng:         rand.New(rand.NewPCG(seed, 1)), witness: newWitness(),
	}
	for i, node := range n.nodes {
		fs := storetest.New(seed + uint64(i))
		n.disks = append(n.disks, fs)
		node.opt.tap = n.witness.see
		node.opt.disk = &disk{fs: fs, db: func(dir string) (*store.DB, error) {
			return store.OpenStorage(storetest.NewStorage(fs, dir))
		}}
		node.opened = n.restored
	}
	n.start()
	return n
}

// traffic submits transfers to node i, while it is up, until ctx ends.
func (n *crashNetwork) traffic(ctx context.Context, i int) {
	for sleep(ctx, 20*time.Millisecond) {
		up := n.nodes[i].up()
		if up == nil {
			continue
		}
		x := n.transfer(i, n.zero, (i+1)%len(n.nodes), 1)
		s := &sentMessage{node: i, id: x.ID(), body: x.Body()}
		n.mu.Lock()
		n.sent = append(n.sent, s)
		n.mu.Unlock()
		limited, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		_, err := up.ingress.submit(limited, x.MarshalCanoto())
		cancel()
		n.mu.Lock()
		s.admitted = err == nil
		n.mu.Unlock()
		n.look()
	}
}

// look notes which messages are acknowledged, or further, where they were sent.
func (n *crashNetwork) look() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.sent {
		if up := n.nodes[s.node].up(); up != nil && !s.acknowledged {
			st, err := (&backend{up}).Status(context.Background(), s.id)
			s.acknowledged = err == nil && st.Stage >= api.StageAcknowledged
		}
	}
}

// restored checks a node that was just opened against what it promised, and its
// state against that of the others.
func (n *crashNetwork) restored(node *Node) {
	self := node.keys.NodeKey()
	for _, r := range n.witness.promised(self) {
		car, err := node.blocks.car(r.Epoch, &r.Tip)
		if err != nil {
			n.t.Errorf("%s voted for car %d of lane %d and lost it: %v", self, r.Tip.Height, r.Tip.Lane, err)
			continue
		}
		for _, digest := range car.Batches {
			if _, err := node.blocks.batch(digest); err != nil {
				n.t.Errorf("%s voted for car %d of lane %d and lost its batch: %v", self, r.Tip.Height, r.Tip.Lane, err)
			}
		}
	}
	height := node.state.Version()
	for _, other := range n.nodes {
		up := other.up()
		if up == nil || up.state.Version() < height {
			continue
		}
		v, err := up.viewAt(height)
		if err == nil && v.Root() != node.state.Root() {
			n.t.Errorf("%s restored another state at height %d than %s has", self, height, other.name)
		}
	}
}

// crash waits until the disk of node i fails at its next-th operation, drops what
// was not synced, and starts the node again; sometimes it crashes in that too.
func (n *crashNetwork) crash(i int) {
	n.t.Helper()
	disk, node := n.disks[i], n.nodes[i]
	disk.CrashAfter(n.rng.IntN(60))
	eventually(n.t, node.name+" reaches its crash", func() string {
		if disk.Crashed() {
			return ""
		}
		return fmt.Sprintf("%d operations", disk.Ops())
	})
	n.fell(i)
	if n.rng.IntN(3) == 0 {
		disk.CrashAfter(n.rng.IntN(12))
		if err := node.tryStart(); err == nil {
			disk.CrashAfter(0)
			n.fell(i)
		} else {
			n.expect(i, err)
			disk.Crash()
		}
	}
	node.start()
}

// fell ends a node whose disk has failed, and makes the disk forget.
func (n *crashNetwork) fell(i int) {
	n.t.Helper()
	n.expect(i, n.nodes[i].stop())
	n.disks[i].Crash()
}

// expect checks that a node ended because of its disk and nothing else. goleveldb
// does not wrap what the disk says.
func (n *crashNetwork) expect(i int, err error) {
	n.t.Helper()
	if !n.disks[i].Crashed() || err != nil && !strings.Contains(err.Error(), storetest.ErrCrashed.Error()) || errors.Is(err, store.ErrConflict) {
		n.t.Fatalf("%s ended with: %v", n.nodes[i].name, err)
	}
}

// crashAll fells all nodes at once and starts them again.
func (n *crashNetwork) crashAll() {
	n.t.Helper()
	finals := make([]consensus.Status, len(n.nodes))
	for i, node := range n.nodes {
		finals[i] = node.up().status.Load().Order
	}
	for _, d := range n.disks {
		d.CrashAfter(n.rng.IntN(4))
	}
	for i := range n.nodes {
		eventually(n.t, "all reach their crash", func() string {
			if n.disks[i].Crashed() {
				return ""
			}
			return n.nodes[i].name
		})
	}
	for i := range n.nodes {
		n.fell(i)
	}
	for i, node := range n.nodes {
		node.start()
		if f, err := node.up().blocks.final(max(finals[i].Height, 1)); finals[i].Height > 0 && (err != nil || f.ID != finals[i].HeaderID) {
			n.t.Fatalf("%s lost final block %d: %v", node.name, finals[i].Height, err)
		}
	}
	n.progresses()
}

// progresses waits for a further block at every node.
func (n *crashNetwork) progresses() {
	n.t.Helper()
	var from uint64
	for _, node := range n.nodes {
		from = max(from, node.up().status.Load().Order.Height)
	}
	eventually(n.t, fmt.Sprintf("the network goes on after %d", from), func() string {
		var where []string
		behind := false
		for _, node := range n.nodes {
			s := node.up().status.Load()
			behind = behind || s.Order.Executed <= from
			where = append(where, fmt.Sprintf("%s: epoch %d, view %d, height %d, notarized %d, executed %d (a quorum %d), backlog %d, own batches %d",
				node.name, s.Order.Epoch, s.Order.View, s.Order.Height, s.Order.Notarized, s.Order.Executed, s.Order.QuorumExecuted, s.Backlog, s.OwnWaiting))
		}
		if !behind {
			return ""
		}
		return "\n" + strings.Join(where, "\n")
	})
}

// audit checks, once all is quiet, that everything promised was executed
// once, that nothing else was executed twice, and that nobody signed twice.
func (n *crashNetwork) audit() {
	n.t.Helper()
	promised := 0
	for _, s := range n.sent {
		if s.promised() {
			promised++
			n.receipt(s.id)
		}
	}
	n.settled()
	for _, node := range n.nodes {
		bodies := executedBodies(n.t, node.up())
		for _, s := range n.sent {
			if got := bodies[s.body]; got > 1 || got == 0 && s.promised() {
				n.t.Errorf("%s executed message %x %d times: %+v", node.name, s.id[:4], got, s)
			}
		}
		evidence := node.up().chainDB.Iterate(store.Prefix([]byte{keyEvidence}), func(k, _ []byte) (bool, error) {
			return false, fmt.Errorf("against %x", k[1:5])
		})
		if evidence != nil {
			n.t.Errorf("%s has evidence: %v", node.name, evidence)
		}
	}
	n.witness.mu.Lock()
	defer n.witness.mu.Unlock()
	if n.journal.contains("ALARM") {
		n.t.Error("a node raised an alarm")
	}
	for _, d := range n.witness.double {
		n.t.Errorf("two votes: %s", d)
	}
	n.t.Logf("%d messages, %d of them promised, %d events", len(n.sent), promised, n.witness.counted)
}

// executedBodies counts the external messages in a node's receipt log.
func executedBodies(t testing.TB, n *Node) map[proofs.Hash]int {
	t.Helper()
	bodies := make(map[proofs.Hash]int)
	log, err := n.state.ReadLog(execution.ReceiptLog)
	if err != nil {
		t.Fatal(err)
	}
	for at := uint64(0); at < log.End(); {
		entries, err := log.Entries(at, log.End(), 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			var r proofs.Receipt
			if err := proofs.Decode(&r, e, maxStoredLen); err != nil {
				t.Fatal(err)
			}
			if r.Kind == proofs.ReceiptExternal {
				bodies[r.Body]++
			}
		}
		at += uint64(len(entries))
	}
	return bodies
}

// Nodes crash at any write, with everything lost that was not synced, and the
// whole network at once, while it carries transfers over epochs. SECURITY: double
// injection.
func TestNothingVotedIsLost(t *testing.T) {
	t.Parallel()
	seed := uint64(7)
	if s := os.Getenv("ISTHMUS_SEED"); s != "" {
		if _, err := fmt.Sscan(s, &seed); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d", seed)
	n := newCrashNetwork(t, seed)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range n.nodes {
		wg.Go(func() { n.traffic(ctx, i) })
	}
	defer wg.Wait()
	defer cancel()
	for round := range 24 {
		n.crash(n.rng.IntN(len(n.nodes)))
		if round%8 == 7 {
			n.crashAll()
		}
	}
	n.progresses()
	cancel()
	wg.Wait()
	n.look()
	n.audit()
}
