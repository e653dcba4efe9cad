package consensus_test

import (
	"errors"
	"testing"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

// copyProposal returns a copy that a test may change.
func copyProposal(p *types.Proposal) *types.Proposal {
	c := *p
	c.Block.Cut.Tips = append([]types.Tip(nil), p.Block.Cut.Tips...)
	c.Nullifications = append([]types.Quorum(nil), p.Nullifications...)
	if p.Parent != nil {
		q := *p.Parent
		c.Parent = &q
	}
	return &c
}

// secondProposal runs a network up to the proposal on block 2 and returns a voter
// that has not seen it, with the proposal and its leader.
func secondProposal(t *testing.T) (b *bench, voter int, p *types.Proposal, leader proofs.NodeKey) {
	t.Helper()
	b = newBench(t, 4)
	b.car(1)
	b.now += 20
	lead := b.leader()
	voter = (lead + 1) % 4
	b.lose = func(_, to int, _ any) bool { return to == voter }
	b.forget()
	b.car(2)
	ps := sent[*types.Proposal](b, lead)
	if len(ps) == 0 {
		t.Fatal("no proposal")
	}
	b.lose = func(_, _ int, _ any) bool { return true }
	b.forget()
	return b, voter, ps[0], b.nodes[lead].key
}

// notarizes gives the voter the proposal and reports whether it notarizes it.
func notarizes(b *bench, voter int, from proofs.NodeKey, p *types.Proposal) bool {
	b.step(voter, consensus.ProposalIn{From: from, Proposal: p})
	b.run()
	for _, v := range sent[*types.Vote](b, voter) {
		if v.View == p.View && v.Kind == proofs.TypeNotarize {
			return true
		}
	}
	return false
}

func TestProposalIsRefused(t *testing.T) {
	tests := []struct {
		name   string
		change func(p *types.Proposal)
		want   error // blamed on the leader; nil if it may be honest
	}{
		{"another network", func(p *types.Proposal) { p.Block.Header.Network[0]++ }, proofs.ErrNetwork},
		{"another version", func(p *types.Proposal) { p.Block.Header.Version++ }, proofs.ErrVersion},
		{"another set", func(p *types.Proposal) { p.Block.Header.SetHash[0]++ }, proofs.ErrSet},
		{"a height skipped", func(p *types.Proposal) { p.Block.Header.Height++ }, proofs.ErrLink},
		{"another key block before", func(p *types.Proposal) { p.Block.Header.PreviousKeyHeight++ }, proofs.ErrLink},
		{"another cut than committed", func(p *types.Proposal) { p.Block.Cut.Tips[0].Height++ }, proofs.ErrRoot},
		{"a cut below the parent's", func(p *types.Proposal) {
			p.Block.Cut.Tips[0] = types.Tip{}
			p.Block.Header.CutRoot = p.Block.Cut.Root(p.Block.Header.Network, p.Block.Header.Epoch)
		}, proofs.ErrIndex},
		{"a cut with a lane missing", func(p *types.Proposal) { p.Block.Cut.Tips = p.Block.Cut.Tips[1:] }, proofs.ErrTooLarge},
		{"not later than the parent", func(p *types.Proposal) { p.Block.Header.Time = zeroTime }, proofs.ErrTime},
		{"later than the clock", func(p *types.Proposal) { p.Block.Header.Time += 2 * drift }, nil},
		{"a key block too early", func(p *types.Proposal) { p.Block.Header.NextSetHash = p.Block.Header.SetHash }, proofs.ErrEpoch},
		{"no key block when due", func(p *types.Proposal) { p.Block.Header.Time = zeroTime + epochTime }, nil},
		{"a set delta without a key block", func(p *types.Proposal) { p.Block.NextSet.Removed = []proofs.NodeKey{{1}} }, proofs.ErrMalformed},
		{"execution below the parent's", func(p *types.Proposal) { p.Block.Header.Executed = 0 }, proofs.ErrIndex},
		{"execution of itself", func(p *types.Proposal) { p.Block.Header.Executed = p.Block.Header.Height }, proofs.ErrIndex},
		{"another state root", func(p *types.Proposal) { p.Block.Header.StateRoot[0]++ }, proofs.ErrRoot},
		{"another outbound root", func(p *types.Proposal) { p.Block.Header.OutboundRoot[0]++ }, proofs.ErrRoot},
		{"another receipt root", func(p *types.Proposal) { p.Block.Header.ReceiptRoot[0]++ }, proofs.ErrRoot},
		{"another receipt size", func(p *types.Proposal) { p.Block.Header.ReceiptSize++ }, proofs.ErrRoot},
		{"another time of execution", func(p *types.Proposal) { p.Block.Header.ExecutedTime++ }, proofs.ErrRoot},
		{"another parent", func(p *types.Proposal) { p.Block.Header.Parent[0]++ }, proofs.ErrLink},
		{"no certificate of the parent", func(p *types.Proposal) { p.Parent = nil }, proofs.ErrLink},
		{"a nullification as the parent's certificate", func(p *types.Proposal) { p.Parent.Kind = proofs.TypeNullify }, proofs.ErrLink},
		{"a nullification of its own view", func(p *types.Proposal) {
			p.Nullifications = []types.Quorum{{Kind: proofs.TypeNullify, View: p.View}}
		}, proofs.ErrNotCanon},
		{"too many nullifications", func(p *types.Proposal) { p.Nullifications = make([]types.Quorum, types.MaxNullifications+1) }, proofs.ErrTooLarge},
		{"a parent view ahead", func(p *types.Proposal) { p.ParentView = p.View }, proofs.ErrLink},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b, voter, good, leader := secondProposal(t)
			bad := copyProposal(good)
			test.change(bad)
			if notarizes(b, voter, leader, bad) {
				t.Fatal("notarizes it")
			}
			var found bool
			for _, err := range b.blames(voter) {
				found = found || test.want != nil && errors.Is(err, test.want)
			}
			if !found && test.want != nil {
				t.Errorf("got blames %v, want %v", b.blames(voter), test.want)
			}
			if test.want == nil && len(b.blames(voter)) > 0 {
				t.Errorf("got blames %v for what an honest leader may send", b.blames(voter))
			}
		})
	}
	b, voter, good, leader := secondProposal(t)
	if !notarizes(b, voter, leader, copyProposal(good)) {
		t.Fatalf("refuses the proposal as it was: %v", b.blames(voter))
	}
}

