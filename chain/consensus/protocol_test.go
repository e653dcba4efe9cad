package consensus_test

import (
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
)

func TestCarIsOrderedExecutedAndCertified(t *testing.T) {
	b := newBench(t, 4)
	b.car(1)
	// Block 1 orders the car; block 2, empty, certifies the state after it.
	b.wantHeight(2)
	for i, s := range b.nodes {
		if got := s.finals[0].Block.Cut.Tips[0].Height; got != 1 {
			t.Errorf("node %d: block 1 orders lane 0 up to %d, want 1", i, got)
		}
		h := s.finals[1].Block.Header
		if h.Executed != 1 || h.StateRoot != s.results[1].StateRoot || h.StateRoot == s.results[0].StateRoot {
			t.Errorf("node %d: block 2 certifies block %d with root %x, want block 1 with %x", i, h.Executed, h.StateRoot[:4], s.results[1].StateRoot[:4])
		}
		if got := len(s.votes); got != 4 {
			t.Errorf("node %d: signed %d votes for two blocks, want notarize and finalize for each", i, got)
		}
	}
}

func TestStrangerVerifiesEveryCertificate(t *testing.T) {
	b := newBench(t, 4)
	b.car(1)
	b.car(2)
	trust := proofs.NewTrust(b.zero)
	for i := range b.nodes[0].finals {
		f := &b.nodes[0].finals[i]
		if f.Certificate == nil {
			t.Fatalf("block %d: no certificate", f.Block.Header.Height)
		}
		ch := proofs.CertifiedHeader{Header: f.Block.Header, Certificate: *f.Certificate}
		if _, err := trust.VerifyHeader(&ch, proofs.Clock{Now: b.now}); err != nil {
			t.Errorf("block %d: %v", f.Block.Header.Height, err)
		}
	}
}

func TestIdleNetworkIsSilentUntilTheHeartbeat(t *testing.T) {
	b := newBench(t, 4)
	b.car(1)
	b.pass(100)
	b.forget()
	b.pass(heartbeat - 200)
	for i, s := range b.nodes {
		for _, out := range s.outs {
			if len(out.Sends)+len(out.Records)+len(out.Fetches) > 0 {
				t.Fatalf("node %d sends while idle: %+v", i, out)
			}
		}
	}
	b.pass(200)
	b.wantHeight(3)
}

func TestSilentLeaderIsNullifiedAndPassedOver(t *testing.T) {
	b := newBench(t, 4)
	bad := b.leader()
	b.lose = func(from, _ int, msg any) bool { _, p := msg.(*types.Proposal); return p && from == bad }
	b.car(1)
	b.wantHeight(0)
	b.pass(2 * floor)
	// Tips need availability certificates after a nullified view, so that the car
	// waits for one; what was nullified stays nullified.
	for i, s := range b.nodes {
		if got := s.m.Status(); got.View < 2 || got.Nullified == 0 {
			t.Errorf("node %d: got view %d after %d nullified, want a later view", i, got.View, got.Nullified)
		}
		for _, v := range sent[*types.Vote](b, i) {
			if v.View == 1 && v.Kind == proofs.TypeFinalize {
				t.Errorf("node %d: finalize after nullify in view 1", i)
			}
		}
	}
	set := b.zero.Set
	for i := range b.nodes {
		tips := make([]consensus.LaneTip, set.Len())
		tip := types.Tip{Height: 1, Digest: proofs.Hash{1, 0, 7}}
		tips[0] = consensus.LaneTip{Held: tip, Certified: &types.CarCertificate{Tip: tip}}
		b.step(i, consensus.TipsIn{Tips: tips})
	}
	b.pass(20 * floor)
	if got := b.nodes[(bad+1)%4].m.Status().Height; got < 1 {
		t.Errorf("got height %d, want the certified car ordered", got)
	}
}

