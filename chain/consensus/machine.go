package consensus

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Machine is the ordering core of one node. It is used by one goroutine at a time.
type Machine struct {
	cfg     Config
	network proofs.NetworkID
	par     *proofs.Parameters

	now   uint64
	out   Output
	alarm error

	epochState

	// What outlives epochs.
	executed  []types.Executed          // results by rising height; the last is the newest
	unchecked []proofs.Header           // final headers whose execution we have not reached
	hints     map[proofs.NodeKey]uint64 // newest block that a node reports as executed
	heard     map[proofs.NodeKey]uint64 // when a node was last heard, ms
	replied   map[proofs.NodeKey]uint64 // when a laggard was last answered, ms
	pace      pace
	lastKey   *types.Quorum        // what finalised the last key block, for laggards
	lastSet   *proofs.ValidatorSet // of the epoch before, for laggards that left
	records   int                  // written since the last checkpoint
	replay    []record             // of epochs that the log knows and we have not reached
	early     []Input              // messages of the next epoch
	fetch     fetching
}

// epochState is what an epoch starts afresh.
type epochState struct {
	anchor  Anchor
	set     *proofs.ValidatorSet
	me      int // our place in set, or -1
	views   map[uint64]*view
	current uint64 // the view we are in
	top     uint64 // the highest view with a certificate
	high    uint64 // the highest view with a notarization or finalization
	entered uint64 // when we came to be in current, ms
	closing []uint64

	tree      map[proofs.Hash]*node
	final     *node
	finalView uint64        // the highest view that made something final; 0 at the anchor
	finalCert *types.Quorum // of finalView
	pending   *types.Quorum // finalization of a block that does not reach final yet

	tips     []LaneTip
	suspects []uint8 // per lane: notarized views until an uncertified tip is taken again
	accused  []bool  // per validator: evidence was given
	absent   []uint8 // per validator: led views in a row that were nullified
	lastVote *types.Vote

	workSince uint64 // when work was first seen in current, ms; 0 if there is none
	resendAt  uint64 // 0 is not planned
	resends   uint   // in this view
}

// New starts a machine, anew or from what an earlier one made durable. Outputs
// that follow from that come with the first Step. Errors: proofs.ErrLink if start
// does not fit together, proofs.ErrQuorum if the last final block comes without its
// certificate, proofs.ErrMalformed for a record that does not decode.
func New(cfg Config, start Start) (*Machine, error) {
	m := &Machine{
		cfg: cfg, network: cfg.Zero.ID, par: &cfg.Zero.Parameters,
		hints:   make(map[proofs.NodeKey]uint64),
		heard:   make(map[proofs.NodeKey]uint64),
		replied: make(map[proofs.NodeKey]uint64),
	}
	return m, m.start(start)
}

// Step takes one input at time now, ms since the Unix epoch. A time below an
// earlier one counts as that one.
func (m *Machine) Step(now uint64, in Input) Output {
	if m.alarm != nil {
		return Output{}
	}
	if m.now == 0 {
		m.begin(now)
	}
	m.now = max(m.now, now)
	m.take(in)
	m.settle()
	out := m.out
	m.out = Output{}
	if m.alarm != nil {
		return Output{Alarm: m.alarm, Evidence: out.Evidence, Blames: out.Blames}
	}
	out.Wake = m.wake()
	return out
}

// take dispatches one input.
func (m *Machine) take(in Input) {
	switch in := in.(type) {
	case ProposalIn:
		m.onProposal(in)
	case VoteIn:
		m.onVote(in)
	case QuorumIn:
		m.onQuorum(in)
	case TipsIn:
		if in.Epoch == m.anchor.Epoch && len(in.Tips) == m.set.Len() {
			m.tips = in.Tips
		}
	case HeldIn:
		if n := m.tree[in.ID]; n != nil {
			n.held = true
		}
	case ExecutedIn:
		m.onExecuted(&in.Executed)
	case BlockIn:
		m.onBlock(in)
	case FinalBlocksIn:
		m.onFinalBlocks(in)
	}
}

// settle applies the rules until none has anything left to do. Each application
// uses something up (a view, a vote, a block), so it ends.
func (m *Machine) settle() {
	for m.alarm == nil {
		if !(m.tryFinal() || m.tryEnter() || m.tryClose() || m.tryPropose() || m.tryVote() || m.tryTimeout()) {
			break
		}
	}
	if m.alarm == nil {
		m.resend()
		m.ask()
	}
}

// stop raises the alarm: nothing that this step wanted to say is said.
func (m *Machine) stop(err error) {
	m.alarm = fmt.Errorf("consensus: epoch %d: %w", m.anchor.Epoch, err)
}

func (m *Machine) blame(who proofs.NodeKey, err error) {
	if who != m.cfg.Node {
		m.out.Blames = append(m.out.Blames, Blame{Node: who, Err: err})
	}
}

func (m *Machine) send(to proofs.NodeKey, msg any) {
	if to != m.cfg.Node {
		m.out.Sends = append(m.out.Sends, Send{To: to, Msg: msg})
	}
}

func (m *Machine) sendAll(msg any) { m.out.Sends = append(m.out.Sends, Send{All: true, Msg: msg}) }

// Status describes the machine for operators.
func (m *Machine) Status() Status {
	s := Status{
		Epoch: m.anchor.Epoch, View: m.current, Leader: m.set.At(m.leader(m.current)).Node, Validator: m.me >= 0,
		Height: m.final.block.Header.Height, HeaderID: m.final.id, HeaderTime: m.final.block.Header.Time,
		Notarized: m.newest().block.Header.Height, Executed: m.newestExecuted(), QuorumExecuted: m.quorumExecuted(),
		ViewTime: m.pace.viewTime(), Timeout: m.timeout(), Nullified: uint64(m.pace.nullified),
		Working: m.workSince != 0, Alarm: m.alarm,
	}
	return s
}

// FinalCut returns the cut of the newest final block of the epoch, and that epoch:
// what the data layer need not offer again.
func (m *Machine) FinalCut() (epoch uint64, cut types.Cut) {
	return m.anchor.Epoch, m.final.block.Cut
}

// Block returns a block that this epoch may still build on or make final, for
// answering another node's [Fetch] by id. Older blocks are in the driver's store.
func (m *Machine) Block(id proofs.Hash) (*types.Block, bool) {
	n := m.tree[id]
	if n == nil || m.isAnchor(n) {
		return nil, false
	}
	return n.block, true
}