func TestProposalCountsFromItsLeaderOnly(t *testing.T) {
	b, voter, p, leader := secondProposal(t)
	for i, s := range b.nodes {
		if s.key != leader && i != voter && notarizes(b, voter, s.key, p) {
			t.Fatalf("notarizes a proposal from node %d", i)
		}
	}
	if !notarizes(b, voter, leader, p) {
		t.Error("refuses it from the leader")
	}
}

func TestVoteAfterNullifyIsNotNotarize(t *testing.T) {
	b, voter, p, leader := secondProposal(t)
	b.carAt(voter, 2)
	b.pass(5 * floor)
	b.forget()
	if notarizes(b, voter, leader, p) {
		t.Error("notarizes after it nullified the view")
	}
}

func TestVoteIsRefused(t *testing.T) {
	b := newBench(t, 4)
	from := b.zero.Set.At(1).Node
	good := types.Vote{Kind: proofs.TypeNotarize, View: 1, Header: proofs.Hash{1}, Voter: 1}
	tests := []struct {
		name   string
		change func(v *types.Vote)
		want   error
	}{
		{"another's", func(v *types.Vote) { v.Voter = 2 }, proofs.ErrSigner},
		{"no voter's", func(v *types.Vote) { v.Voter = 1 << 31 }, proofs.ErrSigner},
		{"unknown kind", func(v *types.Vote) { v.Kind = proofs.TypeAct }, proofs.ErrMalformed},
		{"view 0", func(v *types.Vote) { v.View = 0 }, proofs.ErrMalformed},
		{"no header", func(v *types.Vote) { v.Header = proofs.Hash{} }, proofs.ErrMalformed},
		{"nullify with a header", func(v *types.Vote) { v.Kind = proofs.TypeNullify }, proofs.ErrMalformed},
	}
	if out := b.step(0, consensus.VoteIn{From: from, Vote: &good}); len(out.Blames) > 0 {
		t.Fatalf("the vote as it was: %v", out.Blames)
	}
	for _, test := range tests {
		v := good
		test.change(&v)
		out := b.step(0, consensus.VoteIn{From: from, Vote: &v})
		if len(out.Blames) != 1 || !errors.Is(out.Blames[0].Err, test.want) {
			t.Errorf("%s: got %+v, want %v", test.name, out.Blames, test.want)
		}
	}
}