func TestVoterBehindInExecutionWaits(t *testing.T) {
	b := newBench(t, 4)
	slow := (b.leader() + 1) % 4
	b.nodes[slow].paused = true
	b.car(1)
	b.forget()
	b.pass(30)
	for _, v := range sent[*types.Vote](b, slow) {
		if v.View >= 2 && v.Kind != proofs.TypeFinalize {
			t.Errorf("got vote %#x in view %d from a node whose execution is behind, want it to wait", uint8(v.Kind), v.View)
		}
	}
	b.nodes[slow].paused = false
	b.execute(slow)
	b.run()
	b.wantHeight(2)
}

func TestCertifiedRootAgainstOursStopsTheMachine(t *testing.T) {
	b := newBench(t, 4)
	odd := (b.leader() + 1) % 4
	b.nodes[odd].paused = true
	b.car(1)
	e := b.nodes[(odd+1)%4].results[1]
	e.StateRoot = proofs.Hash{0xbd}
	out := b.step(odd, consensus.ExecutedIn{Executed: e})
	b.run()
	for _, o := range b.nodes[odd].outs {
		if o.Alarm != nil {
			out = o
		}
	}
	if !errors.Is(out.Alarm, proofs.ErrRoot) {
		t.Fatalf("got alarm %v, want %v", out.Alarm, proofs.ErrRoot)
	}
	if out.Sends != nil || out.Votes != nil || out.Records != nil {
		t.Errorf("got output %+v beside the alarm, want none", out)
	}
	if out := b.step(odd, consensus.TickIn{}); out.Wake != 0 || out.Alarm != nil {
		t.Errorf("got %+v after the alarm, want silence", out)
	}
}

func TestHeldDataIsWaitedFor(t *testing.T) {
	b := newBench(t, 4)
	for i := range b.nodes {
		b.nodes[i].deaf = i != b.leader()
	}
	b.car(1)
	b.wantHeight(0)
	for i, s := range b.nodes {
		for _, out := range s.outs {
			for _, h := range out.Holds {
				b.step(i, consensus.HeldIn{ID: h.ID})
			}
		}
		s.deaf = false
	}
	b.run()
	b.wantHeight(2)
}

func TestRestartedNodeRepeatsAndNeverContradicts(t *testing.T) {
	b := newBench(t, 4)
	// Everybody notarizes, nobody hears of it; then all restart.
	b.lose = func(_, _ int, msg any) bool { _, vote := msg.(*types.Vote); return vote }
	b.car(1)
	b.wantHeight(0)
	before := make([][]*types.Vote, 4)
	for i := range b.nodes {
		before[i] = sent[*types.Vote](b, i)
	}
	b.forget()
	b.lose = nil
	for i := range b.nodes {
		b.boot(i)
	}
	b.now += 10
	b.car(1)
	b.pass(50 * floor)
	for i, s := range b.nodes {
		if s.m.Status().Height < 1 {
			t.Errorf("node %d: got height 0, want progress after the restart", i)
		}
		for _, v := range sent[*types.Vote](b, i) {
			for _, old := range before[i] {
				if v.View == old.View && v.Kind == old.Kind && v.Header != old.Header {
					t.Errorf("node %d: contradicts its vote %#x of view %d", i, uint8(v.Kind), v.View)
				}
			}
		}
	}
}

func TestLostLogCostsVotesNotSafety(t *testing.T) {
	b := newBench(t, 4)
	b.lose = func(_, _ int, _ any) bool { return true }
	b.car(1)
	b.pass(2 * floor) // everybody nullifies view 1
	s := b.nodes[b.leader()]
	signed := s.votes
	s.records, s.outs, s.votes = nil, nil, nil
	s.cfg.Signed = func(kind uint8, epoch, view uint64) (proofs.Hash, bool) {
		for _, e := range signed {
			if e.Kind == kind && e.Epoch == epoch && e.View == view {
				return e.Digest, true
			}
		}
		return proofs.Hash{}, false
	}
	i := b.leader()
	b.boot(i)
	b.now++
	b.carAt(i, 2) // another cut than before, so another header
	for _, v := range s.votes {
		for _, old := range signed {
			if v.Kind == old.Kind && v.View == old.View && v.Digest != old.Digest {
				t.Errorf("signs %x in a slot that holds %x", v.Digest[:4], old.Digest[:4])
			}
		}
	}
}

