package sim

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// cert is a certificate that can be made of what was said.
type cert struct {
	key     certKey
	signers []int
}

// votes groups the votes of a state by what they say; the evil one joins every group.
func (e *explorer) votes(said *bitset) (groups []cert) {
	for number := range e.messages {
		v := e.messages[number].vote
		if v == nil || !said.has(number) {
			continue
		}
		k := certKey{v.Kind, v.View, v.ParentView, v.Header}
		found := false
		for i := range groups {
			if groups[i].key == k {
				groups[i].signers, found = append(groups[i].signers, int(v.Voter)), true
			}
		}
		if !found {
			groups = append(groups, cert{k, []int{int(v.Voter)}})
		}
	}
	return groups
}

// certificates lists what a quorum can have signed.
func (e *explorer) certificates(groups []cert) (certs []cert) {
	for _, g := range groups {
		if e.bounds.Evil > 0 {
			g.signers = append(g.signers, e.evil)
		}
		if len(g.signers) >= 3 && g.key.view <= e.bounds.Views {
			certs = append(certs, g)
		}
	}
	return certs
}

// evilProposals numbers what the evil leader may propose now: a block on the
// anchor, and two on each block that is certified in a view before.
func (e *explorer) evilProposals(certs []cert) (numbers []int) {
	view := e.bounds.Evil
	if view == 0 {
		return nil
	}
	numbers = append(numbers, e.offer(cert{}, view)...)
	for _, c := range certs {
		if c.key.kind != proofs.TypeNullify && c.key.view < view {
			numbers = append(numbers, e.offer(c, view)...)
		}
	}
	return numbers
}

// offer numbers the evil proposals on one block; the zero cert is the anchor.
func (e *explorer) offer(c cert, view uint64) (numbers []int) {
	if known, ok := e.offers[c.key]; ok {
		return known
	}
	h, cut, id := &e.anchor.Header, types.NewCut(4), e.anchor.ID
	p := types.Proposal{View: view}
	variants := uint64(2)
	switch b := e.blocks[c.key.header]; {
	case b != nil:
		h, cut, id = &b.Header, b.Cut, c.key.header
		p.Parent, p.ParentView = e.certificate(c.key, c.signers), c.key.view
	case view > 1:
		variants = 1
	}
	for variant := range variants {
		next := p
		next.Block.Cut = types.Cut{Tips: append([]types.Tip(nil), cut.Tips...)}
		next.Block.Cut.Tips[0] = exploreTip(view)
		next.Block.Header = proofs.Header{
			Version: proofs.Version, Network: e.zero.ID, SetHash: e.zero.Set.Hash(), Height: h.Height + 1, Parent: id,
			Time: max(h.Time, exploreAt) + 1 + variant, Executed: h.Executed, ExecutedTime: h.ExecutedTime, StateRoot: h.StateRoot,
			OutboundRoot: h.OutboundRoot, ReceiptRoot: h.ReceiptRoot, ReceiptSize: h.ReceiptSize, CutRoot: next.Block.Cut.Root(e.zero.ID, 0),
		}
		numbers = append(numbers, e.say(e.evil, &next))
	}
	e.offers[c.key] = numbers
	return numbers
}

// fail notes the first violation.
func (e *explorer) fail(format string, args ...any) {
	if e.violation == nil {
		e.violation = fmt.Errorf(format, args...)
	}
}

// check looks for contradictions between nodes in a state, and reports whether
// something is final.
func (e *explorer) check(w *world) (final bool) {
	var longest []proofs.Hash
	for k, i := range e.honest {
		n := &e.nodes[w.nodes[k]]
		if n.alarm != nil {
			e.fail("node %d: alarm: %w", i, n.alarm)
		}
		for h := range min(len(n.finals), len(longest)) {
			if n.finals[h] != longest[h] {
				e.fail("agreement: block %d is %x at node %d, %x elsewhere", h+1, n.finals[h][:4], i, longest[h][:4])
			}
		}
		if len(n.finals) > len(longest) {
			longest = n.finals
		}
	}
	return len(longest) > 0
}

// checkVotes looks for contradictions in what was said: an honest node votes once
// in each slot, and a quorum says one thing of each view.
func (e *explorer) checkVotes(groups []cert) {
	type slot struct {
		view  uint64
		voter int
		close bool
	}
	once := make(map[slot]certKey)
	closed := make(map[uint64]proofs.ObjectType)
	notarized := make(map[uint64]proofs.Hash)
	for _, g := range groups {
		k := g.key
		for _, voter := range g.signers {
			at := slot{k.view, voter, k.kind != proofs.TypeNotarize}
			if other, ok := once[at]; ok && other != k {
				e.fail("node %d says %s and %s in view %d", voter, kindNames[other.kind], kindNames[k.kind], k.view)
			}
			once[at] = k
		}
		weight := len(g.signers)
		if e.bounds.Evil > 0 {
			weight++
		}
		if weight < 3 {
			continue
		}
		if k.kind == proofs.TypeNotarize {
			if other, ok := notarized[k.view]; ok && other != k.header {
				e.fail("two blocks are notarized in view %d", k.view)
			}
			notarized[k.view] = k.header
			continue
		}
		if other, ok := closed[k.view]; ok && (other != k.kind || k.kind == proofs.TypeFinalize) {
			e.fail("view %d is both nullified and finalized, or finalized twice", k.view)
		}
		closed[k.view] = k.kind
	}
}
