package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/lanes"
	"github.com/isthmus-network/isthmus/chain/store"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Bounds of the core.
const (
	inboxSize  = 4096
	maxGrouped = 256 // events taken before what they caused is made durable
	maxBacklog = 512 // ordered blocks that wait for execution before catch-up pauses
	keptSets   = 64  // epochs whose validator set is remembered, at least
)

// core owns the two machines of the ordering side.
//
// For every group of events it does, in this order: step the machines; store cars
// and final blocks durably; record votes; append to the log; send, fetch, hand
// over to execution. A vote therefore never leaves the node before the disk has
// it, and a car is never voted for before the disk has it.
type core struct {
	n     *Node
	inbox chan any
	lanes *lanes.Machine
	order *consensus.Machine

	epoch   uint64
	set     *proofs.ValidatorSet
	sets    map[uint64]*proofs.ValidatorSet
	ordered uint64    // epoch of the newest block whose cars and batches are here
	lastCut types.Cut // of the newest final block, or the epoch's empty cut
	now     uint64

	told      []consensus.Input // by the data layer; the ordering core takes them next
	pending   effects
	toExecute []job
	wakeLanes uint64
	wakeOrder uint64
}

// effects wait for the next flush.
type effects struct {
	cars     []types.Car
	finals   []types.FinalBlock
	votes    []store.Entry
	records  [][]byte
	rotate   bool // the log before records may be dropped
	evidence []storedEvidence
	ordered  []job
	after    []func(ctx context.Context) // sends and fetches
}

// job is a block to execute: everything that it orders is durable here.
type job struct {
	lanes.OrderedBlock
	set *proofs.ValidatorSet
}

// post gives the core an event; it blocks while the inbox is full, which is
// back-pressure onto the poster.
func (c *core) post(ctx context.Context, event any) {
	select {
	case c.inbox <- event:
	case <-ctx.Done():
	}
}

// run is the core's loop.
func (c *core) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		var execute chan job
		var next job
		if len(c.toExecute) > 0 {
			execute, next = c.n.jobs, c.toExecute[0]
		}
		select {
		case <-ctx.Done():
			return nil
		case execute <- next:
			c.toExecute = c.toExecute[1:]
			continue
		case event := <-c.inbox:
			c.now = c.n.now()
			c.handle(event)
			c.drain()
		case <-timer.C:
			c.now = c.n.now()
			c.tick()
		}
		if err := c.flush(ctx); err != nil {
			return err
		}
		c.n.publishStatus(c)
		timer.Reset(c.untilWake())
	}
}

// drain takes further events that are there already.
func (c *core) drain() {
	for range maxGrouped {
		select {
		case event := <-c.inbox:
			c.handle(event)
		default:
			return
		}
	}
}

func (c *core) tick() {
	if due(c.wakeLanes, c.now) {
		c.stepLanes(lanes.TickIn{})
		c.tell()
	}
	if due(c.wakeOrder, c.now) {
		c.stepOrder(consensus.TickIn{})
		c.tell()
	}
}

func due(wake, now uint64) bool { return wake != 0 && wake <= now }

// untilWake is how long the core may sleep without an event.
func (c *core) untilWake() time.Duration {
	wait := uint64(time.Hour / time.Millisecond)
	now := c.n.now()
	for _, wake := range [...]uint64{c.wakeLanes, c.wakeOrder} {
		if wake != 0 {
			wait = min(wait, max(wake, now)-now)
		}
	}
	return time.Duration(wait) * time.Millisecond
}

func (c *core) handle(event any) {
	if c.n.opt.tap != nil {
		c.n.opt.tap(event)
	}
	switch e := event.(type) {
	case lanes.Input:
		c.stepLanes(e)
	case consensus.Input:
		if p, ok := e.(consensus.ProposalIn); ok {
			c.n.seen.put(&p.Proposal.Block)
		}
		c.stepOrder(e)
	default:
		panic(fmt.Sprintf("node: unknown event %T", event))
	}
	c.tell()
}

// tell hands the ordering core what the data layer has for it, after all that came
// before is done: a final block that came out in the middle of another step's would
// reach the data layer out of order.
func (c *core) tell() {
	for len(c.told) > 0 {
		in := c.told[0]
		c.told = c.told[1:]
		c.stepOrder(in)
	}
}

func (c *core) stepLanes(in lanes.Input) { c.takeLanes(c.lanes.Step(c.now, in)) }

// takeLanes collects what the data layer wants done, and tells the ordering core.
func (c *core) takeLanes(out lanes.Output) {
	c.wakeLanes = out.Wake
	p := &c.pending
	p.cars = append(p.cars, out.Store...)
	for _, v := range out.Votes {
		p.votes = append(p.votes, store.Entry{Slot: store.Slot{Kind: v.Kind, Epoch: v.Epoch, View: v.Height, Sub: uint64(v.Lane)}, Digest: v.Digest})
	}
	for i := range out.Sends {
		c.sendLane(&out.Sends[i])
	}
	for i := range out.FetchCars {
		c.fetchCars(out.FetchCars[i])
	}
	for i := range out.FetchBatches {
		c.fetchBatch(out.FetchBatches[i])
	}
	for i := range out.Ordered {
		o := out.Ordered[i]
		c.ordered = o.Final.Block.Header.Epoch
		p.ordered = append(p.ordered, job{OrderedBlock: o, set: c.sets[c.ordered]})
	}
	for i := range out.Evidence {
		e := &out.Evidence[i]
		c.n.log.Error("two cars at one height", "node", e.Node, "epoch", e.A.Epoch, "height", e.A.Height)
		p.evidence = append(p.evidence, storedEvidence{Node: e.Node, Cars: []types.Car{e.A, e.B}})
	}
	c.n.followLanes(&out)
	for _, id := range out.Held {
		c.told = append(c.told, consensus.HeldIn{ID: id})
	}
	if out.TipsChanged {
		tips := make([]consensus.LaneTip, len(out.Tips))
		for i := range out.Tips {
			tips[i] = consensus.LaneTip{Held: out.Tips[i].Held, Certified: out.Tips[i].Certificate}
		}
		c.told = append(c.told, consensus.TipsIn{Epoch: c.epoch, Tips: tips})
	}
}

