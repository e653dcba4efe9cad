package execution_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/isthmus-network/isthmus/chain/execution"
	"github.com/isthmus-network/isthmus/chain/types"
	"github.com/isthmus-network/isthmus/internal/memstate"
	"github.com/isthmus-network/isthmus/internal/memstate/memnet"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

const funds = 1_000_000

var alice, bob = memnet.NewUser("alice"), memnet.NewUser("bob")

func network(t *testing.T, change func(*proofs.Parameters)) *memnet.Network {
	t.Helper()
	p := memnet.Parameters("alpha")
	if change != nil {
		change(&p)
	}
	return memnet.New(p, 1, funds, alice, bob)
}

func step(t *testing.T, n *memnet.Network, items ...types.Item) *execution.Result {
	t.Helper()
	res, err := n.Step(items...)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// pay is alice's transfer to bob at home, changed and signed.
func pay(n *memnet.Network, amount uint64, change func(*types.External)) types.Item {
	x := n.Send(alice, n.ID(), bob.Account, proofs.NativeAsset, amount)
	if change != nil {
		change(&x)
		x.Sign(alice.Key)
	}
	return memnet.External(x)
}

func balance(t *testing.T, n *memnet.Network, u memnet.User, want uint64) {
	t.Helper()
	if got := n.Balance(u.Account, proofs.NativeAsset); got != want {
		t.Fatalf("balance: got %d, want %d", got, want)
	}
}

func TestTransferAtHome(t *testing.T) {
	n := network(t, nil)
	it := pay(n, 700, func(x *types.External) { x.Transfer.Memo = "rent" })
	res := step(t, n, it)
	if len(res.Receipts) != 2 || res.Messages != 2 || res.Gas != 2*execution.GasTransfer || res.Waiting != 0 {
		t.Fatalf("result %+v", res)
	}
	x, m := res.Receipts[0], res.Receipts[1]
	fee := 10 + uint64(len(it.Data)) + execution.GasTransfer
	if x.Code != proofs.CodeOK || memnet.Small(x.Fee) != fee || x.Emitted[0].ID != m.ID || m.Code != proofs.CodeOK {
		t.Fatalf("receipts %+v", res.Receipts)
	}
	balance(t, n, alice, funds-700-fee)
	balance(t, n, bob, funds+700)
	for i, rc := range res.Receipts {
		place, ok := n.State.Index(execution.ReceiptIndexKey(rc.ID))
		if !ok || binary.BigEndian.Uint64(place) != res.FirstReceipt+uint64(i) {
			t.Fatalf("receipt %d is not found by its id", i)
		}
		if n.State.Leaves(execution.ReceiptLog)[i] != rc.Leaf(n.ID()) {
			t.Fatalf("receipt %d is not in the log", i)
		}
	}
	if _, ok := n.State.Index(execution.MessageIndexKey(n.ID(), 0, 0)); !ok {
		t.Fatal("message is not found by its place")
	}
	if place, ok := n.State.Index(execution.EmittedIndexKey(n.ID(), 0, 0)); !ok || binary.BigEndian.Uint64(place) != 0 {
		t.Fatal("message is not found by what emitted it")
	}
}

func TestExternalsThatAreNotExecuted(t *testing.T) {
	for name, c := range map[string]struct {
		want   execution.ChargeReason
		change func(n *memnet.Network, it *types.Item)
	}{
		"bytes": {execution.ChargeMalformed, func(_ *memnet.Network, it *types.Item) { it.Data = it.Data[1:] }},
		"kind":  {execution.ChargeMalformed, func(_ *memnet.Network, it *types.Item) { it.Kind = 99 }},
		"signature": {execution.ChargeSignature, func(n *memnet.Network, it *types.Item) {
			x, _ := types.DecodeExternal(it.Data)
			x.Transfer.Amount = proofs.NewAmount(9)
			it.Data = x.MarshalCanoto()
		}},
		"network": {execution.ChargeMalformed, func(n *memnet.Network, it *types.Item) {
			*it = pay(n, 5, func(x *types.External) { x.Network = proofs.NetworkID{1} })
		}},
		"expired": {execution.ChargeExpiry, func(n *memnet.Network, it *types.Item) {
			*it = pay(n, 5, func(x *types.External) { x.Expiry = (n.Time + 1000) / 1000 })
		}},
		"too far": {execution.ChargeExpiry, func(n *memnet.Network, it *types.Item) {
			*it = pay(n, 5, func(x *types.External) { x.Expiry = (n.Time+1000)/1000 + 121 })
		}},
		"no value": {execution.ChargeMalformed, func(n *memnet.Network, it *types.Item) {
			*it = pay(n, 0, nil)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			n := network(t, nil)
			it := pay(n, 5, nil)
			bad := it
			c.change(n, &bad)
			root := n.State.Root()
			res := step(t, n, bad)
			if len(res.Charges) != 1 || res.Charges[0].Reason != c.want || len(res.Receipts) != 0 || n.State.Root() != root {
				t.Fatalf("charges %+v, receipts %+v", res.Charges, res.Receipts)
			}
			if res := step(t, n, it); len(res.Receipts) != 2 {
				t.Fatalf("untouched: %+v", res)
			}
		})
	}
}

func TestDuplicatesAreJudgedOnTheBody(t *testing.T) {
	n := network(t, nil)
	x := n.Send(alice, n.ID(), bob.Account, proofs.NativeAsset, 50)
	it := memnet.External(x)
	res := step(t, n, it, it)
	if len(res.Charges) != 1 || res.Charges[0] != (execution.Charge{Item: 1, Reason: execution.ChargeDuplicate}) {
		t.Fatalf("charges %+v", res.Charges)
	}
	if res := step(t, n, it); len(res.Charges) != 1 {
		t.Fatalf("charges %+v", res.Charges)
	}
	balance(t, n, bob, funds+50)
	done, err := execution.Executed(n.State, x.Expiry, x.Body())
	if err != nil || !done {
		t.Fatalf("executed: %t, %v", done, err)
	}
	// Its second passes: the bucket closes, and the message is too late for ever.
	n.Time = x.Expiry * 1000
	if res := step(t, n, it); len(res.Charges) != 1 || res.Charges[0].Reason != execution.ChargeExpiry {
		t.Fatalf("charges %+v", res.Charges)
	}
	body := x.Body()
	if got := n.State.Leaves(execution.BucketLog(x.Expiry)); !slices.Equal(got, []merkle.Hash{merkle.LeafHash(body[:])}) {
		t.Fatalf("closed bucket %x", got)
	}
	root := n.State.Root()
	step(t, n)
	if n.State.Root() != root {
		t.Fatal("an empty block changed the state")
	}
}

func TestClosedBucketsAreSorted(t *testing.T) {
	n := network(t, nil)
	var items []types.Item
	expiry := n.Time/1000 + 30
	for i := range 20 {
		items = append(items, pay(n, uint64(i+1), func(x *types.External) { x.Expiry = expiry + uint64(i%2) }))
	}
	step(t, n, items...)
	n.Time = (expiry + 1) * 1000
	step(t, n)
	for _, second := range []uint64{expiry, expiry + 1} {
		info, err := n.State.LogInfo(execution.BucketLog(second))
		if err != nil || info.End() != 10 {
			t.Fatalf("bucket of %d entries, %v", info.End(), err)
		}
		var last []byte
		for i := range info.End() {
			e, err := n.State.LogEntry(execution.BucketLog(second), i)
			if err != nil || bytes.Compare(last, e) >= 0 {
				t.Fatalf("entry %d: not sorted (%v)", i, err)
			}
			last = e
		}
	}
}

func TestFeesAndFailures(t *testing.T) {
	n := network(t, nil)
	for name, c := range map[string]struct {
		code   proofs.Code
		change func(*types.External)
		fee    func(home uint64) uint64
	}{
		"more than there is":      {proofs.CodeInsufficient, func(x *types.External) { x.Transfer.Amount = proofs.NewAmount(2 * funds) }, nil},
		"an asset not owned":      {proofs.CodeInsufficient, func(x *types.External) { x.Transfer.Asset = proofs.NewAssetID(proofs.NetworkID{1}, proofs.Hash{}) }, nil},
		"more than allowed":       {proofs.CodeInsufficient, func(x *types.External) { x.MaxFee = proofs.NewAmount(100) }, func(uint64) uint64 { return 100 }},
		"stranger":                {proofs.CodeUnknownPeer, func(x *types.External) { x.Transfer.Network = proofs.NetworkID{3} }, nil},
		"zero network":            {proofs.CodeUnknownPeer, func(x *types.External) { x.Transfer.Network = proofs.HomeNetwork }, nil},
		"gas beyond all balances": {proofs.CodeUnknownPeer, func(x *types.External) { x.Transfer.Network, x.Transfer.Gas = proofs.NetworkID{3}, ^uint64(0) }, nil},
	} {
		before := n.Balance(alice.Account, proofs.NativeAsset)
		it := pay(n, 10, c.change)
		res := step(t, n, it)
		if len(res.Receipts) != 1 || res.Receipts[0].Code != c.code || len(res.Receipts[0].Emitted) != 0 {
			t.Fatalf("%s: receipts %+v", name, res.Receipts)
		}
		want := 10 + uint64(len(it.Data)) + execution.GasTransfer
		if c.fee != nil {
			want = c.fee(want)
		}
		if memnet.Small(res.Receipts[0].Fee) != want {
			t.Fatalf("%s: fee %s, want %d", name, res.Receipts[0].Fee, want)
		}
		balance(t, n, alice, before-want)
	}
	if res := step(t, n, pay(n, 10, func(x *types.External) { x.MaxFee = proofs.NewAmount(5000) })); res.Receipts[0].Code != proofs.CodeOK {
		t.Fatalf("untouched: %+v", res.Receipts)
	}
}

func TestAPoorSenderPaysWhatItHas(t *testing.T) {
	n := network(t, nil)
	carol := memnet.NewUser("carol")
	step(t, n, pay(n, 70, func(x *types.External) { x.Transfer.Recipient = carol.Account }))
	x := n.Send(carol, n.ID(), bob.Account, proofs.NativeAsset, 1)
	res := step(t, n, memnet.External(x))
	if rc := res.Receipts[0]; rc.Code != proofs.CodeInsufficient || memnet.Small(rc.Fee) != 70 {
		t.Fatalf("receipt %+v", rc)
	}
	hs, err := execution.Balances(n.State, carol.Account, proofs.AssetID{}, 10)
	if err != nil || len(hs) != 0 {
		t.Fatalf("holdings %v, %v", hs, err)
	}
}

func TestLocalFailuresComeBackOnce(t *testing.T) {
	for name, change := range map[string]func(*types.External){
		"no recipient": func(x *types.External) { x.Transfer.Recipient = proofs.AccountID{} },
		"deadline":     func(x *types.External) { x.Transfer.Deadline = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			n := network(t, nil)
			res := step(t, n, pay(n, 300, change))
			if len(res.Receipts) != 3 || res.Receipts[1].Code == proofs.CodeOK || res.Receipts[2].Code != proofs.CodeOK ||
				res.Receipts[1].Emitted[0].ID != res.Receipts[2].ID {
				t.Fatalf("receipts %+v", res.Receipts)
			}
			balance(t, n, alice, funds-memnet.Small(res.Receipts[0].Fee))
		})
	}
}