func TestContradictingVotesAreEvidence(t *testing.T) {
	b := newBench(t, 4)
	crypto := consensus.NewBLS(b.keys[3])
	sign := func(kind proofs.ObjectType, header proofs.Hash) *types.Vote {
		v := &types.Vote{Kind: kind, View: 1, Header: header, Voter: 3}
		st := v.Statement(b.zero.Set.Hash())
		v.Signature = crypto.Sign(st.SigningBytes(b.zero.ID))
		return v
	}
	from := b.zero.Set.At(3).Node
	b.step(0, consensus.VoteIn{From: from, Vote: sign(proofs.TypeNullify, proofs.Hash{})})
	out := b.step(0, consensus.VoteIn{From: from, Vote: sign(proofs.TypeFinalize, proofs.Hash{5})})
	if len(out.Evidence) != 1 || out.Evidence[0].Node != from {
		t.Fatalf("got evidence %+v, want one pair of votes of node 3", out.Evidence)
	}
	if again := b.step(0, consensus.VoteIn{From: from, Vote: sign(proofs.TypeFinalize, proofs.Hash{6})}); len(again.Evidence) != 0 {
		t.Errorf("got evidence a second time")
	}
	// A forged pair frames nobody.
	forged := sign(proofs.TypeNullify, proofs.Hash{})
	forged.Voter, forged.Signature = 2, [96]byte{}
	other := *forged
	other.Kind, other.Header = proofs.TypeFinalize, proofs.Hash{5}
	two := b.zero.Set.At(2).Node
	b.step(0, consensus.VoteIn{From: two, Vote: forged})
	if out := b.step(0, consensus.VoteIn{From: two, Vote: &other}); len(out.Evidence) != 0 || len(out.Blames) == 0 {
		t.Errorf("got evidence %d and blames %d for votes with bad signatures, want 0 and some", len(out.Evidence), len(out.Blames))
	}
}

func TestBadSignatureIsBlamedAndTheRestCertifies(t *testing.T) {
	b := newBench(t, 4)
	bad := (b.leader() + 1) % 4
	b.nodes[bad].cfg.Crypto = spoiler{consensus.NewBLS(b.keys[bad])}
	b.boot(bad)
	b.car(1)
	b.pass(100 * floor)
	var blamed bool
	for i, s := range b.nodes {
		if i == bad {
			continue
		}
		if s.m.Status().Height < 2 {
			t.Errorf("node %d: got height %d, want 2 in spite of one bad signer", i, s.m.Status().Height)
		}
		for _, err := range b.blames(i) {
			blamed = blamed || errors.Is(err, proofs.ErrSignature)
		}
	}
	if !blamed {
		t.Error("nobody blames the signer of bad votes")
	}
}

// quick certifies without signatures, for tests of many blocks.
type quick struct{}

func (quick) Sign([]byte) (sig [96]byte) { return sig }

func (quick) Combine(set *proofs.ValidatorSet, _ []byte, voters []int, _ [][96]byte) (agg proofs.Aggregate, bad []int) {
	agg.Bitmap = proofs.NewBitmap(set.Len())
	for _, v := range voters {
		proofs.SetBit(agg.Bitmap, v)
	}
	return agg, nil
}

func (quick) Verify(*proofs.ValidatorSet, []byte, *proofs.Aggregate) error { return nil }

// spoiler signs another message than it is asked to.
type spoiler struct{ *consensus.BLS }

func (s spoiler) Sign(msg []byte) [96]byte { return s.BLS.Sign(append([]byte{0}, msg...)) }