func (c *core) stepOrder(in consensus.Input) { c.takeOrder(c.order.Step(c.now, in)) }

// takeOrder collects what the ordering core wants done, and tells the data layer.
func (c *core) takeOrder(out consensus.Output) {
	c.wakeOrder = out.Wake
	p := &c.pending
	if out.Checkpoint {
		p.records, p.rotate = nil, true
	}
	p.records = append(p.records, out.Records...)
	for _, v := range out.Votes {
		p.votes = append(p.votes, store.Entry{Slot: store.Slot{Kind: v.Kind, Epoch: v.Epoch, View: v.View}, Digest: v.Digest})
	}
	for i := range out.Sends {
		c.sendOrder(&out.Sends[i])
	}
	for i := range out.Fetches {
		c.fetchBlocks(out.Fetches[i])
	}
	for _, b := range out.Blames {
		c.n.log.Warn("peer breaks the ordering protocol", "node", b.Node, "error", b.Err)
	}
	for i := range out.Evidence {
		e := &out.Evidence[i]
		c.n.log.Error("two votes that exclude each other", "node", e.Node, "epoch", e.A.Epoch, "view", e.A.View, "kinds", [2]proofs.ObjectType{e.A.Kind, e.B.Kind})
		p.evidence = append(p.evidence, storedEvidence{Node: e.Node, Set: e.Set, Votes: []types.Vote{e.A, e.B}})
	}
	if out.Alarm != nil {
		c.n.alarm(out.Alarm)
	}
	for _, h := range out.Holds {
		if h.Epoch == c.epoch {
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
	c.lastCut = f.Block.Cut
	c.stepLanes(lanes.Final{Block: *f, Base: base})
}

// keptSlots is how many epochs before the present one the signing record holds
// vote by vote; what is older it refuses altogether.
const keptSlots = 2

func (n *Node) pruneSigned(epoch uint64) {
	if epoch <= keptSlots {
		return
	}
	if err := n.signing.Prune(epoch - keptSlots); err != nil {
		n.log.Error("signing record not pruned", "error", err)
	}
}

func (c *core) startEpoch(a *consensus.Anchor) {
	c.epoch, c.set = a.Epoch, a.Set
	c.sets[a.Epoch] = a.Set
	for e := range c.sets {
		if e+keptSets <= a.Epoch && e < c.ordered {
			delete(c.sets, e) // a node that catches up needs those of what it has not executed
		}
	}
	c.lastCut = types.NewCut(a.Set.Len())
	c.pending.after = append(c.pending.after, func(context.Context) { c.n.pruneSigned(a.Epoch) })
	c.n.log.Info("epoch begins", "epoch", a.Epoch, "key_block", a.Header.Height, "validators", a.Set.Len())
	c.stepLanes(lanes.EpochIn{Epoch: a.Epoch, Set: a.Set})
}

// flush makes durable what the last events caused, and lets it out.
func (c *core) flush(ctx context.Context) error {
	p := c.pending
	c.pending = effects{}
	if err := c.persist(&p); err != nil {
		return err
	}
	for _, f := range p.after {
		f(ctx)
	}
	c.toExecute = append(c.toExecute, p.ordered...)
	for i := range p.finals {
		c.n.finalised(&p.finals[i])
	}
	return nil
}

func (c *core) persist(p *effects) error {
	if len(p.cars)+len(p.finals)+len(p.evidence) > 0 {
		var b store.Batch
		for i := range p.evidence {
			c.n.blocks.putEvidence(&b, &p.evidence[i])
		}
		for i := range p.cars {
			c.n.blocks.putCar(&b, &p.cars[i], p.cars[i].Digest(c.n.zero.ID))
		}
		for i := range p.finals {
			c.n.blocks.putFinal(&b, &p.finals[i])
		}
		if err := c.n.chainDB.Write(&b, true); err != nil {
			return fmt.Errorf("node: store blocks: %w", err)
		}
	}
	if len(p.votes) > 0 {
		if err := c.n.signing.RecordAll(p.votes); err != nil {
			if errors.Is(err, store.ErrConflict) {
				return fmt.Errorf("node: the signing record refuses a vote: another process uses this key, or the store was rolled back: %w", err)
			}
			return fmt.Errorf("node: signing record: %w", err)
		}
	}
	return c.appendLog(p)
}

// appendLog writes the records of the ordering core, and drops older ones after a
// checkpoint.
func (c *core) appendLog(p *effects) error {
	var segment uint64
	if p.rotate {
		var err error
		if segment, err = c.n.wal.Rotate(); err != nil {
			return fmt.Errorf("node: write-ahead log: %w", err)
		}
	}
	if err := c.n.wal.Append(p.records...); err != nil {
		return fmt.Errorf("node: write-ahead log: %w", err)
	}
	if p.rotate {
		if err := c.n.wal.Truncate(segment); err != nil {
			return fmt.Errorf("node: write-ahead log: %w", err)
		}
	}
	return nil
}