func TestHugeMemoIsRefusedBeforeItCosts(t *testing.T) {
	n := network(t, nil)
	res := step(t, n, pay(n, 1, func(x *types.External) { x.Transfer.Memo = strings.Repeat("x", proofs.MaxMemo+1) }))
	if len(res.Charges) != 1 || res.Charges[0].Reason != execution.ChargeMalformed {
		t.Fatalf("charges %+v", res.Charges)
	}
}

func TestLocalQueueWaitsForBudget(t *testing.T) {
	n := network(t, func(p *proofs.Parameters) { p.BlockMessages = 10 })
	var items []types.Item
	for range 25 {
		items = append(items, pay(n, 1, nil))
	}
	res := step(t, n, items...)
	if len(res.Receipts) != 25 || res.Waiting != 25 {
		t.Fatalf("%d receipts, %d waiting", len(res.Receipts), res.Waiting)
	}
	for _, want := range []uint64{15, 5, 0, 0} {
		if res = step(t, n); res.Waiting != want || res.Messages > 10 {
			t.Fatalf("%d waiting after %d, want %d", res.Waiting, res.Messages, want)
		}
	}
	balance(t, n, bob, funds+25)
}

func TestGasBudget(t *testing.T) {
	for _, gas := range []uint64{1, 2 * execution.GasTransfer} {
		n := network(t, func(p *proofs.Parameters) { p.BlockGas = gas })
		if res := step(t, n, pay(n, 1, nil), pay(n, 1, nil)); res.Waiting != 2 {
			t.Fatalf("%d waiting", res.Waiting)
		}
		step(t, n)
		step(t, n)
		balance(t, n, bob, funds+2)
	}
}

