package proofs_test

import (
	"math"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/internal/prooftest"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// One test for each row of SECURITY.md that concerns headers, certificates, queue
// heads, slices or messages; the names are the rows'. Rows about validator sets
// and keys are in validators_test.go, those about key blocks in trust_test.go.

func TestRonin2022(t *testing.T) {
	refused(t, "two of four keys", proofs.ErrQuorum, func(s *scene) { s.sign(0, 1) })
	refused(t, "one key", proofs.ErrQuorum, func(s *scene) { s.sign(3) })
}

func TestRonin2024(t *testing.T) {
	refused(t, "no set is trusted", proofs.ErrSet, func(s *scene) { s.trust.Set = nil })
	refused(t, "trust that nobody set", proofs.ErrSet, func(s *scene) { s.trust = proofs.Trust{} })
	refused(t, "empty set", proofs.ErrQuorum, func(s *scene) {
		s.trust.Set = new(proofs.ValidatorSet)
		s.slice.Header.Header.SetHash = proofs.Hash{}
		s.slice.Header.Certificate.Quorum.Bitmap = nil
	})
}

func TestWormhole2022(t *testing.T) {
	foreign := prooftest.NewCommittee(prooftest.Even(50, 4)...)
	refused(t, "own keys under the trusted set's name", proofs.ErrSignature, func(s *scene) {
		s.net.Committee = foreign
		s.sign()
	})
	refused(t, "own keys under their own name", proofs.ErrSet, func(s *scene) {
		s.net.Committee = foreign
		s.slice.Header.Header.SetHash = foreign.Set.Hash()
		s.sign()
	})
}

func TestChainSwap2021(t *testing.T) {
	refused(t, "signers outside the set", proofs.ErrSigner, func(s *scene) { s.slice.Header.Certificate.Quorum.Bitmap[0] |= 0xf0 })
	refused(t, "only signers outside the set", proofs.ErrSigner, func(s *scene) { s.slice.Header.Certificate.Quorum.Bitmap[0] = 0xf0 })
}

func TestNomad2022(t *testing.T) {
	for name, root := range map[string]func(h *proofs.Header) *proofs.Hash{
		"state":    func(h *proofs.Header) *proofs.Hash { return &h.StateRoot },
		"outbound": func(h *proofs.Header) *proofs.Hash { return &h.OutboundRoot },
		"receipts": func(h *proofs.Header) *proofs.Hash { return &h.ReceiptRoot },
	} {
		refused(t, "zero root: "+name, proofs.ErrRoot, func(s *scene) {
			*root(&s.slice.Header.Header) = proofs.Hash{}
			s.sign() // even when a quorum signs it
		})
	}
	refused(t, "zero root in the head's proof", proofs.ErrRoot, func(s *scene) { s.slice.Proof.Root = proofs.Hash{} })
}

func TestBNB2022(t *testing.T) {
	for i := range 2 {
		refused(t, "branch hash", proofs.ErrBranch, func(s *scene) { s.slice.Proof.Branch[i][31] ^= 1 })
	}
	refused(t, "head index", proofs.ErrBranch, func(s *scene) { s.slice.Proof.Index = 0 })
	refused(t, "head count", proofs.ErrRoot, func(s *scene) { s.slice.Proof.Count = 4 })
	refused(t, "head root", proofs.ErrRoot, func(s *scene) { s.slice.Proof.Root[0] ^= 1 })
	refused(t, "right of the slice", proofs.ErrRoot, func(s *scene) { s.slice.Right[0][0] ^= 1 })
	heads := map[string]func(h *proofs.QueueHead){
		"begin":        func(h *proofs.QueueHead) { h.Begin++ },
		"end":          func(h *proofs.QueueHead) { h.End++ },
		"root":         func(h *proofs.QueueHead) { h.Root[5] ^= 1 },
		"incarnation":  func(h *proofs.QueueHead) { h.Incarnation++ },
		"acked":        func(h *proofs.QueueHead) { h.Acked++ },
		"settled":      func(h *proofs.QueueHead) { h.Settled++ },
		"outcome":      func(h *proofs.QueueHead) { h.Outcomes[0].Code = proofs.CodeOverflow },
		"one less":     func(h *proofs.QueueHead) { h.Outcomes = h.Outcomes[:1] },
		"other index":  func(h *proofs.QueueHead) { h.Outcomes[1].Index = 5 },
		"no outcomes":  func(h *proofs.QueueHead) { h.Outcomes = nil },
		"more outcome": func(h *proofs.QueueHead) { h.Outcomes = append(h.Outcomes, proofs.Outcome{Index: 5, Code: 1}) },
	}
	for name, change := range heads {
		refused(t, "head: "+name, proofs.ErrBranch, func(s *scene) { change(&s.slice.Proof.Head) })
	}
}

func TestHyperbridge2026(t *testing.T) {
	refused(t, "index = count", proofs.ErrBranch, func(s *scene) { s.slice.Proof.Index = s.slice.Proof.Count })
	refused(t, "index beyond count", proofs.ErrBranch, func(s *scene) { s.slice.Proof.Index = math.MaxUint32 })
	refused(t, "count = 1", proofs.ErrRoot, func(s *scene) {
		p := &s.slice.Proof
		p.Index, p.Count, p.Branch, p.Root = 0, 1, nil, p.Head.Leaf(s.net.ID())
	})
	refused(t, "count = 0", proofs.ErrRoot, func(s *scene) { s.slice.Proof.Index, s.slice.Proof.Count = 0, 0 })
	refused(t, "leftover hash", proofs.ErrBranch, func(s *scene) {
		s.slice.Proof.Branch = append(s.slice.Proof.Branch, proofs.Hash{})
	})
	refused(t, "empty messages", proofs.ErrNetwork, func(s *scene) { s.slice.Messages[1] = proofs.Message{} })
	refused(t, "leftover node", proofs.ErrBranch, func(s *scene) { s.slice.Right = append(s.slice.Right, proofs.Hash{}) })
}

func TestVerus2026(t *testing.T) {
	other := proofs.NewAssetID(prooftest.Peer(0x33), proofs.Hash{1})
	for name, change := range map[string]func(m *proofs.Message){
		"amount":    func(m *proofs.Message) { m.Amount[0] = 0xff },
		"asset":     func(m *proofs.Message) { m.Asset = other },
		"recipient": func(m *proofs.Message) { m.Recipient[0] ^= 1 },
		"sender":    func(m *proofs.Message) { m.Sender[0] ^= 1 }, // row THORChain, pNetwork
		"gas":       func(m *proofs.Message) { m.Gas++ },
		"deadline":  func(m *proofs.Message) { m.Deadline++ },
		"emitted":   func(m *proofs.Message) { m.Emitted-- },
		"cause":     func(m *proofs.Message) { m.Cause[0] ^= 1 },
		"payload":   func(m *proofs.Message) { m.Payload = append(m.Payload, 0) },
	} {
		refused(t, "altered "+name, proofs.ErrRoot, func(s *scene) { change(&s.slice.Messages[2]) })
	}
}

func TestPolygonPlasma2021(t *testing.T) {
	refused(t, "the same slice again", proofs.ErrStale, func(s *scene) {
		v, err := s.verify()
		if err != nil {
			panic(err)
		}
		s.consumed = v.Consumed()
	})
	refused(t, "a head alone with hashes left over", proofs.ErrNotCanon, func(s *scene) { s.slice.Messages = nil })
	refused(t, "the same, all consumed", proofs.ErrNotCanon, func(s *scene) {
		s.slice.Messages, s.consumed = nil, s.queue.Range(0, sceneSize)
	})
}

func TestDragonberry2022(t *testing.T) {
	refused(t, "shorter right", proofs.ErrBranch, func(s *scene) { s.slice.Right = s.slice.Right[:1] })
	refused(t, "no right", proofs.ErrBranch, func(s *scene) { s.slice.Right = nil })
	refused(t, "right folded to one node", proofs.ErrBranch, func(s *scene) {
		r := s.slice.Right
		s.slice.Right = []proofs.Hash{merkle.NodeHash(r[0], r[1])}
	})
}

func TestSecondPreimage(t *testing.T) { // row leaf/node second preimage
	refused(t, "an inner node as a head", proofs.ErrRoot, func(s *scene) {
		p := &s.slice.Proof
		p.Index, p.Count, p.Branch = 0, 2, p.Branch[1:]
	})
}

func TestCVE2012_2459(t *testing.T) {
	refused(t, "duplicated last head", proofs.ErrRoot, func(s *scene) {
		heads := append(slices.Clone(s.net.Heads), s.net.Heads[2])
		leaves := make([]proofs.Hash, len(heads))
		for i := range heads {
			leaves[i] = heads[i].Leaf(s.net.ID())
		}
		branch, err := merkle.Inclusion(leaves, 1)
		if err != nil {
			panic(err)
		}
		s.slice.Proof = proofs.HeadProof{Head: heads[1], Index: 1, Count: 4, Root: merkle.Root(leaves), Branch: branch}
	})
	refused(t, "duplicated last message", proofs.ErrIndex, func(s *scene) {
		s.slice.Messages = append(s.slice.Messages, s.slice.Messages[3])
	})
}

func TestProofLength(t *testing.T) { // row proof length, index
	refused(t, "short branch", proofs.ErrBranch, func(s *scene) { s.slice.Proof.Branch = s.slice.Proof.Branch[:1] })
	refused(t, "no branch", proofs.ErrBranch, func(s *scene) { s.slice.Proof.Branch = nil })
	refused(t, "the other head's index", proofs.ErrBranch, func(s *scene) { s.slice.Proof.Index = 2 })
}

func TestRangeOmission(t *testing.T) {
	refused(t, "message left out", proofs.ErrIndex, func(s *scene) { s.slice.Messages = slices.Delete(s.slice.Messages, 1, 2) })
	refused(t, "message left out, others renumbered", proofs.ErrRoot, func(s *scene) {
		s.slice.Messages = slices.Delete(s.slice.Messages, 1, 2)
		for i := range s.slice.Messages {
			s.slice.Messages[i].Index = sceneConsumed + uint64(i)
		}
		s.slice.Right = make([]proofs.Hash, len(merkle.RangeNodes(sceneEnd-1, sceneSize)))
	})
	refused(t, "reordered", proofs.ErrIndex, func(s *scene) {
		m := s.slice.Messages
		m[0], m[1] = m[1], m[0]
	})
	refused(t, "truncated tail", proofs.ErrBranch, func(s *scene) { s.slice.Messages = s.slice.Messages[:3] })
	refused(t, "truncated head", proofs.ErrGap, func(s *scene) { s.slice.Start, s.slice.Messages = 6, s.slice.Messages[1:] })
	refused(t, "false empty", proofs.ErrBranch, func(s *scene) { s.slice.Proof.Head.End = sceneConsumed })
	refused(t, "beyond the end", proofs.ErrIndex, func(s *scene) {
		for range sceneSize {
			s.slice.Messages = append(s.slice.Messages, s.slice.Messages[0])
		}
	})
	refused(t, "start + length overflows", proofs.ErrIndex, func(s *scene) { s.slice.Start = math.MaxUint64 - 1 })
}

func TestRainbow2022(t *testing.T) {
	refused(t, "time ahead of the clock", proofs.ErrClock, func(s *scene) { s.clock.Now = s.header.Time - prooftest.Drift - 1 })
	refused(t, "executed after it was made", proofs.ErrTime, func(s *scene) {
		s.slice.Header.Header.ExecutedTime = s.slice.Header.Header.Time
		s.sign()
	})
	refused(t, "executed itself", proofs.ErrLink, func(s *scene) {
		s.slice.Header.Header.Executed = s.slice.Header.Header.Height
		s.sign()
	})
	refused(t, "fabricated block", proofs.ErrSignature, func(s *scene) { s.slice.Header.Header.StateRoot[0] ^= 1 })
	s := newScene()
	s.clock.Now = s.header.Time - prooftest.Drift
	_, err := s.verify()
	ok(t, err) // the very limit
}

func TestTendermintRS2022(t *testing.T) {
	twin := prooftest.NewNetwork("beta", prooftest.Even(1, 4)...) // the same validators elsewhere
	refused(t, "another network's header", proofs.ErrNetwork, func(s *scene) { s.slice.Header = twin.Certify(twin.Next()) })
	refused(t, "another network's certificate", proofs.ErrSignature, func(s *scene) {
		h := s.header
		h.Network = twin.ID()
		s.slice.Header.Certificate = twin.Certify(h).Certificate
	})
	refused(t, "empty bitmap", proofs.ErrQuorum, func(s *scene) { s.slice.Header.Certificate.Quorum.Bitmap[0] = 0 })
	refused(t, "permuted bitmap", proofs.ErrSignature, func(s *scene) {
		s.sign(0, 1, 2)
		s.slice.Header.Certificate.Quorum.Bitmap[0] = 0b1110
	})
}

func TestLongRange(t *testing.T) { // row long range, unbonded set
	refused(t, "past the trust period", proofs.ErrExpired, func(s *scene) { s.clock.Now = s.trust.Time + prooftest.TrustPeriod + 1 })
	s := newScene()
	s.clock.Now = s.trust.Time + prooftest.TrustPeriod
	_, err := s.verify()
	ok(t, err) // the last moment
	s.clock = proofs.Clock{Now: s.clock.Now + 1, Historical: true}
	_, err = s.verify()
	ok(t, err)
	if !s.trust.Expired(s.clock.Now) {
		t.Error("got a historical reader whose trust is not expired")
	}
}

func TestNotarizedNotFinal(t *testing.T) { // row notarized, not final
	refused(t, "notarize votes", proofs.ErrSignature, func(s *scene) {
		s.slice.Header.Certificate = s.net.Statement(proofs.TypeNotarize, s.header)
	})
	refused(t, "nullify votes", proofs.ErrSignature, func(s *scene) {
		s.slice.Header.Certificate = s.net.Statement(proofs.TypeNullify, s.header)
	})
	refused(t, "votes of another view", proofs.ErrSignature, func(s *scene) { s.slice.Header.Certificate.View++ })
	refused(t, "votes on another parent", proofs.ErrSignature, func(s *scene) { s.slice.Header.Certificate.ParentView++ })
}

func TestCrossNetworkReplay(t *testing.T) { // row cross-network replay
	refused(t, "source", proofs.ErrNetwork, func(s *scene) { s.slice.Messages[0].Source[0] ^= 1 })
	refused(t, "destination", proofs.ErrDestination, func(s *scene) { s.slice.Messages[0].Destination[0] ^= 1 })
	refused(t, "incarnation", proofs.ErrIncarnation, func(s *scene) { s.slice.Messages[0].Incarnation++ })
	refused(t, "index", proofs.ErrIndex, func(s *scene) { s.slice.Messages[0].Index++ })
	refused(t, "another reader's head", proofs.ErrDestination, func(s *scene) {
		p, err := proofs.ProveHead(s.net.ID(), s.net.Heads, prooftest.Peer(0x33))
		if err != nil {
			panic(err)
		}
		s.slice.Proof = *p
	})
}

func TestReRegistration(t *testing.T) { // row re-registration
	refused(t, "messages of the old life", proofs.ErrIncarnation, func(s *scene) {
		old := slices.Clone(s.slice.Messages)
		s.queue.Incarnation, s.queue.Messages = 2, nil
		for range sceneSize {
			s.queue.Push()
		}
		s.certify()
		if _, err := s.verify(); err != nil {
			panic(err)
		}
		s.slice.Messages = old
	})
	refused(t, "no life at all", proofs.ErrIncarnation, func(s *scene) {
		s.queue.Incarnation = 0
		s.certify()
	})
}

func TestReplayAfterPrune(t *testing.T) { // rows replay after prune; out of order
	refused(t, "released messages", proofs.ErrStale, func(s *scene) {
		s.slice = s.net.Slice(s.slice.Header, s.queue, 0, 2) // below the head's begin
	})
	refused(t, "gap", proofs.ErrGap, func(s *scene) { s.consumed = s.queue.Range(0, 4) })
	refused(t, "nothing consumed yet", proofs.ErrGap, func(s *scene) { s.consumed = merkle.Range{} })
}

func TestTruncation(t *testing.T) { // row truncation, withholding
	s := newScene()
	v, err := s.verify()
	ok(t, err)
	head := v.Head().Head()
	if got := v.Consumed(); got.End() != sceneEnd || head.End != sceneSize {
		t.Errorf("got [.., %d) of %d, want %d of %d", got.End(), head.End, sceneEnd, sceneSize)
	}
	s.consumed = v.Consumed()
	s.slice = s.net.Slice(s.slice.Header, s.queue, sceneEnd, sceneSize) // another relayer
	v, err = s.verify()
	ok(t, err)
	if len(s.slice.Right) != 0 {
		t.Errorf("got %d hashes in a slice to the end, want none", len(s.slice.Right))
	}
	if got, _ := v.Consumed().Root(); got != head.Root {
		t.Error("the consumed range does not lead to the certified root")
	}
}

func TestForkRolledBack(t *testing.T) { // row peer's fork rolled back
	refused(t, "ends below what was consumed", proofs.ErrDiverged, func(s *scene) {
		full := s.queue.Range(0, sceneSize)
		s.queue.Messages = s.queue.Messages[:sceneSize-1]
		s.certify()
		s.consumed = full
	})
	refused(t, "other messages up to our index", proofs.ErrDiverged, func(s *scene) {
		full := s.queue.Range(0, sceneSize)
		s.queue.Messages[3].Amount[15]++
		s.certify()
		s.slice = s.net.Slice(s.slice.Header, s.queue, 0, 0)
		s.consumed = full
	})
	grown := func(s *scene) { // another message 3, and more after what was consumed
		consumed := s.queue.Range(0, sceneConsumed)
		s.queue.Messages[3].Amount[15]++
		s.certify()
		s.consumed = consumed
	}
	left := func(s *scene) []proofs.Hash {
		r := s.queue.Range(0, sceneConsumed)
		return r.Nodes()
	}
	refused(t, "another history that goes on, unproved", proofs.ErrRoot, grown)
	refused(t, "another history that goes on", proofs.ErrDiverged, func(s *scene) {
		grown(s)
		s.slice.Left = left(s)
	})
	refused(t, "a left that does not lead to the root", proofs.ErrRoot, func(s *scene) {
		grown(s)
		s.slice.Left = left(s)
		s.slice.Left[0][0]++
	})
	refused(t, "a left of another length", proofs.ErrBranch, func(s *scene) {
		grown(s)
		s.slice.Left = left(s)[1:]
	})
	refused(t, "a left for another index", proofs.ErrNotCanon, func(s *scene) {
		grown(s)
		s.slice.Left = left(s)
		s.consumed = s.queue.Range(0, sceneConsumed+1)
		s.consumed = flipped(s.consumed)
	})
	refused(t, "a left where nothing differs", proofs.ErrNotCanon, func(s *scene) { s.slice.Left = left(s) })
	refused(t, "a consumed range that starts late", merkle.ErrRange, func(s *scene) {
		s.consumed = s.queue.Range(1, sceneConsumed)
	})
}

func TestPoisonMessage(t *testing.T) { // rows huge memo; Poly 2021
	certified := func(change func(m *proofs.Message)) func(s *scene) {
		return func(s *scene) {
			change(&s.queue.Messages[6])
			s.certify()
		}
	}
	refused(t, "payload too large", proofs.ErrTooLarge, certified(func(m *proofs.Message) {
		m.Payload = make([]byte, proofs.MaxPayload+1)
	}))
	refused(t, "unknown kind", proofs.ErrMalformed, certified(func(m *proofs.Message) { m.Kind = 3 }))
	refused(t, "a refund from abroad", proofs.ErrMalformed, certified(func(m *proofs.Message) { m.Kind = proofs.KindRefund }))
	refused(t, "unknown version", proofs.ErrVersion, certified(func(m *proofs.Message) { m.Version++ }))
	refused(t, "an asset that the reader takes for its own", proofs.ErrMalformed, certified(func(m *proofs.Message) { m.Asset = proofs.NativeAsset }))
}

// flipped is a range as another history would give it.
func flipped(r merkle.Range) merkle.Range {
	nodes := r.Nodes()
	nodes[0][0]++
	other, err := merkle.ParseRange(r.Begin(), r.End(), nodes)
	if err != nil {
		panic(err)
	}
	return other
}
