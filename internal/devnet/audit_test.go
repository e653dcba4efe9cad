package devnet

import (
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/proofs"
)

// ledger is two networks' receipt logs, as a light client has read them, of one
// transfer from a to b.
func ledger(t testing.TB) (map[string]*light, []*Sent, []*network) {
	t.Helper()
	networks := twoNetworks(t, t.TempDir())
	lights := make(map[string]*light)
	for _, n := range networks {
		lights[n.name] = newLight(n)
	}
	a, b := lights["a"], lights["b"]
	ref := proofs.EmittedRef{Destination: b.net.zero.ID, Incarnation: 1, Index: 7, ID: proofs.Hash{7}}
	record(a, proofs.Receipt{Kind: proofs.ReceiptExternal, ID: proofs.Hash{1}, Body: proofs.Hash{2}, Emitted: []proofs.EmittedRef{ref}})
	record(b, executed(a, 7))
	began := time.UnixMilli(1000)
	sent := &Sent{Transfer: Transfer{From: "a", To: "b"}, ID: proofs.Hash{1}, Submitted: began, Executed: began.Add(40 * time.Millisecond)}
	return lights, []*Sent{sent}, networks
}

// executed is the receipt of message index of l's network.
func executed(l *light, index uint64) proofs.Receipt {
	return proofs.Receipt{Kind: proofs.ReceiptMessage, ID: proofs.Hash{byte(index)}, Source: l.net.zero.ID, Incarnation: 1, Index: index}
}

func record(l *light, r proofs.Receipt) { l.record(&r) }

func audited(lights map[string]*light, sent []*Sent) *Report {
	r := &Report{Conserved: true}
	r.checkSent(lights, sent)
	r.checkOnce(lights)
	return r
}

func TestAuditOfReceipts(t *testing.T) {
	lights, sent, _ := ledger(t)
	r := audited(lights, sent)
	if !r.Holds() || r.Err() != nil || r.Sent != 1 || r.Delivered != 1 || r.Crossing != (Percentiles{40, 40}) {
		t.Fatalf("got %+v, want it to hold", r)
	}
	for _, c := range []struct {
		name   string
		change func(a, b *light)
		want   string
		holds  func(r *Report) bool
	}{
		{"executed twice", func(a, b *light) { record(b, executed(a, 7)) }, "2 times", func(r *Report) bool { return r.Duplicates == 1 }},
		{"executed twice at the source", func(a, b *light) {
			record(a, proofs.Receipt{Kind: proofs.ReceiptExternal, ID: proofs.Hash{9}, Body: proofs.Hash{2}})
		}, "again", func(r *Report) bool { return r.Duplicates == 1 }},
		{"never executed", func(a, b *light) { clear(b.messages) }, "was not executed", func(r *Report) bool { return r.Delivered == 0 && r.open == 2 }},
		{"never executed at the source", func(a, b *light) { clear(a.external) }, "was not executed", func(r *Report) bool { return r.open == 1 }},
		{"failed", func(a, b *light) { b.receipts[0].Code = proofs.CodeOutOfGas }, "out of gas", func(r *Report) bool { return r.Delivered == 0 }},
		{"failed at the source", func(a, b *light) { a.receipts[0].Code = proofs.CodeInsufficient }, "insufficient", func(r *Report) bool { return r.Delivered == 0 }},
		{"another message", func(a, b *light) { b.receipts[0].ID = proofs.Hash{8} }, "executed message 08", func(r *Report) bool { return true }},
		{"another destination", func(a, b *light) { a.receipts[0].Emitted[0].Destination = a.net.zero.ID }, "emitted", func(r *Report) bool { return true }},
		{"somebody else's, lost", func(a, b *light) {
			ref := proofs.EmittedRef{Destination: b.net.zero.ID, Incarnation: 1, Index: 8}
			record(a, proofs.Receipt{Kind: proofs.ReceiptExternal, ID: proofs.Hash{5}, Body: proofs.Hash{6}, Emitted: []proofs.EmittedRef{ref}})
		}, "message 8 of a was not executed at b", func(r *Report) bool { return r.Delivered == 1 && r.open == 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			lights, sent, _ := ledger(t)
			c.change(lights["a"], lights["b"])
			r := audited(lights, sent)
			if r.Holds() || !strings.Contains(r.Err().Error(), c.want) || !c.holds(r) {
				t.Errorf("got %+v", r)
			}
		})
	}
}