// Griefing: one peer's flood does not keep another's messages, or local ones, out
// of a block.
func TestInboundTurnsAreFair(t *testing.T) {
	small := memnet.Parameters("home")
	small.BlockMessages = 40
	home := memnet.New(small, 1, funds, alice)
	var peers []*memnet.Network
	for _, name := range []string{"one", "two"} {
		p := memnet.New(memnet.Parameters(name), 1, funds, bob)
		if err := memnet.Link(home, p); err != nil {
			t.Fatal(err)
		}
		peers = append(peers, p)
	}
	for i, count := range []int{200, 10} {
		var items []types.Item
		for range count {
			items = append(items, memnet.External(peers[i].Send(bob, home.ID(), bob.Account, proofs.NativeAsset, 1)))
		}
		step(t, peers[i], items...)
		step(t, peers[i])
		home.Time = max(home.Time, peers[i].Time)
	}
	var items []types.Item
	for range 60 {
		items = append(items, memnet.External(home.Send(alice, home.ID(), bob.Account, proofs.NativeAsset, 1)))
	}
	step(t, home, items...) // they wait
	res := step(t, home, memnet.SliceItem(peers[0].Slice(home.ID(), 0, 1000)), memnet.SliceItem(peers[1].Slice(home.ID(), 0, 1000)))
	from := make(map[proofs.NetworkID]int)
	for _, rc := range res.Receipts {
		from[rc.Source]++
	}
	if from[peers[1].ID()] != 10 || from[peers[0].ID()] != 10 || from[home.ID()] != 20 {
		t.Fatalf("from one %d, from two %d, local %d", from[peers[0].ID()], from[peers[1].ID()], from[home.ID()])
	}
}

