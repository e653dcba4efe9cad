package sim

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// core owns the machines during one life of a node. Like that of chain/node it
// takes a group of events, and then in this order: stores cars and final blocks,
// records votes, appends to the log, each synced, and sends.
type core struct {
	n     *Node
	lanes *lanes.Machine
	order *consensus.Machine

	epoch   uint64
	set     *proofs.ValidatorSet
	sets    map[uint64]*proofs.ValidatorSet
	lastCut types.Cut // of the newest final block, or the epoch's empty cut
	now     uint64

	inbox     []any
	inputs    []consensus.Input // for the ordering core, when what is under way is done
	busy      bool              // a flush is under way: events wait
	pending   pending
	toExecute []job
	wakeLanes uint64
	wakeOrder uint64
	planned   uint64 // the wake that is planned, world time

	engine    *execution.Engine
	rules     *mesh.Rules
	executing bool
	seen      map[proofs.Hash]*types.Block

	seenProposals []*types.Proposal // the newest, if an adversary runs the node

	saidSequence, saidAt uint64 // the choice for which the node said that it is ready, and when
	leftAt               uint64 // when it was first seen to have left with batches of its own
}

// pending waits for the next flush.
type pending struct {
	cars    []types.Car
	finals  []types.FinalBlock
	votes   []slotEntry
	records [][]byte
	rotate  bool // the log before records may be dropped
	ordered []job
	after   []send
}

type slotEntry struct {
	slot   slot
	digest proofs.Hash
}

// send is one thing that leaves the node after the flush.
type send struct {
	what string
	do   func()
}

// job is a block to execute: everything that it orders is here.
type job struct {
	lanes.OrderedBlock
	set *proofs.ValidatorSet
}

func (c *core) job(o *lanes.OrderedBlock) job {
	return job{OrderedBlock: *o, set: c.sets[o.Final.Block.Header.Epoch]}
}

// post gives the core an event.
func (n *Node) post(event any) {
	if n.up() && n.world.failed == nil {
		n.core.pump(event)
	}
}

// pump handles an event and all that wait, unless a flush is under way.
func (c *core) pump(event any) {
	if event != nil {
		c.inbox = append(c.inbox, event)
	}
	if c.busy {
		return
	}
	c.now = c.n.clock()
	for _, e := range c.inbox {
		c.handle(e)
	}
	c.inbox = c.inbox[:0]
	c.tick()
	p := c.pending
	c.pending = pending{}
	c.flushFrom(&p, 0)
	if c.n.core == c {
		c.planWake()
	}
}

func due(wake, now uint64) bool { return wake != 0 && wake <= now }

func (c *core) tick() {
	if due(c.wakeLanes, c.now) {
		c.stepLanes(lanes.TickIn{})
		c.settle()
	}
	if due(c.wakeOrder, c.now) {
		c.stepOrder(consensus.TickIn{})
	}
	c.settle()
}

// planWake plans the next tick.
func (c *core) planWake() {
	wake := c.wakeLanes
	if wake == 0 || c.wakeOrder != 0 && c.wakeOrder < wake {
		wake = c.wakeOrder
	}
	if wake == 0 {
		return
	}
	w := c.n.world
	at := max(uint64(int64(wake)-c.n.skew), w.now+1)
	if c.planned > w.now && c.planned <= at {
		return
	}
	c.planned = at
	c.n.after(at-w.now, "tick", func() {
		if c.planned == at {
			c.planned = 0
			c.pump(nil)
		}
	})
}

func (c *core) handle(event any) {
	switch e := event.(type) {
	case lanes.Input:
		c.stepLanes(e)
	case consensus.Input:
		if p, ok := e.(consensus.ProposalIn); ok {
			c.seen[p.Proposal.Block.Header.ID()] = &p.Proposal.Block
			if c.n.evil != nil {
				c.seenProposals = append(c.seenProposals[max(0, len(c.seenProposals)-16):], p.Proposal)
			}
		}
		c.stepOrder(e)
	default:
		panic(fmt.Sprintf("sim: unknown event %T", event))
	}
	c.settle()
}

