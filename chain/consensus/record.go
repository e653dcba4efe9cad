package consensus

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

// The kinds of records, their first byte. The rest is the wire form.
const (
	recordVote   byte = 'V' // a vote of ours
	recordQuorum byte = 'Q' // a certificate
	recordBlock  byte = 'B' // a block that we voted for or that was certified
)

// checkpointAfter is how many records are written before a checkpoint.
const checkpointAfter = 1 << 10

// record is one decoded record: one of the three is set.
type record struct {
	epoch  uint64
	raw    []byte
	vote   *types.Vote
	quorum *types.Quorum
	block  *types.Block
}

func encodeRecord(kind byte, msg interface{ MarshalCanoto() []byte }) []byte {
	return append([]byte{kind}, msg.MarshalCanoto()...)
}

func decodeRecord(b []byte) (record, error) {
	r := record{raw: b}
	if len(b) == 0 {
		return r, fmt.Errorf("consensus: empty record: %w", proofs.ErrMalformed)
	}
	var err error
	switch b[0] {
	case recordVote:
		r.vote = new(types.Vote)
		err = proofs.Decode(r.vote, b[1:], types.MaxVoteBytes)
		r.epoch = r.vote.Epoch
	case recordQuorum:
		r.quorum = new(types.Quorum)
		err = proofs.Decode(r.quorum, b[1:], types.MaxQuorumBytes)
		r.epoch = r.quorum.Epoch
	case recordBlock:
		r.block = new(types.Block)
		err = proofs.Decode(r.block, b[1:], types.MaxProposalBytes)
		r.epoch = r.block.Header.Epoch
	default:
		err = fmt.Errorf("got kind %#x: %w", b[0], proofs.ErrMalformed)
	}
	if err != nil {
		return r, fmt.Errorf("consensus: record of %d bytes: %w", len(b), err)
	}
	return r, nil
}

func (m *Machine) record(kind byte, msg interface{ MarshalCanoto() []byte }) {
	m.out.Records = append(m.out.Records, encodeRecord(kind, msg))
	m.records++
}

// recordBlock writes a block to the log, once.
func (m *Machine) recordBlock(n *node) {
	if !n.recorded {
		n.recorded = true
		m.record(recordBlock, n.block)
	}
}

func (m *Machine) checkpointIfDue() {
	if m.records >= checkpointAfter {
		m.checkpoint()
	}
}

// checkpoint replaces the log: this step's records become all that is still
// needed.
func (m *Machine) checkpoint() {
	m.out.Checkpoint, m.out.Records = true, nil
	for _, n := range m.sortedTree() {
		if n.recorded && n.block.Header.Height > m.final.block.Header.Height {
			m.record(recordBlock, n.block)
		}
	}
	for _, v := range m.sortedViews() {
		for k := range kinds {
			if v.certs[k] != nil {
				m.record(recordQuorum, v.certs[k])
			}
			if v.own[k] != nil {
				m.record(recordVote, v.own[k])
			}
		}
	}
	for i := range m.replay {
		m.out.Records = append(m.out.Records, m.replay[i].raw)
	}
	m.records = 0
}

// sortedTree lists the blocks by height, then id.
func (m *Machine) sortedTree() []*node {
	nodes := make([]*node, 0, len(m.tree))
	for _, n := range m.tree {
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b *node) int {
		return cmp.Or(cmp.Compare(a.block.Header.Height, b.block.Header.Height), bytes.Compare(a.id[:], b.id[:]))
	})
	return nodes
}

// sortedViews lists the views that may still matter, rising.
func (m *Machine) sortedViews() []*view {
	views := make([]*view, 0, len(m.views))
	for n, v := range m.views {
		if n >= m.finalView {
			views = append(views, v)
		}
	}
	slices.SortFunc(views, func(a, b *view) int { return cmp.Compare(a.number, b.number) })
	return views
}

// replayRecords takes what the log knows of the epoch that was entered, and forgets
// older epochs.
func (m *Machine) replayRecords() {
	var later []record
	for _, r := range m.replay {
		switch {
		case r.epoch > m.anchor.Epoch:
			later = append(later, r)
		case r.epoch == m.anchor.Epoch:
			m.restore(r)
		}
	}
	m.replay = later
}

// restore takes one record of the present epoch. The log is ours and is not
// verified again.
func (m *Machine) restore(r record) {
	switch {
	case r.block != nil:
		if r.block.Header.Height > m.final.block.Header.Height {
			id := r.block.Header.ID()
			m.tree[id] = &node{block: r.block, id: id, recorded: true}
		}
	case r.quorum != nil:
		k, ok := kindIndex(r.quorum.Kind)
		if !ok || r.quorum.View < m.finalView {
			return
		}
		if v := m.view(r.quorum.View); v.certs[k] == nil {
			v.certs[k] = r.quorum
			m.noteCert(v, k)
		}
	case r.vote != nil:
		m.restoreVote(r.vote)
	}
}

func (m *Machine) restoreVote(vote *types.Vote) {
	k, ok := kindIndex(vote.Kind)
	if !ok || vote.View < m.finalView || int(vote.Voter) != m.me {
		return
	}
	v := m.view(vote.View)
	if v.own[k] != nil {
		return
	}
	v.own[k], m.lastVote = vote, vote
	if n := m.tree[vote.Header]; n != nil && k == notarize {
		n.held = true
	}
	m.count(v, k, vote)
}
