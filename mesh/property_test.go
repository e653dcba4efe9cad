package mesh_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/proofs"
)

// crossing is a random history of two linked networks. What each block must keep
// is checked by memnet after every step: nothing is made or lost.
type crossing struct {
	t      *rapid.T
	nets   [2]*memnet.Network
	users  [2]memnet.User
	slices [2][]types.Item // every slice ever made of each network's queue
	blocks [2][]execution.Block
	seen   [2]map[[2]uint64]int // executions of each message, at the other side
}

func (c *crossing) step(side int, items ...types.Item) {
	b := c.nets[side].Block(items...)
	for i := range b.Items {
		b.Items[i].Lane = uint32(rapid.IntRange(0, 3).Draw(c.t, "lane"))
	}
	res, err := c.nets[side].Run(b)
	if err != nil {
		c.t.Fatal(err)
	}
	c.blocks[side] = append(c.blocks[side], *b)
	for _, rc := range res.Receipts {
		if rc.Kind == proofs.ReceiptMessage && rc.Incarnation > 0 {
			place := [2]uint64{rc.Incarnation, rc.Index}
			if c.seen[side][place]++; c.seen[side][place] > 1 {
				c.t.Fatalf("message %v executed twice", place)
			}
		}
	}
	for _, charge := range res.Charges {
		if charge.Reason == execution.ChargePeer {
			c.t.Fatalf("an honest lane is blamed: %+v", res.Notes)
		}
	}
}

func (c *crossing) send(side int) {
	n, other := c.nets[side], c.nets[1-side]
	asset := rapid.SampledFrom([]proofs.AssetID{proofs.NativeAsset, proofs.NativeAsset.Abroad(other.ID())}).Draw(c.t, "asset")
	to := rapid.SampledFrom([]proofs.NetworkID{n.ID(), other.ID(), {9}}).Draw(c.t, "network")
	who := rapid.SampledFrom([]proofs.AccountID{c.users[0].Account, c.users[1].Account, {}}).Draw(c.t, "recipient")
	x := n.Send(c.users[side], to, who, asset, rapid.Uint64Range(1, 400_000).Draw(c.t, "amount"))
	x.Transfer.Gas = rapid.SampledFrom([]uint64{0, 1000, 5000}).Draw(c.t, "gas")
	if rapid.Bool().Draw(c.t, "hurried") {
		x.Transfer.Deadline = n.Time + rapid.Uint64Range(0, 8000).Draw(c.t, "life")
	}
	x.Sign(c.users[side].Key)
	c.step(side, memnet.External(x))
}

// carry shows one side a slice of the other: a new one, or any old one.
func (c *crossing) carry(side int) {
	n, from := c.nets[side], c.nets[1-side]
	if rapid.IntRange(0, 2).Draw(c.t, "old") == 0 && len(c.slices[1-side]) > 0 {
		c.step(side, rapid.SampledFrom(c.slices[1-side]).Draw(c.t, "slice"))
		return
	}
	c.step(1 - side)
	n.Time = max(n.Time, from.Time)
	height := from.Height - rapid.Uint64Range(0, min(3, from.Height-1)).Draw(c.t, "behind")
	if from.Headers[height].Header.Executed < 5 {
		return // before the link
	}
	end := from.SliceAt(height, n.ID(), 0, 0).Proof.Head.End
	start := rapid.Uint64Range(0, end).Draw(c.t, "start")
	s := memnet.SliceItem(from.SliceAt(height, n.ID(), start, rapid.Uint64Range(0, 20).Draw(c.t, "count")))
	c.slices[1-side] = append(c.slices[1-side], s)
	c.step(side, s)
}

func TestValueIsConserved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := &crossing{t: t, users: [2]memnet.User{alice, bob}, seen: [2]map[[2]uint64]int{{}, {}}}
		c.nets[0] = memnet.New(memnet.Parameters("alpha"), 1, funds, alice)
		c.nets[1] = memnet.New(memnet.Parameters("beta"), 1, funds, bob)
		if err := memnet.Link(c.nets[0], c.nets[1]); err != nil {
			t.Fatal(err)
		}
		for range rapid.IntRange(5, 40).Draw(t, "steps") {
			side := rapid.IntRange(0, 1).Draw(t, "side")
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				c.send(side)
			case 1:
				c.carry(side)
			case 2:
				c.step(side)
			}
		}
		for range 3 {
			if err := memnet.Exchange(c.nets[0], c.nets[1]); err != nil {
				t.Fatal(err)
			}
		}
		for side, n := range c.nets {
			for _, h := range n.Heads() {
				if h.Begin != h.End || h.Acked != h.Settled || len(h.Outcomes) != 0 {
					t.Fatalf("network %d is not at rest: %+v", side, h)
				}
			}
			// What is claimed here circulates there.
			other := c.nets[1-side]
			var claim proofs.Amount
			if v, ok, _ := n.State.Get(proofs.ClaimKey(other.ID(), proofs.NativeAsset)); ok {
				claim = proofs.Amount(v)
			}
			abroad, err := execution.Supply(other.State, proofs.NativeAsset.Abroad(n.ID()))
			if err != nil || claim != abroad {
				t.Fatalf("network %d: claimed %s, abroad %s (%v)", side, claim, abroad, err)
			}
		}
	})
}
