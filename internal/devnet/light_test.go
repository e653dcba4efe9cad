package devnet

import (
	"errors"
	"testing"
	"time"

	"github.com/isthmus-network/isthmus/bootstrap"
	"github.com/isthmus-network/isthmus/chain/api"
	"github.com/isthmus-network/isthmus/proofs"
	"github.com/isthmus-network/isthmus/proofs/bls"
	"github.com/isthmus-network/isthmus/proofs/merkle"
)

// certify signs a header with the keys of the validators in a network's folder.
func certify(t testing.TB, net *network, signers int, h proofs.Header) proofs.CertifiedHeader {
	t.Helper()
	vote := proofs.Vote{Kind: proofs.TypeFinalize, Epoch: h.Epoch, SetHash: h.SetHash, View: 1, Header: h.ID()}
	bitmap := proofs.NewBitmap(net.zero.Set.Len())
	var votes []bls.Point
	for i, n := range net.nodes[:signers] {
		keys, err := bootstrap.LoadKeys(n.dir)
		if err != nil {
			t.Fatal(err)
		}
		raw := keys.BLS.Sign(vote.SigningBytes(net.zero.ID))
		p, err := bls.ParseVote(raw[:])
		if err != nil {
			t.Fatal(err)
		}
		votes = append(votes, p)
		proofs.SetBit(bitmap, i)
	}
	sig, err := bls.Aggregate(votes)
	if err != nil {
		t.Fatal(err)
	}
	return proofs.CertifiedHeader{
		Header:      h,
		Certificate: proofs.Certificate{View: 1, Quorum: proofs.Aggregate{Bitmap: bitmap, Signature: sig.Bytes()}},
	}
}

// header is a header of the first epoch with those receipts below it.
func header(net *network, height uint64, receipts []proofs.Receipt) proofs.Header {
	var leaves []proofs.Hash
	for i := range receipts {
		leaves = append(leaves, receipts[i].Leaf(net.zero.ID))
	}
	return proofs.Header{
		Version: proofs.Version, Network: net.zero.ID, SetHash: net.zero.Set.Hash(), Height: height,
		Time: uint64(time.Now().UnixMilli()), Executed: height - 1, ExecutedTime: net.zero.Time,
		StateRoot: proofs.Hash{1}, OutboundRoot: proofs.Hash{2}, ReceiptRoot: merkle.Root(leaves), ReceiptSize: uint64(len(receipts)),
	}
}

// rangeOf is the compact range of leaves [0, n) of receipts.
func rangeOf(t testing.TB, net *network, receipts []proofs.Receipt, from, to int) []proofs.Hash {
	t.Helper()
	r := merkle.NewRange(uint64(from))
	for i := from; i < to; i++ {
		if err := r.Append(receipts[i].Leaf(net.zero.ID), nil); err != nil {
			t.Fatal(err)
		}
	}
	return r.Nodes()
}

func TestLightReadsTheReceiptLog(t *testing.T) {
	net := twoNetworks(t, t.TempDir())[0]
	var receipts []proofs.Receipt
	for i := range byte(5) {
		receipts = append(receipts, proofs.Receipt{Kind: proofs.ReceiptExternal, ID: proofs.Hash{i}, Height: 1})
	}
	ch := certify(t, net, 2, header(net, 3, receipts))
	page := func() *api.ReceiptPage {
		return &api.ReceiptPage{Header: ch, From: 2, Receipts: append([]proofs.Receipt(nil), receipts[2:4]...),
			Left: rangeOf(t, net, receipts, 0, 2), Right: rangeOf(t, net, receipts, 4, 5)}
	}
	read := func(p *api.ReceiptPage) error {
		l := newLight(net)
		first := api.ReceiptPage{Header: ch, Receipts: receipts[:2], Right: rangeOf(t, net, receipts, 2, 5)}
		v, err := l.verify(t.Context(), nil, &ch)
		if err != nil {
			return err
		}
		if err := l.take(&first, v); err != nil {
			return err
		}
		if v, err = l.verify(t.Context(), nil, &p.Header); err != nil {
			return err
		}
		return l.take(p, v)
	}
	if err := read(page()); err != nil {
		t.Fatal(err)
	}
	forked := append([]proofs.Receipt{{Kind: proofs.ReceiptAct}}, receipts[1:]...)
	for name, c := range map[string]struct {
		change func(p *api.ReceiptPage)
		want   error
	}{
		"another receipt": {func(p *api.ReceiptPage) { p.Receipts[0].Code = 1 }, proofs.ErrRoot},
		"one left out":    {func(p *api.ReceiptPage) { p.Receipts = p.Receipts[1:] }, merkle.ErrNodeCount},
		"another place":   {func(p *api.ReceiptPage) { p.From = 1 }, proofs.ErrDiverged},
		"too few signers": {func(p *api.ReceiptPage) { p.Header = certify(t, net, 1, p.Header.Header) }, proofs.ErrQuorum},
		"unsigned header": {func(p *api.ReceiptPage) { p.Header.Header.ReceiptSize = 4 }, proofs.ErrSignature},
		"another past": {func(p *api.ReceiptPage) {
			p.Header = certify(t, net, 2, header(net, 4, forked))
			p.Left = rangeOf(t, net, forked, 0, 2)
		}, proofs.ErrDiverged},
		"another header": {func(p *api.ReceiptPage) {
			h := p.Header.Header
			h.StateRoot[0]++
			p.Header = certify(t, net, 2, h)
			p.Receipts[1].Gas++
		}, proofs.ErrRoot},
	} {
		p := page()
		c.change(p)
		if err := read(p); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestLightRefusesOldTrust(t *testing.T) {
	l := newLight(twoNetworks(t, t.TempDir())[0])
	if err := l.expired(); err != nil {
		t.Fatal(err)
	}
	l.trust.Time -= l.trust.TrustPeriod + 1000
	if err := l.expired(); !errors.Is(err, proofs.ErrExpired) {
		t.Fatalf("got %v, want ErrExpired", err)
	}
}