func TestKeyBlockIsProposedAgainUntilFinal(t *testing.T) {
	b := newBench(t, 4)
	b.car(1)
	b.now = zeroTime + epochTime + drift
	views := make(map[uint64]proofs.Hash)
	first := true
	b.lose = func(_, _ int, msg any) bool {
		if p, ok := msg.(*types.Proposal); ok && p.Block.Header.IsKeyBlock() {
			views[p.View] = p.Block.Header.ID()
			first = len(views) == 1
		}
		v, ok := msg.(*types.Vote)
		return ok && v.Kind == proofs.TypeFinalize && first
	}
	b.pass(50 * floor)
	if len(views) < 2 {
		t.Fatalf("got key blocks proposed in %d views, want it proposed again", len(views))
	}
	var id proofs.Hash
	for _, got := range views {
		if id != (proofs.Hash{}) && got != id {
			t.Fatalf("got key blocks %x and %x, want the same one", got[:4], id[:4])
		}
		id = got
	}
	for i, s := range b.nodes {
		if got := s.m.Status(); got.Epoch != 1 || len(s.anchors) != 2 || s.anchors[1].ID != id {
			t.Errorf("node %d: got epoch %d, want epoch 1 on key block %x", i, got.Epoch, id[:4])
		}
	}
}

func TestNodeCatchesUpAcrossEpochs(t *testing.T) {
	b := newBench(t, 4)
	cut := 3
	b.lose = func(from, to int, _ any) bool { return from == cut || to == cut }
	for e := uint64(1); e <= 2; e++ {
		b.car(1)
		b.pass(10 * floor)
		b.now += epochTime
		b.pass(100 * floor)
	}
	if got := b.nodes[0].m.Status(); got.Epoch < 2 {
		t.Fatalf("got epoch %d, want three nodes to go on", got.Epoch)
	}
	b.lose = nil
	b.pass(2 * heartbeat)
	a, z := b.nodes[0].m.Status(), b.nodes[cut].m.Status()
	if z.Height != a.Height || z.Epoch != a.Epoch {
		t.Errorf("got height %d of epoch %d, want %d of %d", z.Height, z.Epoch, a.Height, a.Epoch)
	}
	for i := range b.nodes[cut].finals {
		if b.nodes[cut].finals[i].ID != b.nodes[0].finals[i].ID {
			t.Fatalf("final block %d differs", i+1)
		}
	}
}

func TestCheckpointIsAllThatARestartNeeds(t *testing.T) {
	b := newBench(t, 4)
	for i := range b.nodes {
		b.nodes[i].cfg.Crypto = quick{}
		b.boot(i)
	}
	checkpoints := 0
	for h := uint64(1); h <= 150; h++ {
		b.now += 10
		b.car(h)
	}
	for _, out := range b.nodes[0].outs {
		if out.Checkpoint {
			checkpoints++
		}
	}
	if checkpoints == 0 || len(b.nodes[0].records) > 2000 {
		t.Fatalf("got %d checkpoints and %d records after %d blocks", checkpoints, len(b.nodes[0].records), b.nodes[0].m.Status().Height)
	}
	for i := range b.nodes {
		b.boot(i)
	}
	before := b.nodes[0].m.Status().Height
	b.now += 10
	b.car(151)
	b.pass(20)
	b.wantHeight(before + 2)
}

func TestLeadersTakeTurns(t *testing.T) {
	b := newBench(t, 4)
	var turns [4]int
	last, gap := [4]uint64{}, uint64(0)
	for v := uint64(1); v <= 4000; v++ {
		l := b.nodes[0].m.LeaderOf(v)
		turns[l]++
		gap = max(gap, v-last[l])
		last[l] = v
	}
	for i, n := range turns {
		if n < 990 || n > 1010 {
			t.Errorf("node %d leads %d of 4000 views, want about 1000", i, n)
		}
	}
	if gap > 8 {
		t.Errorf("got %d views between two turns of one leader, want at most 8", gap)
	}
}
