package sim

import (
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// settle gives a node one input and what follows from it at once: what it asks to
// hold is held, and a view that begins finds work. A timer runs on until the node
// votes or is in a view that it leads.
func (e *explorer) settle(k int, n nodeState, at uint64, in consensus.Input) (s stepped) {
	m := n.machine
	queue := []consensus.Input{in}
	_, tick := in.(consensus.TickIn)
	tick = tick && n.view > 0 // the first one starts the machine
	for ticks := 0; len(queue) > 0; {
		in, queue = queue[0], queue[1:]
		out := m.Step(at, in)
		if out.Alarm != nil {
			n.alarm = out.Alarm
		}
		for i := range out.Finals {
			n.finals = append(slices.Clip(n.finals), out.Finals[i].ID)
		}
		for i := range out.Sends {
			if number := e.say(e.honest[k], out.Sends[i].Msg); number >= 0 && out.Sends[i].All {
				s.said = append(s.said, number)
			}
		}
		for _, h := range out.Holds {
			queue = append(queue, consensus.HeldIn{ID: h.ID})
		}
		if view := m.Status().View; view > n.view {
			n.view = view
			queue = append(queue, e.tips(view))
		}
		if tick && len(queue) == 0 && len(out.Votes) == 0 && ticks < 3 {
			ticks++
			at += exploreStep
			queue = append(queue, consensus.TickIn{})
		}
	}
	n.view = m.Status().View
	setTime(m, exploreAt)
	key := nodeKey{node: k, print: fingerprint(m), finals: fmt.Sprintf("%x", n.finals)}
	number, ok := e.nodeOf[key]
	if !ok {
		number = len(e.nodes)
		e.nodeOf[key] = number
		e.nodes = append(e.nodes, n)
	}
	s.state = number
	return s
}

// tips is the work of a view: lane 0 has as many cars as views went by.
func (e *explorer) tips(view uint64) consensus.TipsIn {
	in := consensus.TipsIn{Tips: make([]consensus.LaneTip, 4)}
	tip := exploreTip(view)
	in.Tips[0] = consensus.LaneTip{Held: tip, Certified: &types.CarCertificate{Tip: tip}}
	return in
}

func exploreTip(height uint64) types.Tip {
	return types.Tip{Height: height, Digest: hashOf([]byte("car"), []byte{byte(height)})}
}

// say numbers a message. Certificates are not numbered: they follow from votes.
func (e *explorer) say(from int, msg any) int {
	switch m := msg.(type) {
	case *types.Proposal:
		if m.View > e.bounds.Views {
			return -1
		}
		id := m.Block.Header.ID()
		e.blocks[id] = &m.Block
		reasons := fmt.Sprint(m.Parent != nil && m.Parent.Kind == proofs.TypeFinalize, m.Finalization != nil)
		for i := range m.Nullifications {
			reasons += fmt.Sprint(" ", m.Nullifications[i].View)
		}
		return e.number(messageKey{from: from, view: m.View, parent: m.ParentView, header: id, reasons: reasons}, message{proposal: m, from: from})
	case *types.Vote:
		if m.View > e.bounds.Views {
			return -1
		}
		return e.number(messageKey{kind: m.Kind, from: from, view: m.View, parent: m.ParentView, header: m.Header}, message{vote: m, from: from})
	}
	return -1
}

func (e *explorer) number(k messageKey, m message) int {
	number, ok := e.numbers[k]
	if !ok {
		number = len(e.messages)
		e.numbers[k] = number
		e.messages = append(e.messages, m)
		if number >= maxMessages && e.violation == nil {
			e.violation = fmt.Errorf("more than %d messages: the bounds are too wide", maxMessages)
		}
	}
	return min(number, maxMessages-1)
}