func (c *core) stepLanes(in lanes.Input) { c.takeLanes(c.lanes.Step(c.now, in)) }

// takeLanes collects what the data layer wants done, and tells the ordering core.
func (c *core) takeLanes(out lanes.Output) {
	c.n.net.ledger.lanesStep(c.n, &out)
	c.wakeLanes = out.Wake
	p := &c.pending
	p.cars = append(p.cars, out.Store...)
	for _, v := range out.Votes {
		p.votes = append(p.votes, slotEntry{slot{v.Kind, v.Epoch, v.Height, uint64(v.Lane)}, v.Digest})
	}
	for i := range out.Sends {
		c.sendLane(out.Sends[i])
	}
	c.fetchesOf(&out)
	for i := range out.Ordered {
		p.ordered = append(p.ordered, c.job(&out.Ordered[i]))
	}
	for _, d := range out.Adopted {
		c.n.adopt(d)
	}
	c.n.forget(out.Forget)
	for _, id := range out.Held {
		c.stepOrder(consensus.HeldIn{ID: id})
	}
	if out.TipsChanged {
		tips := make([]consensus.LaneTip, len(out.Tips))
		for i := range out.Tips {
			tips[i] = consensus.LaneTip{Held: out.Tips[i].Held, Certified: out.Tips[i].Certificate}
		}
		c.stepOrder(consensus.TipsIn{Epoch: c.epoch, Tips: tips})
	}
}

// stepOrder gives the ordering core an input when the output under way is taken
// altogether: outputs must be taken in the order in which they were made.
func (c *core) stepOrder(in consensus.Input) {
	if c.n.world.bug.is(BugOvertaking) {
		c.takeOrder(c.order.Step(c.now, in))
		return
	}
	c.inputs = append(c.inputs, in)
}

func (c *core) settle() {
	for len(c.inputs) > 0 {
		in := c.inputs[0]
		c.inputs = c.inputs[1:]
		c.takeOrder(c.order.Step(c.now, in))
	}
}

// takeOrder collects what the ordering core wants done, and tells the data layer.
func (c *core) takeOrder(out consensus.Output) {
	c.n.net.ledger.orderStep(c.n, &out)
	c.wakeOrder = out.Wake
	p := &c.pending
	if out.Checkpoint {
		p.records, p.rotate = nil, true
	}
	p.records = append(p.records, out.Records...)
	for _, v := range out.Votes {
		p.votes = append(p.votes, slotEntry{slot{kind: v.Kind, epoch: v.Epoch, view: v.View}, v.Digest})
	}
	for i := range out.Sends {
		c.sendOrder(out.Sends[i])
	}
	for i := range out.Fetches {
		c.fetchBlocks(out.Fetches[i])
	}
	for _, h := range out.Holds {
		switch {
		case h.Epoch != c.epoch:
		case c.n.world.bug.is(BugTipsHeld):
			c.stepOrder(consensus.HeldIn{ID: h.ID})
		default:
			c.stepLanes(lanes.Hold{ID: h.ID, From: h.From, Base: h.Base, Cut: h.Cut, Available: h.Available})
		}
	}
	anchors := out.NewEpochs
	for i := range out.Finals {
		c.final(&out.Finals[i])
		if len(anchors) > 0 && anchors[0].ID == out.Finals[i].ID {
			c.startEpoch(&anchors[0])
			anchors = anchors[1:]
		}
	}
}

func (c *core) final(f *types.FinalBlock) {
	c.pending.finals = append(c.pending.finals, *f)
	base := c.lastCut
	c.n.net.ledger.final(c.n, f, &base)
	c.lastCut = f.Block.Cut
	c.stepLanes(lanes.Final{Block: *f, Base: base})
}

func (c *core) startEpoch(a *consensus.Anchor) {
	c.epoch, c.set = a.Epoch, a.Set
	c.sets[a.Epoch] = a.Set
	c.lastCut = types.NewCut(a.Set.Len())
	c.later("pruning the signing record", func() { c.n.pruneSigned(a.Epoch) })
	c.stepLanes(lanes.EpochIn{Epoch: a.Epoch, Set: a.Set})
}