func TestGenesis(t *testing.T) {
	v := memnet.NewValidators("alpha", 2)
	one := execution.Allocation{Account: alice.Account, Amount: proofs.NewAmount(1)}
	if _, err := execution.Genesis([]execution.Allocation{one}, v.Set); err != nil {
		t.Fatal(err)
	}
	var top proofs.Amount
	for i := range top {
		top[i] = 0xff
	}
	for name, as := range map[string][]execution.Allocation{
		"twice":    {one, one},
		"nobody":   {{Amount: proofs.NewAmount(1)}},
		"nothing":  {{Account: alice.Account}},
		"overflow": {one, {Account: bob.Account, Amount: top}},
	} {
		if _, err := execution.Genesis(as, v.Set); !errors.Is(err, execution.ErrGenesis) {
			t.Fatalf("%s: %v", name, err)
		}
	}
	kvs, _ := execution.Genesis([]execution.Allocation{one}, v.Set)
	if last := kvs[len(kvs)-1]; string(last.Key) != "validators" || len(last.Value) != 4+v.Set.Len()*(32+96+8+48) {
		t.Fatalf("validators: %q, %d bytes", last.Key, len(last.Value))
	}
	if !slices.IsSortedFunc(kvs, func(a, b merkle.KV) int { return bytes.Compare(a.Key, b.Key) }) {
		t.Fatal("not sorted")
	}
}

func TestBalancesInPages(t *testing.T) {
	st := memstate.New(nil)
	for i := range 5 {
		v := proofs.NewAmount(uint64(i + 1))
		st.Set(proofs.BalanceKey(alice.Account, proofs.NewAssetID(proofs.NetworkID{byte(i)}, proofs.Hash{})), v[:])
	}
	page, err := execution.Balances(st, alice.Account, proofs.AssetID{}, 3)
	if err != nil || len(page) != 3 || page[2].Asset.Origin() != (proofs.NetworkID{2}) {
		t.Fatalf("page %v, %v", page, err)
	}
	page, err = execution.Balances(st, alice.Account, page[2].Asset, 10)
	if err != nil || len(page) != 3 || memnet.Small(page[2].Amount) != 5 {
		t.Fatalf("page %v, %v", page, err)
	}
}
