package consensus

import (
	"crypto/sha256"
	"fmt"

	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// tally collects the votes of one kind in one view, at most one for each voter,
// unverified until a quorum says the same.
type tally struct {
	votes  []*types.Vote // by voter
	banned []bool        // by voter: the vote was bad
	sums   []sum
	weight uint64 // of all votes
}

// sum is the weight behind one statement.
type sum struct {
	parentView uint64
	header     proofs.Hash
	weight     uint64
}

func says(v *types.Vote, parentView uint64, header proofs.Hash) bool {
	return v.ParentView == parentView && v.Header == header
}

// add counts a vote and returns the weight behind its statement.
func (t *tally) add(v *types.Vote, weight uint64, voters int) uint64 {
	if t.votes == nil {
		t.votes, t.banned = make([]*types.Vote, voters), make([]bool, voters)
	}
	t.votes[v.Voter] = v
	t.weight += weight
	for i := range t.sums {
		if s := &t.sums[i]; says(v, s.parentView, s.header) {
			s.weight += weight
			return s.weight
		}
	}
	t.sums = append(t.sums, sum{v.ParentView, v.Header, weight})
	return weight
}

// ban forgets a bad vote and refuses others of that voter in its place. It returns
// the weight left behind the statement.
func (t *tally) ban(voter int, weight uint64) (left uint64) {
	v := t.votes[voter]
	t.votes[voter], t.banned[voter] = nil, true
	t.weight -= weight
	for i := range t.sums {
		if s := &t.sums[i]; says(v, s.parentView, s.header) {
			s.weight -= weight
			left = s.weight
		}
	}
	return left
}

// of returns the voter's vote, or nil.
func (t *tally) of(voter uint32) *types.Vote {
	if t.votes == nil {
		return nil
	}
	return t.votes[voter]
}

// onVote takes a vote from its voter.
func (m *Machine) onVote(in VoteIn) {
	v := in.Vote
	i, member := m.set.IndexOf(in.From)
	hint := m.listen(in.From, member, v.Executed)
	if v.Epoch != m.anchor.Epoch {
		m.otherEpoch(in.From, v.Epoch, hint, in)
		return
	}
	k, err := m.checkVote(v, i, member)
	if err != nil {
		m.blame(in.From, err)
		return
	}
	if v.View > m.current+1 {
		m.noteAhead(in.From)
	}
	if v.View < m.finalView || v.View+windowBehind < m.current || v.View > m.current+windowAhead {
		m.noteLaggard(in.From, v.View, hint)
		return
	}
	s := m.view(v.View)
	if old := s.tallies[k].of(v.Voter); old != nil {
		if says(old, v.ParentView, v.Header) {
			m.noteLaggard(in.From, v.View, hint)
		} else {
			m.accuse(old, v)
		}
		return
	}
	if k != notarize {
		if other := s.tallies[nullify+finalize-k].of(v.Voter); other != nil {
			m.accuse(other, v)
		}
	}
	m.count(s, k, v)
}

// checkVote makes the checks that need no cryptography. place is the sender's in
// the set.
func (m *Machine) checkVote(v *types.Vote, place int, member bool) (kind int, err error) {
	k, ok := kindIndex(v.Kind)
	switch {
	case !member || int(v.Voter) != place:
		return 0, fmt.Errorf("vote of %d in view %d: the sender is another: %w", v.Voter, v.View, proofs.ErrSigner)
	case !ok || !canonical(k, v.View, v.ParentView, v.Header):
		return 0, fmt.Errorf("vote of %d in view %d: kind %#x: %w", v.Voter, v.View, uint8(v.Kind), proofs.ErrMalformed)
	}
	return k, nil
}

// canonical reports whether a statement has the form of its kind.
func canonical(k int, view, parentView uint64, header proofs.Hash) bool {
	if k == nullify {
		return view > 0 && parentView == 0 && header == proofs.Hash{}
	}
	return view > parentView && header != proofs.Hash{}
}

// count adds a vote, ours or another's, and assembles a certificate if it
// completes a quorum.
func (m *Machine) count(s *view, k int, v *types.Vote) {
	t := &s.tallies[k]
	if s.certs[k] != nil || t.banned != nil && t.banned[v.Voter] {
		return
	}
	weight := t.add(v, m.set.At(int(v.Voter)).Weight, m.set.Len())
	if m.set.IsQuorum(weight) && m.wanted(s, k) {
		m.assemble(s, k, v)
	}
}

// wanted reports whether a certificate of kind k would teach anything.
func (m *Machine) wanted(s *view, k int) bool {
	if s.certs[k] != nil || s.certs[finalize] != nil || s.number < m.finalView {
		return false
	}
	return k == notarize || s.number > m.finalView
}

// assemble makes a certificate of the votes that say what v says. Bad votes are
// blamed and dropped; too few good ones are kept.
func (m *Machine) assemble(s *view, k int, v *types.Vote) {
	t := &s.tallies[k]
	var voters []int
	var sigs [][bls.VoteSize]byte
	for i, o := range t.votes {
		if o != nil && says(o, v.ParentView, v.Header) {
			voters, sigs = append(voters, i), append(sigs, o.Signature)
		}
	}
	agg, bad := m.cfg.Crypto.Combine(m.set, m.signed(v), voters, sigs)
	var left uint64
	for _, i := range bad {
		w := m.set.At(voters[i])
		left = t.ban(voters[i], w.Weight)
		m.blame(w.Node, fmt.Errorf("vote of %d in view %d: %w", voters[i], s.number, proofs.ErrSignature))
	}
	if len(bad) > 0 && !m.set.IsQuorum(left) {
		return
	}
	m.addCert(&types.Quorum{Kind: v.Kind, Epoch: v.Epoch, View: v.View, ParentView: v.ParentView, Header: v.Header, Aggregate: agg})
}

// signed returns the bytes that v's signature covers.
func (m *Machine) signed(v *types.Vote) []byte {
	s := v.Statement(m.set.Hash())
	return s.SigningBytes(m.network)
}

// accuse gives evidence of two votes that exclude each other, once for each voter
// and epoch, after verifying both.
func (m *Machine) accuse(a, b *types.Vote) {
	i := int(a.Voter)
	if m.accused[i] {
		return
	}
	m.accused[i] = true
	node := m.set.At(i).Node
	for _, v := range []*types.Vote{a, b} {
		if _, bad := m.cfg.Crypto.Combine(m.set, m.signed(v), []int{i}, [][bls.VoteSize]byte{v.Signature}); len(bad) > 0 {
			m.blame(node, fmt.Errorf("vote of %d in view %d: %w", i, v.View, proofs.ErrSignature))
			return
		}
	}
	m.out.Evidence = append(m.out.Evidence, Evidence{Node: node, Set: m.set.Hash(), A: *a, B: *b})
}

// onQuorum takes a certificate from another node.
func (m *Machine) onQuorum(in QuorumIn) {
	q := in.Quorum
	_, member := m.set.IndexOf(in.From)
	m.listen(in.From, member, 0)
	if q.Epoch != m.anchor.Epoch {
		m.otherEpoch(in.From, q.Epoch, false, in)
		return
	}
	if q.View+1 < m.current {
		m.noteLaggard(in.From, q.View, false)
	}
	if err := m.learn(q); err != nil {
		m.blame(in.From, err)
	}
}

// learn verifies a certificate of this epoch, if it teaches anything, and takes it.
func (m *Machine) learn(q *types.Quorum) error {
	k, ok := kindIndex(q.Kind)
	if !ok || !canonical(k, q.View, q.ParentView, q.Header) {
		return fmt.Errorf("certificate of view %d: kind %#x: %w", q.View, uint8(q.Kind), proofs.ErrMalformed)
	}
	if q.View < m.finalView {
		return nil
	}
	if s := m.views[q.View]; s != nil && !m.wanted(s, k) {
		return nil
	}
	_, weight, err := q.Aggregate.Signers(m.set)
	if err != nil {
		return err
	}
	if !m.set.IsQuorum(weight) {
		return fmt.Errorf("certificate of view %d: got weight %d of %d: %w", q.View, weight, m.set.Total(), proofs.ErrQuorum)
	}
	v := q.Vote(m.set.Hash())
	if err := m.cfg.Crypto.Verify(m.set, v.SigningBytes(m.network), &q.Aggregate); err != nil {
		return fmt.Errorf("certificate of view %d: %w", q.View, err)
	}
	m.addCert(q)
	return nil
}

// cast signs, records, counts and sends a vote of ours. The caller has checked
// that the rules allow it.
func (m *Machine) cast(s *view, k int, parentView uint64, header proofs.Hash) {
	v := &types.Vote{
		Kind: kindOf(k), Epoch: m.anchor.Epoch, View: s.number, ParentView: parentView, Header: header,
		Voter: uint32(m.me), Executed: m.newestExecuted(),
	}
	msg := m.signed(v)
	entry := SlotEntry{Kind: SlotNotarize, Epoch: v.Epoch, View: v.View, Digest: sha256.Sum256(msg)}
	if k != notarize {
		entry.Kind = SlotClose
	}
	if m.cfg.Signed != nil && !(m.cfg.Faults.CloseTwice && k != notarize) {
		if d, ok := m.cfg.Signed(entry.Kind, entry.Epoch, entry.View); ok && d != entry.Digest {
			s.abstain[k] = true
			return
		}
	}
	v.Signature = m.cfg.Crypto.Sign(msg)
	s.own[k], m.lastVote = v, v
	m.record(recordVote, v)
	m.out.Votes = append(m.out.Votes, entry)
	m.sendAll(v)
	m.count(s, k, v)
}