// balanced is two networks' books after a sent 30 to b and b sent 5 of them back.
func balanced(networks []*network) map[string]*book {
	a, b := networks[0], networks[1]
	n := proofs.NewAmount
	issued := func(net *network) proofs.Amount { return net.issued }
	less := func(x proofs.Amount, v uint64) proofs.Amount {
		d, _ := x.Sub(n(v))
		return d
	}
	voucher := proofs.NativeAsset.Abroad(a.zero.ID)
	other := proofs.NativeAsset.Abroad(b.zero.ID)
	return map[string]*book{
		"a": {
			balances: map[proofs.AssetID]proofs.Amount{proofs.NativeAsset: less(issued(a), 35), other: n(0)},
			supply:   map[proofs.AssetID]proofs.Amount{proofs.NativeAsset: less(issued(a), 25), other: n(0)},
			claims:   map[proofs.NetworkID]proofs.Amount{b.zero.ID: n(25)},
			fees:     n(10),
		},
		"b": {
			balances: map[proofs.AssetID]proofs.Amount{proofs.NativeAsset: less(issued(b), 10), voucher: n(25)},
			supply:   map[proofs.AssetID]proofs.Amount{proofs.NativeAsset: issued(b), voucher: n(25)},
			claims:   map[proofs.NetworkID]proofs.Amount{a.zero.ID: n(0)},
			fees:     n(10),
		},
	}
}

func TestAuditOfBooks(t *testing.T) {
	networks := twoNetworks(t, t.TempDir())
	voucher := proofs.NativeAsset.Abroad(networks[0].zero.ID)
	check := func(books map[string]*book) *Report {
		r := new(Report)
		r.checkBooks(networks, books)
		r.checkClaims(networks, books)
		return r
	}
	if r := check(balanced(networks)); len(r.Problems) != 0 {
		t.Fatalf("got %v, want none", r.Problems)
	}
	one := proofs.NewAmount(1)
	for name, change := range map[string]func(a, b *book){
		"a coin from nowhere": func(a, b *book) { a.balances[proofs.NativeAsset] = sum(a.balances[proofs.NativeAsset], one) },
		"fees lost":           func(a, b *book) { a.fees = proofs.Amount{} },
		"supply and balance": func(a, b *book) {
			b.supply[proofs.NativeAsset] = sum(b.supply[proofs.NativeAsset], one)
			b.fees = sum(b.fees, one)
		},
		"a voucher from nowhere": func(a, b *book) { b.balances[voucher] = sum(b.balances[voucher], one) },
		"a voucher too many": func(a, b *book) {
			b.balances[voucher] = sum(b.balances[voucher], one)
			b.supply[voucher] = sum(b.supply[voucher], one)
		},
		"a claim lost": func(a, b *book) { clear(a.claims) },
		"overflow":     func(a, b *book) { a.fees = proofs.Amount{0xff, 0xff} },
	} {
		books := balanced(networks)
		change(books["a"], books["b"])
		if r := check(books); len(r.Problems) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
}

func TestBookOfOddEntries(t *testing.T) {
	networks := twoNetworks(t, t.TempDir())
	assets := []proofs.AssetID{proofs.NativeAsset}
	amount := proofs.NewAmount(3)
	values := map[string][]byte{string(proofs.FeesKey()): amount[:]}
	b, err := read(values, assets, networks[0].holders, networks)
	if err != nil || b.fees != amount {
		t.Fatalf("got %+v, %v", b, err)
	}
	odd := maps.Clone(values)
	odd[string(proofs.FeesKey())] = amount[1:]
	if _, err := read(odd, assets, networks[0].holders, networks); err == nil {
		t.Error("an amount of 15 bytes was taken")
	}
}

func TestPercentile(t *testing.T) {
	var sorted []time.Duration
	if got := percentile(sorted, 50); got != 0 {
		t.Errorf("of nothing: got %d", got)
	}
	for i := range 200 {
		sorted = append(sorted, time.Duration(i+1)*time.Millisecond)
	}
	for p, want := range map[int]int64{1: 2, 50: 100, 99: 198, 100: 200} {
		if got := percentile(sorted, p); got != want {
			t.Errorf("p%d: got %d, want %d", p, got, want)
		}
	}
}
