package sim

import (
	"fmt"
	"strings"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// Recording is a run that can be looked at forwards and backwards: what happened
// in each step, and how each node stood after it.
type Recording struct {
	Scenario string
	Seed     uint64
	Frames   []Frame
	Result   Result
	Err      error // what did not hold, in the last frame

	notes []string
}

// Frame is one step.
type Frame struct {
	Step  int
	At    uint64 // ms since the run began
	Node  int    // to which it happened; -1 is none
	What  string
	Notes []string
	Nodes []NodeView // after it
}

// NodeView is how one node stands.
type NodeView struct {
	Network, Node int
	Up            bool
	Epoch, View   uint64
	Leader        bool
	Votes         string // said in the present view: n notarize, x nullify, f finalize
	Height        uint64 // of the newest final block
	Notarized     uint64
	Executed      uint64
	Tips          []uint64 // heights of the lanes' tips that are final
	Waiting       int      // events that wait for a sync

	// What a power failure would leave, and what it might take.
	DurableHeight, DurableExecuted             uint64
	UnsyncedStore, UnsyncedVotes, UnsyncedLogB int
}

// Record plays a scenario with a seed and keeps every step.
func Record(s Scenario, bug Bug, seed uint64) (*Recording, error) {
	w, err := newWorld(s, bug, seed)
	if err != nil {
		return nil, err
	}
	r := &Recording{Scenario: s.Name, Seed: seed}
	w.recording = r
	r.Result, r.Err = w.play()
	return r, nil
}

func (r *Recording) note(n *Node, what string) {
	if r != nil {
		r.notes = append(r.notes, fmt.Sprintf("node %d: %s", n.index, what))
	}
}

func (r *Recording) frame(w *World, e *event) {
	if r == nil {
		return
	}
	f := Frame{Step: w.steps, At: w.now - startTime, Node: -1, What: describe(e.what), Notes: r.notes}
	if e.node != nil {
		f.Node = e.node.index
	}
	for _, n := range w.nodes {
		f.Nodes = append(f.Nodes, n.view())
	}
	r.notes = nil
	r.Frames = append(r.Frames, f)
}

func (n *Node) view() NodeView {
	v := NodeView{
		Network: n.net.index, Node: n.index, Up: n.up(),
		DurableHeight: uint64(len(n.disk.chain.durable.finals)), DurableExecuted: n.disk.state.base, Executed: n.disk.state.version(),
		UnsyncedStore: len(n.disk.chain.unsynced), UnsyncedVotes: len(n.disk.signing.unsynced), UnsyncedLogB: len(n.disk.wal.unsynced),
	}
	if !n.up() {
		return v
	}
	c := n.core
	s := c.order.Status()
	v.Epoch, v.View, v.Height, v.Notarized, v.Waiting = s.Epoch, s.View, s.Height, s.Notarized, len(c.inbox)
	v.Leader = s.Leader == n.key
	for _, k := range [...]struct {
		kind   uint8
		letter string
	}{{consensus.SlotNotarize, "n"}, {consensus.SlotClose, ""}} {
		digest, ok := n.signed(slot{kind: k.kind, epoch: s.Epoch, view: s.View})
		switch {
		case !ok:
		case k.letter != "":
			v.Votes += k.letter
		case digest == n.nullification(s.Epoch, s.View):
			v.Votes += "x"
		default:
			v.Votes += "f"
		}
	}
	for i := range c.lastCut.Tips {
		v.Tips = append(v.Tips, c.lastCut.Tips[i].Height)
	}
	return v
}

// nullification is what the signing record holds for a nullify vote.
func (n *Node) nullification(epoch, view uint64) proofs.Hash {
	v := proofs.Vote{Kind: proofs.TypeNullify, Epoch: epoch, SetHash: n.core.set.Hash(), View: view}
	return hashOf(v.SigningBytes(n.net.zero.ID))
}

// String is one line for a table of nodes.
func (v NodeView) String() string {
	if !v.Up {
		return fmt.Sprintf("down                                     final %d, executed %d on disk", v.DurableHeight, v.DurableExecuted)
	}
	lead := " "
	if v.Leader {
		lead = "*"
	}
	out := fmt.Sprintf("epoch %d view %3d%s %-2s final %3d (%d durable) notarized %d executed %d (%d durable) tips %s",
		v.Epoch, v.View, lead, v.Votes, v.Height, v.DurableHeight, v.Notarized, v.Executed, v.DurableExecuted, strings.Trim(fmt.Sprint(v.Tips), "[]"))
	if v.UnsyncedStore+v.UnsyncedVotes+v.UnsyncedLogB > 0 {
		out += fmt.Sprintf(" unsynced %d writes, %d votes, %d log bytes", v.UnsyncedStore, v.UnsyncedVotes, v.UnsyncedLogB)
	}
	if v.Waiting > 0 {
		out += fmt.Sprintf(" %d events wait", v.Waiting)
	}
	return out
}

var kindNames = map[proofs.ObjectType]string{proofs.TypeNotarize: "notarize", proofs.TypeNullify: "nullify", proofs.TypeFinalize: "finalize"}

// describe says what an event is.
func describe(what any) string {
	switch m := what.(type) {
	case string:
		return m
	case *types.Vote:
		return fmt.Sprintf("%s by %d in epoch %d view %d %s", kindNames[m.Kind], m.Voter, m.Epoch, m.View, short(m.Header))
	case *types.Quorum:
		return fmt.Sprintf("certificate: %s in epoch %d view %d %s", kindNames[m.Kind], m.Epoch, m.View, short(m.Header))
	case *types.Proposal:
		h := &m.Block.Header
		return fmt.Sprintf("proposal in epoch %d view %d on view %d: block %d %s, executed %d", h.Epoch, m.View, m.ParentView, h.Height, short(h.ID()), h.Executed)
	case *types.Car:
		return fmt.Sprintf("car %d of lane %d, epoch %d", m.Height, m.Lane, m.Epoch)
	case *types.CarVote:
		return fmt.Sprintf("vote of %d for car %d of lane %d, epoch %d", m.Voter, m.Tip.Height, m.Tip.Lane, m.Epoch)
	case *types.CarCertificate:
		return fmt.Sprintf("certificate of car %d of lane %d, epoch %d", m.Tip.Height, m.Tip.Lane, m.Epoch)
	case *types.Batch:
		return fmt.Sprintf("batch of %d items", len(m.Items))
	}
	return fmt.Sprintf("%T", what)
}

func short(id proofs.Hash) string {
	if id == (proofs.Hash{}) {
		return ""
	}
	return fmt.Sprintf("(%x)", id[:4])
}
