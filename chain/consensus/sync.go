package consensus

import (
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

const (
	maxWants        = 64  // blocks asked for by id
	maxAskers       = 3   // nodes named in one fetch
	maxEarly        = 512 // messages kept of the next epoch
	maxEarlyOf      = 8   // of those from one node
	maxEarlyStrange = 64  // of those from nodes that are not in the set yet
	maxFinalBatch   = 1 << 12
	farBehind       = 4 // blocks missing below a finalization before catching up by height
	pollTimeouts    = 4 // timeouts, of the network's floor, between an observer's polls
	pollResends     = 3 // repetitions in one view after which a validator polls
)

// fetching is what we lack and whom we ask.
type fetching struct {
	wants []wanted
	// behind is set while somebody shows a view or epoch that we have not reached.
	behind  bool
	peers   []proofs.NodeKey
	askAt   uint64 // when to ask for final blocks, ms; 0 is not planned
	askedAt uint64 // when that was last done, or a poll
	turn    int    // the member whom a poll asks next
}

// wanted is a block that a certificate names and we lack.
type wanted struct {
	id    proofs.Hash
	peers []proofs.NodeKey // who signed for it
	tries int
	askAt uint64 // ms
}

// reset forgets what was wanted: after progress the demand shows itself again.
func (f *fetching) reset() { f.wants, f.behind, f.peers, f.askAt = nil, false, nil, 0 }

// want plans to fetch the block id, which q's signers have or can have. It may be
// on its way, so that a part of the timeout passes before it is asked for.
func (m *Machine) want(q *types.Quorum, id proofs.Hash) {
	for i := range m.fetch.wants {
		if m.fetch.wants[i].id == id {
			return
		}
	}
	if len(m.fetch.wants) == maxWants {
		return
	}
	w := wanted{id: id, askAt: m.now + m.par.ViewTimeout/4}
	for i := range m.set.Len() {
		if node := m.set.At(i).Node; proofs.HasBit(q.Aggregate.Bitmap, i) && node != m.cfg.Node {
			w.peers = append(w.peers, node)
		}
	}
	m.fetch.wants = append(m.fetch.wants, w)
}

// wantFor plans to fetch what finalization q needs: the block itself, or, if that
// is known but ancestors are missing, all final blocks from our height on.
func (m *Machine) wantFor(q *types.Quorum, missing proofs.Hash, known bool) {
	m.want(q, missing)
	if !known {
		return
	}
	n := m.tree[q.Header]
	if n.block.Header.Height <= m.final.block.Header.Height+farBehind {
		return
	}
	for i := range m.set.Len() {
		if proofs.HasBit(q.Aggregate.Bitmap, i) {
			m.noteAhead(m.set.At(i).Node)
		}
	}
}

// noteAhead notes that a node is ahead of us. If that is still so after a while we
// ask it for final blocks.
func (m *Machine) noteAhead(from proofs.NodeKey) {
	f := &m.fetch
	if from == m.cfg.Node {
		return
	}
	if !f.behind {
		f.behind, f.askAt = true, max(m.now+m.par.ViewTimeout/2, f.askedAt+m.timeout())
	}
	for _, p := range f.peers {
		if p == from {
			return
		}
	}
	if len(f.peers) < maxAskers {
		f.peers = append(f.peers, from)
	}
}

// ask asks for what is due.
func (m *Machine) ask() {
	f := &m.fetch
	for i := range f.wants {
		w := &f.wants[i]
		if m.now < w.askAt || m.tree[w.id] != nil || len(w.peers) == 0 {
			continue
		}
		out := Fetch{ID: w.id}
		for k := range min(maxAskers, len(w.peers)) {
			out.To = append(out.To, w.peers[(w.tries*maxAskers+k)%len(w.peers)])
		}
		m.out.Fetches = append(m.out.Fetches, out)
		w.tries++
		w.askAt = m.now + m.timeout()
	}
	switch {
	case f.askAt != 0 && m.now >= f.askAt:
		m.out.Fetches = append(m.out.Fetches, Fetch{FromHeight: m.final.block.Header.Height + 1, To: f.peers})
		f.behind, f.peers, f.askAt, f.askedAt = false, nil, 0, m.now
	case m.me < 0 && m.now >= m.pollAt():
		m.poll()
	}
}

// pollAt is when an observer asks again whether there are final blocks: nobody sends
// it anything.
func (m *Machine) pollAt() uint64 { return m.fetch.askedAt + pollTimeouts*m.par.ViewTimeout }

// poll asks some members, others each time, for final blocks: they may have some.
func (m *Machine) poll() {
	f := &m.fetch
	out := Fetch{FromHeight: m.final.block.Header.Height + 1}
	for range m.set.Len() {
		f.turn = (f.turn + 1) % m.set.Len()
		if to := m.set.At(f.turn).Node; to != m.cfg.Node {
			out.To = append(out.To, to)
		}
		if len(out.To) == maxAskers {
			break
		}
	}
	f.askedAt = m.now
	if len(out.To) > 0 {
		m.out.Fetches = append(m.out.Fetches, out)
	}
}

// fetchWake adds the times at which ask has something to do.
func (m *Machine) fetchWake(w *earliest) {
	for i := range m.fetch.wants {
		if m.tree[m.fetch.wants[i].id] == nil {
			w.at(m.fetch.wants[i].askAt)
		}
	}
	w.at(m.fetch.askAt)
	if m.me < 0 {
		w.at(m.pollAt())
	}
}

// takeWanted puts a block into the tree that some certificate calls for.
func (m *Machine) takeWanted(b *types.Block, id proofs.Hash) {
	n, err := m.admit(b, id)
	if err != nil {
		return
	}
	m.recordBlock(n)
}

// onBlock takes the answer to a fetch by id.
func (m *Machine) onBlock(in BlockIn) {
	id := in.Block.Header.ID()
	for i := range m.fetch.wants {
		if m.fetch.wants[i].id != id {
			continue
		}
		if err := m.checkBody(in.Block); err != nil {
			m.blame(in.From, err)
			return
		}
		m.takeWanted(in.Block, id)
		return
	}
}

// noteLaggard answers a node that repeats itself in a view that is over, with what
// brings it here; not more often than once in a timeout. A vote that only brings
// news of execution is no repetition.
func (m *Machine) noteLaggard(to proofs.NodeKey, view uint64, news bool) {
	if news || view+1 >= m.current {
		return
	}
	m.answer(to, m.newestCerts())
}

func (m *Machine) answer(to proofs.NodeKey, certs []*types.Quorum) {
	if last, ok := m.replied[to]; ok && m.now < last+m.timeout() {
		return
	}
	_, member := m.set.IndexOf(to)
	if _, left := m.lastSet.IndexOf(to); !member && !left {
		return
	}
	m.replied[to] = m.now
	for _, q := range certs {
		m.send(to, q)
	}
}

// otherEpoch deals with a message of another epoch: a laggard is answered with what
// ended its epoch, a message of the next one is kept for a while.
func (m *Machine) otherEpoch(from proofs.NodeKey, epoch uint64, news bool, in Input) {
	if epoch < m.anchor.Epoch {
		switch {
		case news:
		case epoch+1 == m.anchor.Epoch && m.lastKey != nil:
			m.answer(from, []*types.Quorum{m.lastKey})
		default:
			m.answer(from, m.newestCerts())
		}
		return
	}
	m.noteAhead(from)
	if epoch > m.anchor.Epoch+1 || len(m.early) >= maxEarly {
		return
	}
	_, isProposal := in.(ProposalIn)
	_, member := m.set.IndexOf(from)
	kept, strangers := 0, 0
	for _, e := range m.early {
		sender, proposal := senderOf(e)
		if _, known := m.set.IndexOf(sender); !known && !member {
			strangers++
		}
		if sender == from {
			kept++
			if isProposal && proposal {
				return
			}
		}
	}
	if kept < maxEarlyOf && strangers < maxEarlyStrange {
		m.early = append(m.early, in)
	}
}

// senderOf returns who sent a message, and whether it is a proposal.
func senderOf(in Input) (from proofs.NodeKey, proposal bool) {
	switch in := in.(type) {
	case ProposalIn:
		return in.From, true
	case VoteIn:
		return in.From, false
	case QuorumIn:
		return in.From, false
	}
	return from, false
}

// onFinalBlocks takes the answer to a catch-up: block after block, epoch after
// epoch, as far as certificates reach.
func (m *Machine) onFinalBlocks(in FinalBlocksIn) {
	if len(in.Blocks) > maxFinalBatch {
		m.blame(in.From, fmt.Errorf("got %d final blocks, want at most %d: %w", len(in.Blocks), maxFinalBatch, proofs.ErrTooLarge))
		return
	}
	blocks := in.Blocks
	for len(blocks) > 0 && blocks[0].Block.Header.Height <= m.final.block.Header.Height {
		blocks = blocks[1:]
	}
	news := false
	for len(blocks) > 0 && m.alarm == nil {
		n, err := m.takeFinal(blocks)
		if err != nil {
			m.blame(in.From, err)
			return
		}
		if n == 0 {
			break
		}
		news, blocks = true, blocks[n:]
	}
	if news { // whoever had these may have more
		f := &m.fetch
		f.behind, f.peers, f.askAt = true, []proofs.NodeKey{in.From}, m.now
	}
}

// takeFinal makes as many of the blocks final as one certificate of the present
// epoch covers, and returns their number. Only the last certificate is verified.
func (m *Machine) takeFinal(blocks []types.FinalBlock) (int, error) {
	var chain []*node
	last, tip := 0, m.final
	for i := range blocks {
		b := &blocks[i].Block
		if b.Header.Epoch != m.anchor.Epoch || i > 0 && m.isKey(tip) {
			break
		}
		if b.Header.Parent != tip.id || b.Header.Height != tip.block.Header.Height+1 {
			return 0, fmt.Errorf("block %d does not follow block %d: %w", b.Header.Height, tip.block.Header.Height, proofs.ErrLink)
		}
		if err := m.checkBody(b); err != nil {
			return 0, err
		}
		tip = &node{block: b, id: b.Header.ID(), held: true}
		chain = append(chain, tip)
		if blocks[i].Certificate != nil {
			last = i + 1
		}
	}
	if last == 0 {
		return 0, nil
	}
	chain = chain[:last]
	cert := *blocks[last-1].Certificate
	q := &types.Quorum{Kind: proofs.TypeFinalize, Epoch: m.anchor.Epoch, View: cert.View, ParentView: cert.ParentView,
		Header: chain[last-1].id, Aggregate: cert.Quorum}
	if err := m.verifyFinal(q); err != nil {
		return 0, err
	}
	m.adopt(chain, &cert, q)
	return last, nil
}

// verifyFinal checks a finalization unless it is the one known already.
func (m *Machine) verifyFinal(q *types.Quorum) error {
	if !canonical(finalize, q.View, q.ParentView, q.Header) {
		return fmt.Errorf("finalization of view %d: %w", q.View, proofs.ErrMalformed)
	}
	if v := m.views[q.View]; v != nil && v.certs[finalize] != nil && v.certs[finalize].Header == q.Header {
		return nil
	}
	v := q.Vote(m.set.Hash())
	return m.cfg.Crypto.Verify(m.set, v.SigningBytes(m.network), &q.Aggregate)
}

// adopt makes a verified chain from another node final.
func (m *Machine) adopt(chain []*node, cert *proofs.Certificate, q *types.Quorum) {
	if q.View <= m.finalView {
		m.stop(fmt.Errorf("a quorum finalized block %d in view %d, block %d in view %d: %w",
			chain[len(chain)-1].block.Header.Height, q.View, m.final.block.Header.Height, m.finalView, proofs.ErrEquivocation))
		return
	}
	for _, n := range chain {
		m.tree[n.id] = n
	}
	m.addCert(q)
	m.extend(chain, cert, q)
}
