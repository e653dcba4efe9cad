package sim

import (
	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// slot is a place of the signing record.
type slot struct {
	kind        uint8
	epoch, view uint64
}

// disk is what survives a crash.
type disk struct {
	records [][]byte
	signed  map[slot]proofs.Hash
	finals  []types.FinalBlock
	anchors []consensus.Anchor // of the epochs, in order
	results []types.Executed   // of all blocks from 0 on
}

// Node is one simulated node: a machine, a disk, and the driver between them.
type Node struct {
	world *World
	index int // in World.nodes
	id    identity
	key   proofs.NodeKey
	skew  int64 // ms

	disk
	lanes []lane // durable too, see lanes.go

	machine *consensus.Machine // nil while crashed
	life    int                // counts starts and crashes: effects of an earlier life are dropped
	unsaved []consensus.Output // taken from the machine, not durable yet
	saving  bool
	wakeAt  uint64
	running bool // execution is at work
	evil    adversary
}

func newNode(w *World, identity int, id identity, anchor consensus.Anchor, executed types.Executed) *Node {
	n := &Node{world: w, index: len(w.nodes), id: id, key: id.member.Node}
	n.signed = make(map[slot]proofs.Hash)
	n.anchors = []consensus.Anchor{anchor}
	n.results = []types.Executed{executed}
	n.lanes = make([]lane, anchor.Set.Len())
	if half := w.scenario.Drift / 2; half > 0 {
		n.skew = int64(w.between(0, half)) - int64(half/2)
	}
	n.evil = w.scenario.Byzantine[identity]
	return n
}

func (n *Node) anchor() *consensus.Anchor    { return &n.anchors[len(n.anchors)-1] }
func (n *Node) epoch() uint64                { return n.anchor().Epoch }
func (n *Node) set() *proofs.ValidatorSet    { return n.anchor().Set }
func (n *Node) clock() uint64                { return uint64(int64(n.world.now) + n.skew) }
func (n *Node) executed() *types.Executed    { return &n.results[len(n.results)-1] }
func (n *Node) honest() bool                 { return n.evil == nil && !n.world.isTwin(n) }
func (n *Node) newestFinal() (height uint64) { return uint64(len(n.finals)) }

// start boots the node from its disk.
func (n *Node) start() {
	if n.machine != nil {
		return
	}
	s := consensus.Start{Anchor: *n.anchor(), Records: n.records, Executed: n.results[max(len(n.results), 3)-3:]}
	if len(n.finals) > 0 {
		s.LastFinal = &n.finals[len(n.finals)-1]
	}
	m, err := consensus.New(consensus.Config{Zero: n.world.zero, Node: n.key, Crypto: n.world.scenario.Crypto(n.id), Signed: n.lookup}, s)
	if err != nil {
		n.world.fail("node %d does not start: %v", n.index, err)
		return
	}
	n.machine, n.life = m, n.life+1
	n.offer()
	n.run()
}

func (n *Node) lookup(kind uint8, epoch, view uint64) (proofs.Hash, bool) {
	d, ok := n.signed[slot{kind, epoch, view}]
	return d, ok
}

// crash loses everything that is not on the disk.
func (n *Node) crash() {
	n.machine, n.unsaved, n.saving, n.running, n.wakeAt = nil, nil, false, false, 0
	n.life++
}

// step gives the machine one input and queues what it answers.
func (n *Node) step(in consensus.Input) {
	if n.machine == nil || n.world.failed != nil {
		return
	}
	out := n.machine.Step(n.clock(), in)
	n.world.ledger.afterStep(n, &out)
	n.unsaved = append(n.unsaved, out)
	n.save()
	if out.Wake != 0 {
		n.wake(out.Wake)
	}
}

// wake plans a tick at the node's time t.
func (n *Node) wake(t uint64) {
	at := max(uint64(int64(t)-n.skew), n.world.now+1)
	if n.wakeAt > n.world.now && n.wakeAt <= at {
		return
	}
	n.wakeAt = at
	life := n.life
	n.world.after(at-n.world.now, func() {
		if n.life == life && n.wakeAt == at {
			n.wakeAt = 0
			n.step(consensus.TickIn{})
		}
	})
}

// save makes all queued outputs durable with one sync, then lets their effects
// out. A crash can come before the sync, between its parts, and after it.
func (n *Node) save() {
	if n.saving {
		return
	}
	n.saving = true
	life := n.life
	n.world.after(n.world.between(0, n.world.scenario.SyncDelay), func() {
		if n.life != life {
			return
		}
		batch := n.unsaved
		n.unsaved, n.saving = nil, false
		n.sync(batch)
		if n.world.chaos && n.world.scenario.Crash > 0 && n.world.chance(0.0005) {
			n.crash()
			n.world.after(n.world.between(1, 800), n.start)
			return
		}
		for i := range batch {
			n.release(&batch[i])
		}
	})
}

// sync writes records, votes, finals.
func (n *Node) sync(batch []consensus.Output) {
	for i := range batch {
		out := &batch[i]
		if out.Checkpoint {
			n.records = nil
		}
		n.records = append(n.records, out.Records...)
		for _, v := range out.Votes {
			at := slot{v.Kind, v.Epoch, v.View}
			if d, ok := n.signed[at]; ok && d != v.Digest {
				n.world.fail("node %d: the signing record refuses %+v", n.index, v)
			}
			n.signed[at] = v.Digest
		}
		for _, f := range out.Finals {
			n.appendFinal(f)
		}
	}
}

// appendFinal stores a final block and starts the epoch that it begins.
func (n *Node) appendFinal(f types.FinalBlock) {
	if want := n.newestFinal() + 1; f.Block.Header.Height != want {
		n.world.fail("node %d: final block %d, want %d", n.index, f.Block.Header.Height, want)
		return
	}
	n.finals = append(n.finals, f)
	n.world.ledger.final(n, &f)
	if !f.Block.Header.IsKeyBlock() {
		return
	}
	old := n.anchor()
	next, err := old.Next(&f.Block)
	if err != nil {
		n.world.fail("node %d: %v", n.index, err)
		return
	}
	n.anchors = append(n.anchors, next)
	n.startLanes(&f.Block.Cut, old.Set)
}

// release lets the effects of one durable output out.
func (n *Node) release(out *consensus.Output) {
	for _, s := range out.Sends {
		n.send(s)
	}
	for _, h := range out.Holds {
		n.hold(h)
	}
	for _, f := range out.Fetches {
		n.request(f)
	}
	if len(out.Finals) > 0 {
		n.run()
	}
}

// send sends one message, or what an adversary makes of it.
func (n *Node) send(s consensus.Send) {
	if n.evil != nil {
		n.evil.send(n, s)
		return
	}
	n.transmit(s)
}

// transmit sends as the network does: who rests in this epoch listens too.
func (n *Node) transmit(s consensus.Send) {
	n.world.ledger.sent(n, s.Msg)
	for _, to := range n.world.nodes {
		if to.key != n.key && (s.All || to.key == s.To) {
			n.transmitTo(to, s.Msg)
		}
	}
}

func (n *Node) transmitTo(to *Node, msg any) {
	n.world.deliver(n, to, func() { to.receive(n.key, msg) })
}

func (n *Node) receive(from proofs.NodeKey, msg any) {
	switch msg := msg.(type) {
	case *types.Proposal:
		n.step(consensus.ProposalIn{From: from, Proposal: msg})
	case *types.Vote:
		n.step(consensus.VoteIn{From: from, Vote: msg})
	case *types.Quorum:
		n.step(consensus.QuorumIn{From: from, Quorum: msg})
	}
}

// request asks the nodes named in a fetch.
func (n *Node) request(f consensus.Fetch) {
	for _, key := range f.To {
		for _, to := range n.world.nodes {
			if to.key == key && to != n {
				n.world.deliver(n, to, func() { to.serve(n, f) })
			}
		}
	}
}

// maxServed bounds the blocks of one answer.
const maxServed = 64

// serve answers a fetch.
func (n *Node) serve(to *Node, f consensus.Fetch) {
	if n.machine == nil {
		return
	}
	var in consensus.Input
	if f.ID != (proofs.Hash{}) {
		b := n.find(f.ID)
		if b == nil {
			return
		}
		in = consensus.BlockIn{From: n.key, Block: b}
	} else {
		in = consensus.FinalBlocksIn{From: n.key, Blocks: n.finalsFrom(f.FromHeight)}
	}
	n.world.deliver(n, to, func() { to.step(in) })
}

func (n *Node) find(id proofs.Hash) *types.Block {
	if b, ok := n.machine.Block(id); ok {
		return b
	}
	for i := range n.finals {
		if n.finals[i].ID == id {
			return &n.finals[i].Block
		}
	}
	return nil
}

// finalsFrom returns final blocks from a height on, up to one with a certificate.
func (n *Node) finalsFrom(height uint64) []types.FinalBlock {
	if height == 0 || height > n.newestFinal() {
		return nil
	}
	blocks := n.finals[height-1:]
	for i := maxServed - 1; i < len(blocks); i++ {
		if blocks[i].Certificate != nil {
			return blocks[:i+1]
		}
	}
	return blocks
}

// run executes final blocks one after another.
func (n *Node) run() {
	done := n.executed().Height
	if n.running || n.machine == nil || done >= n.newestFinal() {
		return
	}
	n.running = true
	life := n.life
	n.world.after(n.world.between(1, n.world.scenario.ExecutionDelay), func() {
		if n.life != life {
			return
		}
		n.running = false
		n.executeNext()
		n.run()
	})
}

func (n *Node) executeNext() {
	at := n.executed().Height
	block := &n.finals[at]
	var cut types.Cut
	if at > 0 && n.finals[at-1].Block.Header.Epoch == block.Block.Header.Epoch {
		cut = n.finals[at-1].Block.Cut
	} else {
		cut = types.NewCut(len(block.Block.Cut.Tips))
	}
	e, err := n.world.execute(n.executed(), block, &cut)
	if err != nil {
		n.world.fail("node %d: %v", n.index, err)
		return
	}
	n.results = append(n.results, e)
	n.step(consensus.ExecutedIn{Executed: e})
}