func TestCertificateIsRefused(t *testing.T) {
	b, voter, p, leader := secondProposal(t)
	// The newest finalization, from a restarted machine that lacks it.
	f := b.nodes[voter].finals[len(b.nodes[voter].finals)-1]
	good := types.Quorum{Kind: proofs.TypeFinalize, Epoch: p.Block.Header.Epoch, View: f.Certificate.View,
		ParentView: f.Certificate.ParentView, Header: f.ID, Aggregate: f.Certificate.Quorum}
	tests := []struct {
		name   string
		change func(q *types.Quorum)
		want   error
	}{
		{"another header", func(q *types.Quorum) { q.Header[0]++ }, proofs.ErrSignature},
		{"another view", func(q *types.Quorum) { q.View++ }, proofs.ErrSignature},
		{"another kind", func(q *types.Quorum) { q.Kind = proofs.TypeNotarize }, proofs.ErrSignature},
		{"a signer more", func(q *types.Quorum) { q.Aggregate.Bitmap = []byte{15} }, proofs.ErrSignature},
		{"too few signers", func(q *types.Quorum) { q.Aggregate.Bitmap = []byte{3} }, proofs.ErrQuorum},
		{"a bitmap too long", func(q *types.Quorum) { q.Aggregate.Bitmap = []byte{7, 0} }, proofs.ErrSigner},
		{"a bit beyond the set", func(q *types.Quorum) { q.Aggregate.Bitmap = []byte{1<<4 | 7} }, proofs.ErrSigner},
	}
	s := b.nodes[voter]
	s.records, s.finals, s.results = nil, nil, s.results[:1]
	for _, test := range tests {
		b.boot(voter)
		q := good
		q.Aggregate.Bitmap = append([]byte(nil), good.Aggregate.Bitmap...)
		test.change(&q)
		out := b.step(voter, consensus.QuorumIn{From: leader, Quorum: &q})
		if len(out.Blames) != 1 || !errors.Is(out.Blames[0].Err, test.want) {
			t.Errorf("%s: got %+v, want %v", test.name, out.Blames, test.want)
		}
	}
	b.boot(voter)
	if out := b.step(voter, consensus.QuorumIn{From: leader, Quorum: &good}); len(out.Blames) > 0 || s.m.Status().View != good.View+1 {
		t.Errorf("the certificate as it was: %v, view %d", out.Blames, s.m.Status().View)
	}
}

func TestFinalBlocksAreRefused(t *testing.T) {
	b := newBench(t, 4)
	lost := 3
	b.lose = func(from, to int, _ any) bool { return to == lost || from == lost }
	b.car(1)
	from, good := b.nodes[0].key, b.nodes[0].finals
	tests := []struct {
		name   string
		change func(blocks []types.FinalBlock)
		want   error
	}{
		{"another header", func(f []types.FinalBlock) { f[1].Block.Header.Time++ }, proofs.ErrSignature},
		{"another ancestor", func(f []types.FinalBlock) { f[0].Block.Header.Time++ }, proofs.ErrLink},
		{"another cut", func(f []types.FinalBlock) { f[0].Block.Cut = types.NewCut(4) }, proofs.ErrRoot},
		{"a delta", func(f []types.FinalBlock) { f[0].Block.NextSet.Removed = []proofs.NodeKey{{}} }, proofs.ErrMalformed},
		{"another certificate", func(f []types.FinalBlock) {
			c := *f[1].Certificate
			c.View++
			f[1].Certificate = &c
		}, proofs.ErrSignature},
	}
	for _, test := range tests {
		blocks := append([]types.FinalBlock(nil), good...)
		test.change(blocks)
		out := b.step(lost, consensus.FinalBlocksIn{From: from, Blocks: blocks})
		if len(out.Blames) != 1 || !errors.Is(out.Blames[0].Err, test.want) || len(out.Finals) > 0 {
			t.Errorf("%s: got %+v and %d final blocks, want %v", test.name, out.Blames, len(out.Finals), test.want)
		}
	}
	out := b.step(lost, consensus.FinalBlocksIn{From: from, Blocks: good})
	if len(out.Finals) != len(good) || len(out.Blames) > 0 {
		t.Errorf("the blocks as they were: %d final, %+v", len(out.Finals), out.Blames)
	}
}

