package execution_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/mesh"
	"github.com/isthmus-network/isthmus/proofs"
)

// TestDeterminism executes the same blocks, adversarial ones among them, on
// several engines, one of which forgets its caches before each block: all states
// have one root.
func TestDeterminism(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := memnet.Parameters("alpha")
		p.BlockMessages = rapid.Uint64Range(1, 20).Draw(t, "budget")
		a := memnet.New(p, 1, funds, alice)
		b := memnet.New(memnet.Parameters("beta"), 1, funds, bob)
		blocks := record(a)
		if err := memnet.Link(a, b); err != nil {
			t.Fatal(err)
		}
		var slices []types.Item
		for range rapid.IntRange(1, 10).Draw(t, "blocks") {
			if rapid.Bool().Draw(t, "emit") {
				if _, err := b.Step(memnet.External(b.Send(bob, a.ID(), alice.Account, proofs.NativeAsset, 3))); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := b.Step(); err != nil {
				t.Fatal(err)
			}
			a.Time = max(a.Time, b.Time)
			slices = append(slices, memnet.SliceItem(b.Slice(a.ID(), 0, 100)))
			var items []types.Item
			for range rapid.IntRange(0, 8).Draw(t, "items") {
				items = append(items, draw(t, a, b, slices))
			}
			block := a.Block(items...)
			for i := range block.Items {
				block.Items[i].Lane = uint32(rapid.IntRange(0, 9).Draw(t, "lane"))
			}
			if _, err := a.Run(block); err != nil {
				t.Fatal(err)
			}
		}
		st := memstate.New(a.Genesis)
		for _, block := range *blocks {
			engine := execution.New(a.Zero, mesh.New(a.Zero))
			if _, err := engine.Execute(st, block); err != nil {
				t.Fatal(err)
			}
		}
		if st.Root() != a.State.Root() {
			t.Fatal("the states differ")
		}
	})
}

// record keeps the blocks that a network executes.
func record(n *memnet.Network) *[]*execution.Block {
	var blocks []*execution.Block
	n.Observe = func(b *execution.Block) { blocks = append(blocks, b) }
	return &blocks
}

func draw(t *rapid.T, a, b *memnet.Network, slices []types.Item) types.Item {
	to := rapid.SampledFrom([]proofs.NetworkID{a.ID(), b.ID()}).Draw(t, "to")
	it := rapid.SampledFrom([]func() types.Item{
		func() types.Item { return memnet.External(a.Send(alice, to, bob.Account, proofs.NativeAsset, 7)) },
		func() types.Item {
			return memnet.External(a.Send(alice, to, proofs.AccountID{}, proofs.NativeAsset, 7))
		},
		func() types.Item { return memnet.ZeroItem(b) },
		func() types.Item { return memnet.ActItem(a.Act(types.ActPause, b.ID())) },
		func() types.Item { return memnet.ActItem(a.Act(types.ActResume, b.ID())) },
		func() types.Item {
			it := slices[rapid.IntRange(0, len(slices)-1).Draw(t, "slice")]
			it.Data = bytes.Clone(it.Data)
			return it
		},
	}).Draw(t, "kind")()
	if rapid.IntRange(0, 4).Draw(t, "spoil") == 0 {
		it.Data[rapid.IntRange(0, len(it.Data)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
	}
	return it
}
