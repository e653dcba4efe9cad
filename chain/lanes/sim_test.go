package lanes_test

import (
	"bytes"
	"flag"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

var (
	seedFlag = flag.Uint64("sim.seed", 0, "run only this seed")
	runs     = flag.Int("sim.runs", 8, "number of seeds")
)

// disk is what survives a crash of a node.
type disk struct {
	cars     map[proofs.Hash]types.Car
	batches  map[proofs.Hash]bool
	slots    map[lanes.SlotEntry]proofs.Hash // Digest zero in the key
	own      []proofs.Hash                   // not ordered
	ordered  []lanes.OrderedBlock
	finals   []event // all Final and EpochIn inputs, in order
	given    int     // of world.history: in finals
	executed int     // of finals: covered by ordered
}

type event struct {
	in    lanes.Input
	epoch uint64
}

// node is a machine on a disk. A crash loses the machine and what was in flight.
type node struct {
	*member
	m    *lanes.Machine
	d    *disk
	byz  bool
	tips []lanes.LaneTip
	ep   uint64
}

type packet struct {
	to int
	in lanes.Input
}

// world is a network of lanes whose order is decided by the test: whatever cut a
// quorum holds becomes final.
type world struct {
	t       *testing.T
	rng     *rand.Rand
	members []*member
	nodes   []*node
	sets    map[uint64]*proofs.ValidatorSet
	byEpoch map[uint64][]*member
	now     uint64
	flight  []packet
	history []event // Final and EpochIn
	cut     types.Cut
	epoch   uint64
	height  uint64
	open    map[proofs.Hash]*proposal
	loss    float64
	serial  int
	certs   int
	holds   int
}

type proposal struct {
	base, cut types.Cut
	held      map[int]bool
	avail     []types.CarCertificate
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{t: t, rng: rand.New(rand.NewPCG(seed, 1)), members: newMembers(t, 5), now: 1000, epoch: 1, cut: types.NewCut(4), loss: 0.15,
		sets: make(map[uint64]*proofs.ValidatorSet), byEpoch: make(map[uint64][]*member), open: make(map[proofs.Hash]*proposal)}
	w.enterEpoch(1, w.members[:4])
	for i, m := range w.members {
		w.nodes = append(w.nodes, &node{member: m, byz: i == 3, d: &disk{cars: make(map[proofs.Hash]types.Car),
			batches: make(map[proofs.Hash]bool), slots: make(map[lanes.SlotEntry]proofs.Hash)}})
		w.boot(i)
	}
	return w
}

func (w *world) enterEpoch(e uint64, members []*member) {
	w.byEpoch[e], w.sets[e] = members, newSet(w.t, members)
}

func (w *world) chance(p float64) bool { return w.rng.Float64() < p }

// boot starts a machine from the node's disk.
func (w *world) boot(i int) {
	n := w.nodes[i]
	start := lanes.Start{Epoch: 1, Set: w.sets[1], Committed: types.NewCut(4)}
	for _, e := range n.d.finals[:n.d.executed] {
		switch in := e.in.(type) {
		case lanes.Final:
			start.Committed, start.Height = in.Block.Block.Cut, in.Block.Block.Header.Height
		case lanes.EpochIn:
			start.Epoch, start.Set, start.Committed = in.Epoch, in.Set, types.NewCut(in.Set.Len())
		}
	}
	for _, d := range sortedDigests(n.d.cars) {
		c := n.d.cars[d]
		start.Cars = append(start.Cars, c)
	}
	start.Own = slices.Clone(n.d.own)
	start.HasBatch = func(d proofs.Hash) bool { return n.d.batches[d] }
	start.Signed = func(kind uint8, epoch, height uint64, lane uint32) (proofs.Hash, bool) {
		d, ok := n.d.slots[lanes.SlotEntry{Kind: kind, Epoch: epoch, Height: height, Lane: lane}]
		return d, ok
	}
	n.m = lanes.New(lanes.Config{Network: network, Node: n.node(), Signer: n.member, Limits: lanes.Limits{Window: 16}}, start)
	n.ep = start.Epoch
	for _, e := range n.d.finals[n.d.executed:] {
		out := n.m.Step(w.now, e.in)
		if len(out.Sends)+len(out.Votes) > 0 {
			w.t.Fatalf("node %d: signed or sent during replay", i)
		}
		w.did(i, e.in, out)
	}
	w.step(i, lanes.TickIn{})
}

func sortedDigests(cars map[proofs.Hash]types.Car) []proofs.Hash {
	return slices.SortedFunc(maps.Keys(cars), func(a, b proofs.Hash) int { return bytes.Compare(a[:], b[:]) })
}

func (w *world) step(i int, in lanes.Input) { w.did(i, in, w.nodes[i].m.Step(w.now, in)) }

// did carries an output out, as a driver does.
func (w *world) did(i int, in lanes.Input, out lanes.Output) {
	n := w.nodes[i]
	switch e := in.(type) {
	case lanes.EpochIn:
		n.ep = e.Epoch
	}
	for _, c := range out.Store {
		n.d.cars[c.Digest(network)] = c
	}
	for _, v := range out.Votes {
		slot := v
		slot.Digest = proofs.Hash{}
		if have, ok := n.d.slots[slot]; ok && have != v.Digest {
			w.t.Fatalf("node %d signs twice in %+v", i, slot)
		}
		n.d.slots[slot] = v.Digest
	}
	if out.TipsChanged {
		n.tips = out.Tips
	}
	n.d.own = append(n.d.own, out.Adopted...)
	for _, b := range out.Ordered {
		w.ordered(i, b)
	}
	for _, id := range out.Held {
		w.held(i, id)
	}
	for _, r := range out.Refused {
		if r.Blame() && !w.fromByzantine(r.From) {
			w.t.Fatalf("node %d blames honest %x: %v", i, r.From[:4], r.Err)
		}
	}
	for _, e := range out.Evidence {
		if !w.fromByzantine(e.Node) {
			w.t.Fatalf("node %d: evidence against honest %x", i, e.Node[:4])
		}
	}
	w.send(i, out)
	w.fetch(i, out)
}

func (w *world) fromByzantine(k proofs.NodeKey) bool { return k == w.members[3].node() }

func (w *world) send(i int, out lanes.Output) {
	from := w.nodes[i].node()
	for _, s := range out.Sends {
		if s.Cert != nil {
			w.certified(*s.Cert)
		}
		for j := range w.nodes {
			if j == i || !s.All && w.nodes[j].node() != s.To || w.chance(w.loss) {
				continue
			}
			switch {
			case s.Car != nil:
				w.flight = append(w.flight, packet{j, lanes.CarIn{From: from, Car: *s.Car}})
			case s.Vote != nil:
				w.flight = append(w.flight, packet{j, lanes.CarVoteIn{From: from, Vote: *s.Vote}})
			case s.Cert != nil:
				w.flight = append(w.flight, packet{j, lanes.CertificateIn{From: from, Cert: *s.Cert}})
			}
		}
	}
}

// fetch answers from the disk of the first node named, if it has it and nothing is
// lost.
func (w *world) fetch(i int, out lanes.Output) {
	for _, f := range out.FetchCars {
		if have, ok := w.nodes[i].d.cars[f.Digest]; ok {
			w.flight = append(w.flight, packet{i, lanes.CarIn{From: w.nodes[i].node(), Car: have}})
			continue
		}
		j := w.index(f.From[0])
		for h, d := f.Height, f.Digest; h > f.Down && !w.chance(w.loss); h-- {
			c, ok := w.nodes[j].d.cars[d]
			if !ok {
				break
			}
			w.flight = append(w.flight, packet{i, lanes.CarIn{From: f.From[0], Car: c}})
			d = c.Parent
		}
	}
	for _, f := range out.FetchBatches {
		if w.nodes[i].d.batches[f.Digest] {
			w.flight = append(w.flight, packet{i, lanes.BatchStored{Digest: f.Digest}})
		} else if w.nodes[w.index(f.From[0])].d.batches[f.Digest] && !w.chance(w.loss) {
			w.flight = append(w.flight, packet{i, lanes.BatchStored{Digest: f.Digest}})
		}
	}
}

func (w *world) index(k proofs.NodeKey) int {
	return slices.IndexFunc(w.nodes, func(n *node) bool { return n.node() == k })
}

// propose takes the tips of a random member and asks all to hold them.
func (w *world) propose() {
	n := w.nodes[w.index(w.byEpoch[w.epoch][w.rng.IntN(4)].node())]
	if n.ep != w.epoch || len(n.tips) != len(w.cut.Tips) {
		return
	}
	p := &proposal{base: w.cut, cut: types.Cut{Tips: slices.Clone(w.cut.Tips)}, held: make(map[int]bool)}
	for l, t := range n.tips {
		tip := t.Held
		if w.chance(0.4) || t.Certified.Height > tip.Height {
			if tip = t.Certified; t.Certificate != nil {
				p.avail = append(p.avail, *t.Certificate)
			}
		}
		if tip.Height > w.cut.Tips[l].Height {
			p.cut.Tips[l] = tip
		}
	}
	w.serial++
	id := digestOf("proposal %d", w.serial)
	w.open[id] = p
	for j := range w.nodes {
		if !w.chance(w.loss) {
			w.flight = append(w.flight, packet{j, lanes.Hold{ID: id, From: n.node(), Base: p.base, Cut: p.cut, Available: p.avail}})
		}
	}
}

// advance gives node i the next thing that became final.
func (w *world) advance(i int) {
	d := w.nodes[i].d
	if d.given == len(w.history) {
		return
	}
	e := w.history[d.given]
	d.given++
	d.finals = append(d.finals, e)
	w.step(i, e.in)
}

func (w *world) ownBatch(i int) {
	n := w.nodes[i]
	w.serial++
	b := digestOf("batch %d", w.serial)
	n.d.batches[b] = true
	n.d.own = append(n.d.own, b)
	for j := range w.nodes {
		if j != i && !w.chance(w.loss) {
			w.nodes[j].d.batches[b] = true
			w.flight = append(w.flight, packet{j, lanes.BatchStored{Digest: b, From: n.node()}})
		}
	}
	w.step(i, lanes.OwnBatch{Digest: b})
}

// fork makes the Byzantine node sign another car beside one of its own.
func (w *world) fork() {
	n := w.nodes[3]
	lane, ok := w.sets[w.epoch].IndexOf(n.node())
	if !ok {
		return
	}
	var own []types.Car
	for _, c := range n.d.cars {
		if c.Epoch == w.epoch && int(c.Lane) == lane {
			own = append(own, c)
		}
	}
	if len(own) == 0 {
		return
	}
	slices.SortFunc(own, func(a, b types.Car) int {
		if a.Height != b.Height {
			return int(a.Height) - int(b.Height)
		}
		return bytes.Compare(a.Signature[:], b.Signature[:])
	})
	c := own[len(own)-1]
	w.serial++
	b := digestOf("batch %d", w.serial)
	n.d.batches[b] = true
	other := car(n.member, c.Epoch, c.Lane, c.Height, c.Parent, b)
	n.d.cars[other.Digest(network)] = other
	for j := range w.nodes {
		if w.chance(0.7) {
			w.flight = append(w.flight, packet{j, lanes.CarIn{From: n.node(), Car: other}})
		}
	}
}

func (w *world) nextEpoch() {
	next := w.members[:4]
	if len(w.byEpoch[w.epoch]) == 4 && w.byEpoch[w.epoch][0] == w.members[0] {
		next = w.members[1:5] // member 0 leaves, member 4 joins
	}
	w.epoch++
	w.enterEpoch(w.epoch, next)
	w.cut = types.NewCut(len(next))
	w.history = append(w.history, event{lanes.EpochIn{Epoch: w.epoch, Set: w.sets[w.epoch]}, w.epoch})
	clear(w.open)
}

func (w *world) deliver() {
	if len(w.flight) == 0 {
		return
	}
	k := w.rng.IntN(min(len(w.flight), 12))
	p := w.flight[k]
	w.flight = slices.Delete(w.flight, k, k+1)
	if b, ok := p.in.(lanes.BatchStored); ok {
		w.nodes[p.to].d.batches[b.Digest] = true
	}
	w.step(p.to, p.in)
}

func (w *world) act() {
	i := w.rng.IntN(len(w.nodes))
	w.now += uint64(w.rng.IntN(8))
	switch r := w.rng.IntN(1000); {
	case r < 60:
		w.ownBatch(i)
	case r < 140:
		w.step(i, lanes.TickIn{})
	case r < 180:
		w.propose()
	case r < 280:
		w.advance(i)
	case r < 286:
		w.boot(i) // crash and restart
	case r < 292:
		w.fork()
	case r < 293 && w.height > 0:
		w.nextEpoch()
	default:
		for range 6 {
			w.deliver()
		}
	}
}

// heal runs without loss, forks or crashes until everything is ordered everywhere.
func (w *world) heal() bool {
	w.loss = 0
	for range 500 {
		w.now += 20
		for i := range w.nodes {
			w.step(i, lanes.TickIn{})
			for w.nodes[i].d.given < len(w.history) {
				w.advance(i)
			}
		}
		for n := len(w.flight); n > 0; n-- {
			w.deliver()
		}
		if !w.settled() {
			w.propose()
		} else if w.caughtUp() {
			return true
		}
	}
	return false
}

func (w *world) caughtUp() bool {
	return !slices.ContainsFunc(w.nodes, func(n *node) bool { return len(n.d.ordered) < int(w.height) })
}

// settled reports whether nothing is left to order.
func (w *world) settled() bool {
	for _, n := range w.nodes {
		if _, member := w.sets[w.epoch].IndexOf(n.node()); member && len(n.d.own) > 0 && !n.byz {
			return false
		}
	}
	return true
}

// TestLanesUnderFaults drives five nodes, one of them forking its lane, through
// loss, reordering, crashes and changes of the set: what a machine says that it
// holds it holds, a certificate means that more than a third hold, nothing is signed
// twice, all order the same, and after healing everything honest is ordered.
func TestLanesUnderFaults(t *testing.T) {
	seeds := make([]uint64, *runs)
	for i := range seeds {
		seeds[i] = uint64(i) + 1
	}
	if *seedFlag != 0 {
		seeds = []uint64{*seedFlag}
	}
	for _, seed := range seeds {
		w := newWorld(t, seed)
		for range 6000 {
			w.act()
		}
		if !w.heal() {
			for i, n := range w.nodes {
				t.Logf("node %d: epoch %d, ordered %d of %d, given %d of %d, own %d, backlog %d, waiting %d", i, n.ep, len(n.d.ordered), w.height, n.d.given, len(w.history), len(n.d.own), n.m.Backlog(), n.m.Waiting())
			}
			t.Fatalf("seed %d: not everything was ordered", seed)
		}
		for i, n := range w.nodes[1:] {
			for h := range n.d.ordered {
				if a, b := w.nodes[0].d.ordered[h].Cars, n.d.ordered[h].Cars; !reflect.DeepEqual(a, b) {
					t.Fatalf("seed %d: nodes 0 and %d order block %d differently", seed, i+1, h+1)
				}
			}
		}
		if w.certs == 0 || w.holds == 0 || w.height < 5 {
			t.Fatalf("seed %d: idle run: %d certificates, %d holds, %d blocks", seed, w.certs, w.holds, w.height)
		}
		t.Logf("seed %d: %d blocks, %d epochs, %d certificates, %d holds", seed, w.height, w.epoch, w.certs, w.holds)
	}
}