func TestStartIsRefused(t *testing.T) {
	b := newBench(t, 4)
	b.car(1)
	s := b.nodes[0]
	good := func() consensus.Start {
		f := s.finals[0]
		return consensus.Start{Anchor: s.anchors[0], LastFinal: &f, Executed: s.results, Records: s.records}
	}
	tests := []struct {
		name   string
		change func(s *consensus.Start)
		want   error
	}{
		{"nothing executed", func(s *consensus.Start) { s.Executed = nil }, proofs.ErrLink},
		{"results that fall", func(s *consensus.Start) { s.Executed = append([]types.Executed{{Height: 9}}, s.Executed...) }, proofs.ErrLink},
		{"a final block of another epoch", func(s *consensus.Start) { s.Anchor.Epoch++ }, proofs.ErrLink},
		{"a final block without certificate", func(s *consensus.Start) { s.LastFinal.Certificate = nil }, proofs.ErrQuorum},
		{"a record cut short", func(s *consensus.Start) { s.Records = [][]byte{s.Records[0][:5]} }, proofs.ErrMalformed},
		{"an unknown record", func(s *consensus.Start) { s.Records = [][]byte{{'?'}} }, proofs.ErrMalformed},
		{"an empty record", func(s *consensus.Start) { s.Records = [][]byte{{}} }, proofs.ErrMalformed},
	}
	if _, err := consensus.New(s.cfg, good()); err != nil {
		t.Fatalf("the start as it was: %v", err)
	}
	for _, test := range tests {
		start := good()
		test.change(&start)
		if _, err := consensus.New(s.cfg, start); !errors.Is(err, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, err, test.want)
		}
	}
}

func TestCombineBlamesByIdentity(t *testing.T) {
	b := newBench(t, 4)
	msg := []byte("a vote")
	var voters []int
	var votes [][bls.VoteSize]byte
	for i := range 4 {
		voters = append(voters, i)
		votes = append(votes, consensus.NewBLS(b.keys[i]).Sign(msg))
	}
	c := consensus.NewBLS(nil)
	agg, bad := c.Combine(b.zero.Set, msg, voters, votes)
	if len(bad) > 0 || c.Verify(b.zero.Set, msg, &agg) != nil {
		t.Fatalf("good votes: got bad %v", bad)
	}
	votes[1] = consensus.NewBLS(b.keys[1]).Sign([]byte("another"))
	if agg, bad = c.Combine(b.zero.Set, msg, voters, votes); len(bad) != 1 || bad[0] != 1 || c.Verify(b.zero.Set, msg, &agg) != nil {
		t.Errorf("one bad signature: got bad %v, want [1] and a certificate of the rest", bad)
	}
	votes[3] = [bls.VoteSize]byte{1}
	if agg, bad = c.Combine(b.zero.Set, msg, voters, votes); len(bad) != 2 || bad[0] != 1 || bad[1] != 3 {
		t.Errorf("one bad signature, one that is no point: got bad %v, want [1 3]", bad)
	}
	if err := c.Verify(b.zero.Set, msg, &agg); !errors.Is(err, proofs.ErrQuorum) {
		t.Errorf("two of four: got %v, want %v", err, proofs.ErrQuorum)
	}
	if _, bad = c.Combine(b.zero.Set, msg, voters[:1], [][bls.VoteSize]byte{{}}); len(bad) != 1 {
		t.Errorf("nothing good: got bad %v, want [0]", bad)
	}
}
