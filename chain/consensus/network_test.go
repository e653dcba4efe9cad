package consensus_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/isthmus-network/isthmus/chain/consensus"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
)

const (
	zeroTime  = 1_000_000
	floor     = 100   // ms
	heartbeat = 5_000 // ms
	drift     = 300   // ms
	epochTime = 60_000
	maxLag    = 4
)

// bench is a network of machines without a network: the test carries every message
// by hand, and time stands still unless the test moves it.
type bench struct {
	t     *testing.T
	zero  *proofs.Zero
	keys  []*bls.SecretKey
	now   uint64
	nodes []*station
	// next is the set that execution names in every result, as governance chose it; nil is
	// the zero-state's.
	next func() *proofs.ValidatorSet
	// lose drops a message if it reports true.
	lose func(from, to int, msg any) bool
}

// station is one machine and what its driver keeps.
type station struct {
	m       *consensus.Machine
	cfg     consensus.Config
	key     proofs.NodeKey
	records [][]byte
	votes   []consensus.SlotEntry
	finals  []types.FinalBlock
	anchors []consensus.Anchor
	results []types.Executed
	outs    []consensus.Output // all outputs
	inbox   []func()
	paused  bool // execution stands still
	deaf    bool // no holds are answered
}

func newBench(t *testing.T, n int) *bench {
	t.Helper()
	b := &bench{t: t, now: zeroTime + 1000}
	type owner struct {
		key    *bls.SecretKey
		member proofs.Validator
	}
	var owners []owner
	for i := range n {
		seed := sha256.Sum256([]byte{byte(i), 'c'})
		key, err := bls.GenerateKey(bytes.NewReader(seed[:]))
		must(t, err)
		node := proofs.NodeKey(seed)
		owners = append(owners, owner{key, proofs.Validator{Node: node, Key: key.PublicKey().Bytes(), Weight: 1, Possession: key.ProvePossession(node)}})
	}
	slices.SortFunc(owners, func(a, b owner) int { return bytes.Compare(a.member.Node[:], b.member.Node[:]) })
	z := proofs.ZeroHeader{Version: proofs.Version, Time: zeroTime, StateRoot: proofs.Hash{9}, Parameters: proofs.Parameters{
		Name: "bench", Symbol: "B", EpochDuration: epochTime, TrustPeriod: 1 << 40, MaxClockDrift: drift, Heartbeat: heartbeat,
		ViewTimeout: floor, MaxLag: maxLag, ExpiryWindow: 60, MessageLifetime: 60_000, BlockMessages: 1, BlockGas: 1, LinkWindow: 1,
		ThresholdNum: 2, ThresholdDen: 3,
	}}
	for _, o := range owners {
		z.Validators = append(z.Validators, o.member)
		b.keys = append(b.keys, o.key)
	}
	zero, err := z.Check()
	must(t, err)
	b.zero = zero
	for i := range n {
		b.add(i)
	}
	return b
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *bench) add(i int) {
	anchor, err := consensus.ZeroAnchor(b.zero)
	must(b.t, err)
	executed, err := consensus.ZeroExecuted(b.zero)
	must(b.t, err)
	s := &station{key: b.zero.Set.At(i).Node, anchors: []consensus.Anchor{anchor}, results: []types.Executed{executed}}
	s.cfg = consensus.Config{Zero: b.zero, Node: s.key, Crypto: consensus.NewBLS(b.keys[i])}
	b.nodes = append(b.nodes, s)
	b.boot(i)
}

// boot starts or restarts node i from what it stored.
func (b *bench) boot(i int) {
	b.t.Helper()
	s := b.nodes[i]
	start := consensus.Start{Anchor: s.anchors[len(s.anchors)-1], Executed: s.results, Records: s.records}
	if len(s.finals) > 0 {
		start.LastFinal = &s.finals[len(s.finals)-1]
	}
	m, err := consensus.New(s.cfg, start)
	must(b.t, err)
	s.m, s.inbox = m, nil
}

// step gives node i an input and carries out what it answers; messages wait in the
// inboxes.
func (b *bench) step(i int, in consensus.Input) consensus.Output {
	s := b.nodes[i]
	out := s.m.Step(b.now, in)
	s.outs = append(s.outs, out)
	if out.Checkpoint {
		s.records = nil
	}
	s.records = append(s.records, out.Records...)
	s.votes = append(s.votes, out.Votes...)
	s.anchors = append(s.anchors, out.NewEpochs...)
	s.finals = append(s.finals, out.Finals...)
	for _, send := range out.Sends {
		for j, to := range b.nodes {
			if j != i && (send.All || to.key == send.To) && (b.lose == nil || !b.lose(i, j, send.Msg)) {
				msg := send.Msg
				to.inbox = append(to.inbox, func() { b.step(j, input(s.key, msg)) })
			}
		}
	}
	for _, h := range out.Holds {
		if !s.deaf {
			s.inbox = append(s.inbox, func() { b.step(i, consensus.HeldIn{ID: h.ID}) })
		}
	}
	if len(out.Finals) > 0 {
		s.inbox = append(s.inbox, func() { b.execute(i) })
	}
	for _, f := range out.Fetches {
		b.fetch(i, f)
	}
	return out
}

