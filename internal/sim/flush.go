package sim

import (
	"maps"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/proofs"
)

// stage is one of the parts of a flush. Between any two the node may crash.
type stage struct {
	name  string
	wants bool
	write func(*pending)
	sync  func(*pending)
}

// stages lists them in their order.
func (n *Node) stages(p *pending) [3]stage {
	return [...]stage{
		{"storing", len(p.cars)+len(p.finals) > 0, n.store, n.syncChain},
		{"recording", len(p.votes) > 0, n.record, func(*pending) { n.disk.signing.sync() }},
		{"logging", len(p.records) > 0 || p.rotate, n.log, n.syncLog},
	}
}

// flushFrom makes durable what the last events caused, from a stage on, and lets
// it out. Events wait meanwhile.
func (c *core) flushFrom(p *pending, stage int) {
	n := c.n
	for stages := n.stages(p); stage < len(stages); stage++ {
		s := &stages[stage]
		if stage > 0 && n.world.bug.is(BugSyncBeforeSend) {
			if !c.send(p) {
				return
			}
			p.after = nil
		}
		if !s.wants {
			continue
		}
		c.busy = true
		n.afterSync(s.name, func() { s.write(p) }, func() { s.sync(p) }, func() { c.flushFrom(p, stage+1) })
		return
	}
	waited := c.busy
	c.busy = false
	if !c.send(p) {
		return
	}
	c.toExecute = append(c.toExecute, p.ordered...)
	c.execute()
	if waited && n.core == c {
		c.pump(nil)
	}
}

// afterSync writes and syncs, and goes on after that. A crash may come before it,
// between the two, and after. Nobody reads what is not synced yet.
func (n *Node) afterSync(what string, write, sync, then func()) {
	n.after(n.world.between(0, n.world.scenario.SyncDelay*n.slow), what, func() {
		write()
		if !n.effect("writing before " + what) {
			return
		}
		sync()
		if n.effect(what) {
			then()
		}
	})
}

// send lets out what was made durable.
func (c *core) send(p *pending) bool {
	for i := range p.after {
		p.after[i].do()
		if !c.n.effect(p.after[i].what) {
			return false
		}
	}
	return true
}

func (n *Node) store(p *pending) {
	cars, finals := p.cars, p.finals
	for i := range finals {
		n.net.ledger.contiguous(n, &finals[i], len(n.disk.chain.live.finals)+i)
	}
	network := n.net.zero.ID
	n.disk.chain.write(func(d *chainData) {
		for i := range cars {
			d.cars[cars[i].Digest(network)] = cars[i]
		}
		d.finals = append(d.finals, finals...)
	})
}

func (n *Node) syncChain(p *pending) {
	if n.world.bug.is(BugCarDurability) && len(p.finals) == 0 {
		return
	}
	n.disk.chain.sync()
}

// record writes votes into the signing record, which refuses a second one.
func (n *Node) record(p *pending) {
	if n.world.bug.is(BugSigningRecord) {
		return
	}
	for _, v := range p.votes {
		if n.world.bug.is(BugExclusion) && v.slot.kind == consensus.SlotClose {
			continue
		}
		if d, ok := n.signed(v.slot); ok && d != v.digest || v.slot.epoch < n.disk.signing.live.floor {
			n.net.ledger.refused(n, v.slot)
			return
		}
		n.disk.signing.write(func(s *signingRecord) { s.votes[v.slot] = v.digest })
	}
}

// keptSlots is how many epochs before the present one the signing record holds
// vote by vote; what is older it refuses altogether.
const keptSlots = 2

func (n *Node) pruneSigned(epoch uint64) {
	if epoch <= keptSlots {
		return
	}
	n.disk.signing.write(func(s *signingRecord) {
		s.floor = max(s.floor, epoch-keptSlots)
		maps.DeleteFunc(s.votes, func(at slot, _ proofs.Hash) bool { return at.epoch < s.floor })
	})
	n.disk.signing.sync()
}

func (n *Node) log(p *pending) {
	if p.rotate {
		n.disk.wal.rotate()
	}
	n.disk.wal.append(p.records)
}

func (n *Node) syncLog(p *pending) {
	n.disk.wal.sync()
	if p.rotate && n.effect("logging a checkpoint") {
		n.disk.wal.truncate()
	}
}
