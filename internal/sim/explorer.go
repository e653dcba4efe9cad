package sim

import (
	"slices"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Bounds say what [Explore] explores: a network of four validators of equal weight,
// through the first views of an epoch. Every message may arrive at every node at
// any time after it was sent, in any order, or never; every timer may run out at
// any time.
type Bounds struct {
	Views  uint64 // messages of later views do not arrive
	Timers uint64 // nor do timers of later views than this run out
	// Evil makes the leader of that view Byzantine, 0 nobody: it proposes in it any
	// two blocks on whatever is certified, and votes for everything. Then what
	// arrives are certificates: those that more than two thirds can have signed.
	// Without it, single votes arrive, and one of the four is silent.
	Evil   uint64
	Bug    Bug // a rule that honest nodes do not keep
	States int // give up beyond; 0 is never
}

// Explored is what was explored.
type Explored struct {
	States      int // of the network
	Transitions int
	Local       int // states of single nodes
	Messages    int
	Finals      int  // states in which some node has a final block
	Whole       bool // all that the bounds allow was explored
}

// explorer holds everything that was found so far. States of single nodes and
// messages are numbered, so that a state of the network is a few numbers.
type explorer struct {
	bounds Bounds
	zero   *proofs.Zero
	ids    []identity
	evil   int // its place, or that of the silent one
	honest []int
	anchor consensus.Anchor

	nodes    []nodeState
	nodeOf   map[nodeKey]int
	messages []message
	numbers  map[messageKey]int
	blocks   map[proofs.Hash]*types.Block
	steps    map[stepKey]stepped
	sets     []saidSet
	setOf    map[bitset]int32
	changes  map[localKey][]change
	offers   map[certKey][]int // the evil leader's proposals on a block

	violation error
}

// nodeState is a state of one node.
type nodeState struct {
	machine *consensus.Machine
	view    uint64
	finals  []proofs.Hash
	alarm   error
}

type nodeKey struct {
	node   int
	print  [16]byte
	finals string
}

// message is something that was said: a proposal, or a vote of an honest node.
type message struct {
	proposal *types.Proposal
	vote     *types.Vote
	from     int
}

type messageKey struct {
	kind         proofs.ObjectType // 0 is a proposal
	from         int
	view, parent uint64
	header       proofs.Hash
	reasons      string
}

// stepKey is an action on one node's state: the arrival of a message or a
// certificate, or, with number -1, that the timer runs out.
type stepKey struct {
	node, state int
	number      int
	cert        certKey
}

type certKey struct {
	kind         proofs.ObjectType
	view, parent uint64
	header       proofs.Hash
}

type stepped struct {
	state int
	said  []int
}

// world is a state of the network: the states of the honest nodes, and, numbered,
// the set of messages that were said.
type world struct {
	nodes [3]int32
	said  int32
}

// saidSet is a set of messages, and what follows from it.
type saidSet struct {
	bits      bitset
	certs     []cert // that can be made
	proposals []int  // that the evil leader can make
}

type bitset [4]uint64

func (b *bitset) has(m int) bool { return b[m/64]&(1<<(m%64)) != 0 }
func (b *bitset) add(m int)      { b[m/64] |= 1 << (m % 64) }

// localKey is a node in a state when certain messages were said: what can happen
// to it, and what it says then, depends on nothing else.
type localKey struct{ node, state, said int32 }

type change struct{ state, said int32 }

// maxMessages is how many messages a state of the network can tell apart.
const maxMessages = 256

// Explore explores everything within bounds and reports the first violation.
func Explore(b Bounds) (Explored, error) {
	e, err := newExplorer(b)
	if err != nil {
		return Explored{}, err
	}
	first, err := e.first()
	if err != nil {
		return Explored{}, err
	}
	var out Explored
	seen := map[world]bool{first: true}
	stack := []world{first}
	for len(stack) > 0 && e.violation == nil {
		if b.States > 0 && len(seen) >= b.States {
			break
		}
		w := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if e.check(&w) {
			out.Finals++
		}
		for _, next := range e.next(&w) {
			out.Transitions++
			if !seen[next] {
				seen[next] = true
				stack = append(stack, next)
			}
		}
	}
	out.States, out.Local, out.Messages, out.Whole = len(seen), len(e.nodes), len(e.messages), len(stack) == 0 && e.violation == nil
	return out, e.violation
}

func newExplorer(b Bounds) (*explorer, error) {
	s := Scenario{Name: "explorer", Weights: equal(4), Epoch: 1 << 38, Heartbeat: 1 << 37, Drift: 1 << 36, Floor: 100, MaxLag: 1000}
	s.setDefaults()
	f, err := s.found(0)
	if err != nil {
		return nil, err
	}
	e := &explorer{
		bounds: b, zero: f.zero, ids: f.ids, anchor: f.anchor, nodeOf: make(map[nodeKey]int), numbers: make(map[messageKey]int),
		blocks: make(map[proofs.Hash]*types.Block), steps: make(map[stepKey]stepped), setOf: make(map[bitset]int32), changes: make(map[localKey][]change), offers: make(map[certKey][]int),
	}
	e.evil = e.leads(max(b.Evil, 1))
	if b.Evil == 0 {
		e.evil = 6 - e.leads(1) - e.leads(2) - e.leads(3) // the fourth, which leads none of the first views
	}
	for i := range 4 {
		if i != e.evil {
			e.honest = append(e.honest, i)
		}
	}
	return e, nil
}

// leads asks a machine who leads a view.
func (e *explorer) leads(view uint64) int {
	executed, err := consensus.ZeroExecuted(e.zero)
	if err != nil {
		return 0
	}
	m, err := consensus.New(consensus.Config{Zero: e.zero, Node: proofs.NodeKey{}, Crypto: &hashCrypto{}},
		consensus.Start{Anchor: e.anchor, Executed: []types.Executed{executed}})
	if err != nil {
		return 0
	}
	for v := uint64(1); v < view; v++ {
		m.Step(startTime+5000, consensus.QuorumIn{Quorum: e.certificate(certKey{kind: proofs.TypeNullify, view: v}, []int{0, 1, 2})})
	}
	i, _ := e.zero.Set.IndexOf(m.Status().Leader)
	return i
}

// certificate makes what signers make of a statement.
func (e *explorer) certificate(k certKey, signers []int) *types.Quorum {
	q := &types.Quorum{Kind: k.kind, View: k.view, ParentView: k.parent, Header: k.header, Aggregate: proofs.Aggregate{Bitmap: proofs.NewBitmap(4)}}
	for _, i := range signers {
		proofs.SetBit(q.Aggregate.Bitmap, i)
	}
	v := q.Vote(e.zero.Set.Hash())
	q.Aggregate.Signature = hashAggregate(q.Aggregate.Bitmap, v.SigningBytes(e.zero.ID))
	return q
}

// The explorer's times: all steps happen at one time, but for a timer that runs
// out, after which its node is put back.
const (
	exploreAt   = startTime + 5000
	exploreStep = 1 << 20
)

// first is the state of a network that has just started and has work.
func (e *explorer) first() (world, error) {
	var w world
	executed, err := consensus.ZeroExecuted(e.zero)
	if err != nil {
		return w, err
	}
	var said bitset
	for k, i := range e.honest {
		m, err := consensus.New(consensus.Config{
			Zero: e.zero, Node: e.ids[i].member.Node, Crypto: &hashCrypto{key: e.ids[i].member.Key}, Faults: e.bounds.Bug.order(),
		}, consensus.Start{Anchor: e.anchor, Executed: []types.Executed{executed}})
		if err != nil {
			return w, err
		}
		s := e.settle(k, nodeState{machine: m}, exploreAt, consensus.TickIn{})
		w.nodes[k] = int32(s.state)
		for _, number := range s.said {
			said.add(number)
		}
	}
	w.said = e.intern(said)
	return w, nil
}

// intern numbers a set of messages, and checks it.
func (e *explorer) intern(bits bitset) int32 {
	number, ok := e.setOf[bits]
	if !ok {
		number = int32(len(e.sets))
		e.setOf[bits] = number
		s := saidSet{bits: bits}
		groups := e.votes(&bits)
		e.checkVotes(groups)
		s.certs = e.certificates(groups)
		s.proposals = e.evilProposals(s.certs)
		e.sets = append(e.sets, s)
	}
	return number
}

// next lists the states that one more event leads to.
func (e *explorer) next(w *world) (out []world) {
	for k := range e.honest {
		for _, c := range e.local(localKey{int32(k), w.nodes[k], w.said}) {
			next := *w
			next.nodes[k], next.said = c.state, c.said
			out = append(out, next)
		}
	}
	return out
}

// local lists what can happen to one node.
func (e *explorer) local(key localKey) []change {
	if known, ok := e.changes[key]; ok {
		return known
	}
	var out []change
	set := e.sets[key.said]
	for _, s := range e.events(int(key.node), int(key.state), &set) {
		bits := set.bits
		for _, number := range s.said {
			bits.add(number)
		}
		if c := (change{int32(s.state), e.intern(bits)}); !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	e.changes[key] = out
	return out
}

// events lets everything happen to one node that can, and lists what makes a
// difference.
func (e *explorer) events(k, state int, set *saidSet) (out []stepped) {
	act := func(key stepKey, at uint64, in func() consensus.Input) {
		key.node, key.state = k, state
		s, ok := e.steps[key]
		if !ok {
			from := e.nodes[state]
			from.machine = cloneMachine(from.machine)
			s = e.settle(k, from, at, in())
			e.steps[key] = s
		}
		if s.state != state {
			out = append(out, s)
		}
	}
	for number := range e.messages {
		m := &e.messages[number]
		known := set.bits.has(number) || slices.Contains(set.proposals, number)
		if !known || m.from == e.honest[k] || m.vote != nil && e.bounds.Evil > 0 {
			continue
		}
		act(stepKey{number: number}, exploreAt, func() consensus.Input {
			from := e.ids[m.from].member.Node
			if m.proposal != nil {
				return consensus.ProposalIn{From: from, Proposal: m.proposal}
			}
			return consensus.VoteIn{From: from, Vote: m.vote}
		})
	}
	if e.bounds.Evil > 0 {
		for _, c := range set.certs {
			act(stepKey{number: -2, cert: c.key}, exploreAt, func() consensus.Input {
				return consensus.QuorumIn{From: e.ids[e.evil].member.Node, Quorum: e.certificate(c.key, c.signers)}
			})
		}
	}
	if view := e.nodes[state].view; view <= e.bounds.Timers {
		act(stepKey{number: -1}, exploreAt+exploreStep*(view+1), func() consensus.Input { return consensus.TickIn{} })
	}
	return out
}