func input(from proofs.NodeKey, msg any) consensus.Input {
	switch msg := msg.(type) {
	case *types.Proposal:
		return consensus.ProposalIn{From: from, Proposal: msg}
	case *types.Vote:
		return consensus.VoteIn{From: from, Vote: msg}
	}
	return consensus.QuorumIn{From: from, Quorum: msg.(*types.Quorum)}
}

// fetch asks the first node named.
func (b *bench) fetch(i int, f consensus.Fetch) {
	for j, to := range b.nodes {
		if len(f.To) == 0 || to.key != f.To[0] || b.lose != nil && b.lose(i, j, f) {
			continue
		}
		b.nodes[i].inbox = append(b.nodes[i].inbox, func() {
			if f.ID != (proofs.Hash{}) {
				if block, ok := to.m.Block(f.ID); ok {
					b.step(i, consensus.BlockIn{From: to.key, Block: block})
				}
				return
			}
			if f.FromHeight <= uint64(len(to.finals)) {
				b.step(i, consensus.FinalBlocksIn{From: to.key, Blocks: to.finals[f.FromHeight-1:]})
			}
		})
	}
}

// execute executes what is final: the state root is a hash of what was ordered.
func (b *bench) execute(i int) {
	s := b.nodes[i]
	for !s.paused && len(s.results) <= len(s.finals) {
		f, last := &s.finals[len(s.results)-1], s.results[len(s.results)-1]
		parent := types.NewCut(len(f.Block.Cut.Tips))
		if n := len(s.results) - 1; n > 0 && s.finals[n-1].Block.Header.Epoch == f.Block.Header.Epoch {
			parent = s.finals[n-1].Block.Cut
		}
		e := last
		if b.next != nil {
			e.NextSet = b.next()
		}
		e.Height, e.Time, e.OutboundRoot = f.Block.Header.Height, f.Block.Header.Time, proofs.Hash{1, byte(f.Block.Header.Time)}
		if !f.Block.Cut.Same(&parent) {
			e.StateRoot = sha256.Sum256(append(last.StateRoot[:], f.Block.Header.CutRoot[:]...))
		}
		s.results = append(s.results, e)
		b.step(i, consensus.ExecutedIn{Executed: e})
	}
}

// run delivers everything until all inboxes are empty.
func (b *bench) run() {
	for busy := true; busy; {
		busy = false
		for _, s := range b.nodes {
			if len(s.inbox) > 0 {
				next := s.inbox[0]
				s.inbox = s.inbox[1:]
				next()
				busy = true
			}
		}
	}
}

// pass lets time pass, waking every machine each 10 ms.
func (b *bench) pass(ms uint64) {
	for end := b.now + ms; b.now < end; {
		b.now += 10
		for i := range b.nodes {
			b.step(i, consensus.TickIn{})
		}
		b.run()
	}
}

// car gives every node a car of lane 0 in the present epoch.
func (b *bench) car(height uint64) {
	for i := range b.nodes {
		b.carAt(i, height)
	}
	b.run()
}

func (b *bench) carAt(i int, height uint64) {
	set := b.nodes[i].m.Status()
	anchors := b.nodes[i].anchors
	tips := make([]consensus.LaneTip, anchors[len(anchors)-1].Set.Len())
	tips[0].Held = types.Tip{Height: height, Digest: proofs.Hash{byte(height), byte(set.Epoch), 7}}
	b.step(i, consensus.TipsIn{Epoch: set.Epoch, Tips: tips})
}

// leader returns the place of the leader of node 0's view.
func (b *bench) leader() int {
	i, _ := b.zero.Set.IndexOf(b.nodes[0].m.Status().Leader)
	return i
}

// sent lists the messages of one type that node i sent to all.
func sent[T any](b *bench, i int) (msgs []T) {
	for _, out := range b.nodes[i].outs {
		for _, s := range out.Sends {
			if m, ok := s.Msg.(T); ok && s.All {
				msgs = append(msgs, m)
			}
		}
	}
	return msgs
}

// forget drops the outputs seen so far.
func (b *bench) forget() {
	for _, s := range b.nodes {
		s.outs = nil
	}
}

func (b *bench) blames(i int) (errs []error) {
	for _, out := range b.nodes[i].outs {
		for _, bl := range out.Blames {
			errs = append(errs, bl.Err)
		}
	}
	return errs
}

func (b *bench) wantHeight(height uint64) {
	b.t.Helper()
	for i, s := range b.nodes {
		if got := s.m.Status().Height; got != height {
			b.t.Errorf("node %d: got final height %d, want %d", i, got, height)
		}
	}
}
