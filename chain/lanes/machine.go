package lanes

import (
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Machine is one node's part in the lanes of an epoch. Not safe for concurrent
// use.
type Machine struct {
	network proofs.NetworkID
	node    proofs.NodeKey
	signer  Signer
	lim     Limits
	signed  func(kind uint8, epoch, height uint64, lane uint32) (proofs.Hash, bool)
	has     func(proofs.Hash) bool

	epoch  uint64
	set    *proofs.ValidatorSet
	self   int // the node's lane, or -1
	lanes  []*lane
	height uint64 // of the last final block
	live   bool   // replay is over: sign and send
	later  []types.Car
	early  []early

	batches batches
	own     ownLane
	holds   []*hold
	finals  []*final
	wants   wants

	now   uint64
	dirty bool // holds, finals and wants are to be looked at again
	tips  bool // a tip changed
	out   Output
}

// New restores a machine. Nothing comes out of it before the first [Machine.Step].
func New(cfg Config, start Start) *Machine {
	m := &Machine{
		network: cfg.Network, node: cfg.Node, signer: cfg.Signer, lim: cfg.Limits.orDefaults(),
		signed: start.Signed, has: start.HasBatch, height: start.Height, later: start.Cars,
	}
	if m.signed == nil {
		m.signed = func(uint8, uint64, uint64, uint32) (proofs.Hash, bool) { return proofs.Hash{}, false }
	}
	if m.has == nil {
		m.has = func(proofs.Hash) bool { return false }
	}
	m.batches.init(m.lim.Remembered)
	m.own.init()
	for _, d := range start.Own {
		if m.has(d) {
			m.ownBatch(d)
		}
	}
	m.enter(start.Epoch, start.Set, start.Committed)
	m.out = Output{}
	return m
}

// enter sets the lanes of an epoch up, on the committed cut, with the stored cars.
func (m *Machine) enter(epoch uint64, set *proofs.ValidatorSet, committed types.Cut) {
	m.epoch, m.set, m.self = epoch, set, -1
	if i, ok := set.IndexOf(m.node); ok && m.signer != nil {
		m.self = i
	}
	m.lanes = make([]*lane, set.Len())
	for i := range m.lanes {
		m.lanes[i] = newLane(uint32(i), set.At(i).Node, committed.Tips[i])
	}
	m.batches.senders(set.Len(), m.lim.Orphans)
	m.own.restart(m)
	var later []types.Car
	for i := range m.later {
		c := m.later[i]
		switch {
		case c.Epoch > epoch:
			later = append(later, c)
		case c.Epoch == epoch && int(c.Lane) < len(m.lanes):
			m.restore(&c)
		}
	}
	m.later = later
	m.own.restored(m)
	m.dirty, m.tips = true, true
}

func (m *Machine) restore(c *types.Car) {
	l, digest := m.lanes[c.Lane], c.Digest(m.network)
	if c.Height <= l.committed.Height || l.cars[digest] != nil {
		return
	}
	for _, d := range c.Batches {
		if m.has(d) {
			m.batchStored(d, proofs.NodeKey{})
		}
	}
	m.insert(l, m.newCar(c, digest, l.owner))
}

// Step takes one input at time now (ms since the Unix epoch; never falling).
func (m *Machine) Step(now uint64, in Input) Output {
	m.now = max(m.now, now)
	m.take(in)
	if m.live {
		m.makeCars()
	}
	if _, tick := in.(TickIn); tick {
		m.tick()
	}
	m.settle()
	if m.tips {
		m.tips = false
		m.out.Tips, m.out.TipsChanged = m.laneTips(), true
	}
	m.out.Wake = m.wake()
	out := m.out
	m.out = Output{}
	return out
}

func (m *Machine) take(in Input) {
	switch in := in.(type) {
	case Final:
		m.refuse(proofs.NodeKey{}, m.final(in))
		return
	case EpochIn:
		m.refuse(proofs.NodeKey{}, m.nextEpoch(in))
		return
	}
	if !m.live {
		m.start()
	}
	switch in := in.(type) {
	case OwnBatch:
		m.ownBatch(in.Digest)
	case BatchStored:
		m.batchStored(in.Digest, in.From)
	case CarIn:
		m.refuse(in.From, m.carIn(in))
	case CarVoteIn:
		m.refuse(in.From, m.voteIn(in))
	case CertificateIn:
		m.refuse(in.From, m.certificateIn(in))
	case Hold:
		m.refuse(in.From, m.hold(in))
	case Drop:
		m.drop(in.ID)
	}
}

func (m *Machine) refuse(from proofs.NodeKey, err error) {
	if err != nil {
		m.out.Refused = append(m.out.Refused, Refusal{From: from, Err: err})
	}
}

// start ends the replay: what is held is voted for, again if need be, and what is
// not ordered is sent again.
func (m *Machine) start() {
	m.live = true
	for _, l := range m.lanes {
		for h := l.committed.Height + 1; h <= l.top; h++ {
			for _, c := range l.heights[h] {
				if c.complete {
					m.vote(l, c)
				}
			}
		}
	}
	m.own.resendAt = m.now
}

// Waiting returns how many own batches wait for a car. The driver makes no new
// batches while it is large.
func (m *Machine) Waiting() int { return len(m.own.waiting) }

// Backlog returns how many final blocks wait for cars or batches.
func (m *Machine) Backlog() int { return len(m.finals) }

func (m *Machine) tick() {
	m.dirty = true
	m.adoptDue()
	m.resend()
}

// wake says when a tick is due. While something is fetched that is often: what is
// due is found by looking through it.
func (m *Machine) wake() uint64 {
	var at uint64
	sooner := func(t uint64) {
		if at == 0 || t < at {
			at = t
		}
	}
	if len(m.wants.list) > 0 || len(m.batches.missing) > 0 {
		sooner(m.now + m.lim.Grace)
	}
	if m.live && m.own.uncommitted(m) > 0 {
		sooner(max(m.own.resendAt, m.now+1))
	}
	for i := range m.own.adopted {
		sooner(max(m.own.adopted[i].due, m.now+1))
	}
	return at
}
